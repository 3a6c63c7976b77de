"""Backups of what a vault holds."""
