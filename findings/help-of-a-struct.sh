#!/usr/bin/env bash
# help() of a msgspec.Struct raises NameError where its module imports a type for type checkers alone. help() of a dataclass does not.
#
# Seen with msgspec 0.22.0 on Python 3.11: the struct works, but inspect.signature evaluates its annotations, and so do help(), pydoc and
# the shells and documentation tools that ask for the signature. A type that is imported under `if TYPE_CHECKING:` is not there.
# A struct that others look at needs the types of its fields imported for good.
# This script fails when that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv" 2>/dev/null || python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check msgspec==0.22.0
"$folder/venv/bin/python" - <<'PYTHON'
from __future__ import annotations

import dataclasses
import inspect
import pydoc
from importlib.metadata import version
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping


class Struct(msgspec.Struct):
    """A struct with tags."""

    tags: Mapping[str, str]


@dataclasses.dataclass
class Data:
    """A dataclass with tags."""

    tags: Mapping[str, str]


def outcome(work, of):
    try:
        work(of)
    except NameError as error:
        return f"NameError: {error}"
    return "works"


found = {
    "the struct itself": outcome(lambda kind: kind(tags={}), Struct),
    "inspect.signature(Struct)": outcome(inspect.signature, Struct),
    "help(Struct)": outcome(pydoc.render_doc, Struct),
    "inspect.signature(Data)": outcome(inspect.signature, Data),
    "help(Data)": outcome(pydoc.render_doc, Data),
}
print(f"msgspec {version('msgspec')}")
for what, came in found.items():
    print(f"  {what}: {came}")
missing = "NameError: name 'Mapping' is not defined"
assert found == {
    "the struct itself": "works",
    "inspect.signature(Struct)": missing,
    "help(Struct)": missing,
    "inspect.signature(Data)": "works",
    "help(Data)": "works",
}, "this has changed"
PYTHON
