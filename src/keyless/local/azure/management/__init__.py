"""The management plane: resources by their ARM ids, above the Azure in which they take effect."""
