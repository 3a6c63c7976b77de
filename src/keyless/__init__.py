"""Read Azure Key Vault secrets with a managed identity: no credential in code, configuration or on disk."""

__version__ = "0.1.0"
