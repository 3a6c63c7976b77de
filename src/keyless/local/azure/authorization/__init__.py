"""Roles, where they are assigned, and the decision."""
