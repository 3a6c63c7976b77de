"""The surfaces that clients see: everything that answers requests."""
