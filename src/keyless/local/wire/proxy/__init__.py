"""The CONNECT proxy that leads to the vaults."""
