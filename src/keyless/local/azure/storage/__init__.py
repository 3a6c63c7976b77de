"""The database that vaults keep their objects in."""
