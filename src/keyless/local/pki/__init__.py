"""The private certificate authority, and who trusts it."""
