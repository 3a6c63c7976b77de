"""Export and import of a local Azure."""
