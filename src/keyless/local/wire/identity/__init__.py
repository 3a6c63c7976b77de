"""Where a host gets its tokens: one module for each source of managed identity."""
