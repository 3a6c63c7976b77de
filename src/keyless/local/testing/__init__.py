"""What a test makes happen, and learns."""
