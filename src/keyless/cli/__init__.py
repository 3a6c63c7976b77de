"""The command line: ``keyless up``, ``keyless get``, ``keyless demo``."""

import gc
import sys


def main() -> None:
    """Run the command line; report what to install where its libraries are missing."""
    try:
        _run()
    except KeyboardInterrupt:  # In the midst of loading.
        sys.exit(130)
    except OSError as error:
        sys.exit(f"keyless: the operating system refused: {error.strerror or type(error).__name__}.")


def _run() -> None:
    try:
        from keyless.cli.commands import keyless  # noqa: PLC0415 (the library is installed without what this needs)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "keyless":
            raise
        sys.exit(f"The keyless command needs {error.name}. Install it with: pip install 'keyless[cli,local,functions]'")
    try:
        keyless()
    finally:
        # At its end the interpreter would look through all that was loaded for garbage, twice.
        gc.freeze()
