"""What both services are asked with: a deadline and pauses, a body within it, the fields of an error, a token."""
