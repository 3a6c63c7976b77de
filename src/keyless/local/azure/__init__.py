"""The local Azure itself, without its wire: plain Python, no HTTP."""
