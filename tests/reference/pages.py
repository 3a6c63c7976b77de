"""The pages of the reference, all made from the code."""

from __future__ import annotations

import re
from pathlib import Path

from tests.reference.commands import commands_page
from tests.reference.keyless_toml import toml_page
from tests.reference.names import names_page
from tests.reference.python_api import python_page

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
_INDEX = """# Reference

These pages are made from the code by `make reference`.

* [Commands](commands.md): every command and option.
* [keyless.toml](keyless-toml.md): every key, with its type, its default and an example.
* [Names](names.md): sources, faults, drills, roles, operations, codes, errors and events.
* [Python](python.md): every name that you can import.

Written by hand: [errors with causes and remedies](../errors.md), [the control API](../control.md#the-control-api).
"""


def pages() -> dict[str, str]:
    """Return the pages by the names of their files."""
    made = {
        "index.md": _INDEX,
        "commands.md": commands_page(),
        "keyless-toml.md": toml_page(),
        "names.md": names_page(),
        "python.md": python_page(),
    }
    return {name: re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE) for name, text in made.items()}
