"""Managed identities and their tokens."""
