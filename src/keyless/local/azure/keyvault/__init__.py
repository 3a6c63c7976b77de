"""Vaults, as Python code sees them."""
