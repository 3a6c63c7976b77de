"""The part that all operations of a vault share on the wire."""
