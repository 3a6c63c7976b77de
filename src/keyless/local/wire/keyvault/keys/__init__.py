"""The keys operations on the wire."""
