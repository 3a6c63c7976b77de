"""The local Azure: managed identity and Key Vault on this machine, for development and tests."""
