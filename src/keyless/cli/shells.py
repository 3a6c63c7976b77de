"""Each shell's way to set variables and to remove them."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Shell = Literal["sh", "fish", "powershell", "json"]
SHELLS: Final[tuple[Shell, ...]] = get_args(Shell)


def commands(shell: Shell, *, set_: Mapping[str, str], unset: Sequence[str]) -> str:
    """Return what a shell is to run so that its variables are these.

    Args:
        shell: The shell; ``json`` is for programs.
        set_: The variables to set.
        unset: The variables to take away. They are not blanked: many clients look at whether a variable is there.
    """
    match shell:
        case "json":
            return json.dumps({"set": dict(set_), "unset": list(unset)}, indent=2)
        case "sh":
            gone = [f"unset {name}" for name in unset]
            return "\n".join([*gone, *(f"export {name}={shlex.quote(value)}" for name, value in set_.items())])
        case "fish":
            gone = [f"set -e {name}" for name in unset]
            return "\n".join([*gone, *(f"set -gx {name} {_fish(value)}" for name, value in set_.items())])
        case "powershell":
            gone = [f"Remove-Item Env:{name} -ErrorAction SilentlyContinue" for name in unset]
            return "\n".join([*gone, *(f"$env:{name} = {_powershell(value)}" for name, value in set_.items())])


def _fish(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _powershell(value: str) -> str:
    # PowerShell takes each of five characters for the quotation mark that ends a string; twice stands for itself.
    # https://learn.microsoft.com/en-us/powershell/module/microsoft.powershell.core/about/about_quoting_rules
    return "'" + re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", value) + "'"
