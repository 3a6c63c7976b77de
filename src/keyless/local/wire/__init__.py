"""What clients see: every surface that answers requests."""
