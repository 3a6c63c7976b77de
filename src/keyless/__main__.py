"""``python -m keyless``: the same as the command ``keyless``."""

from keyless.cli import main

main()
