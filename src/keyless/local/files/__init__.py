"""Private files and folders."""
