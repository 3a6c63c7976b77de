"""A reader a kind of file: each yields the contents of its file in the words of ``keyless.audit.facts``."""
