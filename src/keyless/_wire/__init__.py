"""The parts of a request to either service: a deadline and pauses, a body within it, the fields of an error, a token."""
