"""The common part of secrets, keys and certificates: attributes, versions, soft delete, and where they are kept."""
