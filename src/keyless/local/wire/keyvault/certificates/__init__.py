"""The certificates operations on the wire."""
