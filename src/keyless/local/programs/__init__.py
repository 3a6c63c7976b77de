"""What a program is started with to find the local Azure."""
