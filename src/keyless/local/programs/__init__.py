"""The environment with which a program finds the local Azure."""
