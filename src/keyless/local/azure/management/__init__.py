"""What the management plane knows and does: resources by their ARM ids, above the Azure that feels it."""
