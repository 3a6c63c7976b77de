"""Conditions on role assignments (Azure ABAC): the language, read and decided."""
