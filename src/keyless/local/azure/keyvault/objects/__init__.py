"""What secrets, keys and certificates share: attributes, versions, soft delete, and where they are kept."""
