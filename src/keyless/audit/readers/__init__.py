"""A reader a kind of file: each yields what its file says in the words of ``keyless.audit.facts``."""
