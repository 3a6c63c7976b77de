"""The facts that readers find in a project's files, in words that are the same for every language."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from keyless.audit.values import EMPTY, Group, Value

if TYPE_CHECKING:
    from keyless.audit.rules.packages import Ecosystem

Dialect = Literal["bicep", "arm", "terraform", "azapi", "az", "powershell", "rest", "script", "yaml"]

WATCHED: Final = (
    "microsoft.keyvault/",
    "microsoft.web/",
    "microsoft.authorization/",
    "microsoft.resources/deploymentscripts",
)
"""How the types begin that have rules, in lower case."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a file.

    Attributes:
        path: The file, as the user would name it.
        line: The line, from 1.
        block: The first line of what it is a part of; an ignoring comment may be there, too. 0 means the line itself.
    """

    path: str
    line: int
    block: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource of Azure that a template declares, a command makes, or a request names.

    Attributes:
        type: Its type as ARM spells it, such as ``Microsoft.KeyVault/vaults``.
        place: Where.
        dialect: The language that it is written in, and so what to write.
        version: The version of the API; empty where the tool chooses it.
        body: What is said of it, in ARM's own names.
        existing: Whether it is only looked up or called.
    """

    type: str
    place: Place
    dialect: Dialect
    version: str = ""
    body: Group = EMPTY
    existing: bool = False

    def has_type(self, name: str) -> bool:
        """Return whether it has a type; Azure takes any case."""
        return self.type.lower() == name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A release of a library or tool that a file names.

    Attributes:
        ecosystem: Where it comes from.
        name: Its name.
        requirement: The version, or the range of versions.
    """

    ecosystem: Ecosystem
    name: str
    requirement: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """A language's version, or that of the Functions host (``functions``), that something runs on."""

    language: str
    version: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a template.

    Attributes:
        name: Its name.
        secure: Whether it is marked as a secret.
        has_default: Whether the file itself gives it a text that is not empty.
        takes_text: Whether it is a text, and not a number, a list or a choice of some.
    """

    name: str
    place: Place
    dialect: Dialect
    secure: bool
    has_default: bool
    takes_text: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting of an app, a variable of a workflow, or the value of a parameter."""

    name: str
    place: Place
    dialect: Dialect
    value: Value = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """The use that a Python file makes of a vault's secrets.

    Attributes:
        reads: Whether it reads one.
        changes: Whether it sets, deletes or restores one, or does what is not understood.
    """

    place: Place
    reads: bool
    changes: bool


Fact = Resource | Package | Runtime | Parameter | Setting | Use
