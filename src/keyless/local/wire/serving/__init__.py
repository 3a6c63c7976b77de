"""Sockets, event loops, and faults on the wire."""
