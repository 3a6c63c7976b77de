"""The sources of a host's tokens: one module for each source of managed identity."""
