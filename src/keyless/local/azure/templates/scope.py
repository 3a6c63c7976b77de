"""The values that an expression can ask for where it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from msgspec import field
from msgspec.structs import replace

from keyless.local.azure.templates.errors import TemplateError
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.azure.templates.budget import Budget

Json = dict[str, Any]


class Place(Record, frozen=True, kw_only=True):
    """The target of a deployment, as the functions of the same names give it.

    Attributes:
        group: ``resourceGroup()``.
        subscription: ``subscription()``.
        tenant: ``tenant()``.
        environment: ``environment()``.
        deployer: ``deployer()``.
    """

    group: Json
    subscription: Json
    tenant: Json
    environment: Json
    deployer: Json

    @property
    def group_id(self) -> str:
        """The ARM id of the resource group."""
        found: str = self.group["id"]
        return found


class References(Protocol):
    """Looks up resources while a deployment runs."""

    def reference(self, arguments: tuple[Any, ...]) -> Any:
        """Return what ``reference()`` does: the properties of a resource, or all of it."""

    def references(self, symbol: str, *, full: bool) -> Any:
        """Return what ``references()`` does: that of each resource of a loop."""


class Outside(Protocol):
    """Gives what no template holds: what is new each time, for defaults of parameters alone, and the secrets of vaults."""

    def new_guid(self) -> Any:
        """Return a new GUID."""

    def utc_now(self, form: str) -> Any:
        """Return the time."""

    def secret(self, parameter: str, reference: Any) -> Any:
        """Return the secret of a vault that a parameter refers to."""


class Looped(Record, frozen=True):
    """A variable that a loop makes."""

    loop: Json


class Variables:
    """The variables of a template, each worked out when it is first asked for.

    Args:
        raw: The variables as they are written.
    """

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = raw
        self._names = {name.lower(): name for name in raw}
        self._known: dict[str, Any] = {}
        self._open: list[str] = []

    def get(self, name: str, evaluate: Callable[[Any], Any]) -> Any:
        """Return the value of a variable.

        Raises:
            TemplateError: If there is none of that name, or it needs itself.
        """
        spelled = self._names.get(name.lower())
        if spelled is None:
            raise TemplateError(
                f"The template variable '{name}' is not found. Please see "
                "https://aka.ms/arm-syntax-variables for usage details."
            )
        if spelled not in self._known:
            if spelled in self._open:
                raise TemplateError(f"The template variable '{spelled}' needs its own value.")
            self._open.append(spelled)
            try:
                self._known[spelled] = evaluate(self._raw[spelled])
            finally:
                self._open.remove(spelled)
        return self._known[spelled]


class Scope(Record, frozen=True, kw_only=True):
    """The values that expressions of one template can ask for.

    Attributes:
        place: Where the deployment goes.
        deployment: What ``deployment()`` gives.
        parameters: The values of the parameters.
        variables: The variables.
        functions: The template's own functions, by ``namespace.name`` in lower case.
        references: Looks up resources; None where nothing may be looked up.
        indexes: How far each loop is, from the outermost to the innermost, by name.
        outside: Gives new GUIDs and the time; None where they may not be asked for.
        locals: The variables of lambdas, by name in lower case.
        budget: What is left of the work that may be done.
    """

    place: Place
    deployment: Json
    parameters: Mapping[str, Any]
    variables: Variables
    functions: Mapping[str, Json] = field(default_factory=dict)
    references: References | None = None
    indexes: Mapping[str, int] = field(default_factory=dict)
    outside: Outside | None = None
    locals: Mapping[str, Any] = field(default_factory=dict)
    budget: Budget

    def within(self, loop: str, index: int) -> Scope:
        """Return the scope inside one turn of a loop."""
        others = {name: at for name, at in self.indexes.items() if name != loop}
        return replace(self, indexes={**others, loop: index})
