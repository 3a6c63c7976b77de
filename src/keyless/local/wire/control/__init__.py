"""The control API of a running local Azure: what its Python API does, for the command line and for other languages."""
