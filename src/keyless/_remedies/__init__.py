"""Remedies, as commands and paths through the portal, and the host that is filled into them."""
