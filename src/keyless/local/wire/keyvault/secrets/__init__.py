"""The secrets operations on the wire."""
