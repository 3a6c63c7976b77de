"""The secrets of a vault."""
