"""The examples at the end of a command's help."""

from __future__ import annotations


def examples(*commands: str) -> str:
    """Return an epilog that shows commands to paste, each on a line of its own."""
    return "\b\nExamples:\n" + "\n".join(f"  {command}" for command in commands)
