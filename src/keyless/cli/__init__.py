"""The command line: ``keyless up``, ``keyless get``, ``keyless demo``."""

import sys


def main() -> None:
    """Run the command line; say what to install where its libraries are missing."""
    try:
        from keyless.cli.commands import keyless  # noqa: PLC0415 (the library is installed without what this needs)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "keyless":
            raise
        sys.exit(f"The keyless command needs {error.name}. Install it with: pip install 'keyless[cli,local,functions]'")
    keyless()
