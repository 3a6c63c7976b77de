"""Resources that commands of the Azure CLI make, in the words of a template."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyless.audit.facts import Package, Resource, Runtime
from keyless.audit.values import Group, Scalar, mentions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from keyless.audit.facts import Fact
    from keyless.audit.readers.words import Command
    from keyless.audit.source import Source
    from keyless.audit.values import Value

_URL: Final = re.compile(
    r"(?i)(?P<type>microsoft\.(?:keyvault|web|authorization)/\w+)[^?\s\"']*\?[^\s\"']*?api-version=(?P<version>[\w-]+)"
)
_MANAGES: Final = re.compile(r"\baz\s+keyvault\s+(?!secret\b|key\b|certificate\b|storage\b)[a-z]")
_STACKS: Final = {"dotnetcore": "dotnet", "dotnet-isolated": "dotnet"}
_VAULTS: Final = "Microsoft.KeyVault/vaults"


def manages_vaults(script: str) -> bool:
    """Return whether a script has az ask the control plane of Key Vault, which an old az will not be able to."""
    return _MANAGES.search(script) is not None


def read(command: Command, source: Source) -> Iterator[Fact]:
    """Yield the facts in a command of ``az``."""
    given = command.head(3)
    for words, reader in _READERS:
        if given[: len(words)] == words:
            yield from reader(command, source)


def _set_policy(command: Command, source: Source) -> Iterator[Fact]:
    yield Resource(type=f"{_VAULTS}/accessPolicies", place=source.place(command.line), dialect="az")


def _create_vault(command: Command, source: Source) -> Iterator[Fact]:
    body = {"enableRbacAuthorization": command.option("--enable-rbac-authorization")}
    place = source.place(command.line)
    yield Resource(type=_VAULTS, place=place, dialect="az", body=_properties(body, command.line))


def _set_secret(command: Command, source: Source) -> Iterator[Fact]:
    body = {"value": command.option("--value")}
    place = source.place(command.line)
    yield Resource(type=f"{_VAULTS}/secrets", place=place, dialect="az", body=_properties(body, command.line))


def _create_web_app(command: Command, source: Source) -> Iterator[Fact]:
    language, _, version = (command.text("--runtime", "-r") or "").replace("|", ":").partition(":")
    if version:
        known = _STACKS.get(language.lower(), language.lower())
        yield Runtime(language=known, version=version, place=source.place(command.line))


def _call_resource(command: Command, source: Source) -> Iterator[Fact]:
    kind, version = command.text("--resource-type"), command.text("--api-version")
    if kind and version:
        yield Resource(type=kind, version=version, place=source.place(command.line), dialect="rest", existing=True)


def read_url(command: Command, source: Source) -> Iterator[Fact]:
    """Yield the resources that the addresses among a command's words name."""
    for word in command.words:
        yield from urls(mentions(word), source, word.line)


def urls(text: str, source: Source, line: int) -> Iterator[Resource]:
    """Yield the resources that addresses of the management API in a text name."""
    for found in _URL.finditer(text):
        place = source.place(line)
        yield Resource(type=found["type"], version=found["version"], place=place, dialect="rest", existing=True)


def read_apt(command: Command, source: Source) -> Iterator[Fact]:
    """Yield the version of az that is installed: ``apt-get install azure-cli=2.60.0-1~jammy``."""
    for word in command.words:
        name, _, version = mentions(word).partition("=")
        if name == "azure-cli" and version:
            yield Package(ecosystem="az", name=name, requirement=f"=={version}", place=source.place(word.line))


def _properties(given: Mapping[str, Value | None], line: int) -> Group:
    told: dict[str, Value] = {}
    for name, value in given.items():
        if isinstance(value, Scalar) and str(value.value).lower() in {"true", "false"}:
            told[name] = Scalar(str(value.value).lower() == "true", value.line)
        elif value is not None:
            told[name] = value
    return Group({"properties": Group(told, line)}, line)


def _assign_role(command: Command, source: Source) -> Iterator[Fact]:
    body = {
        "roleDefinitionId": command.option("--role"),
        "principalId": command.option("--assignee-object-id", "--assignee"),
        "principalType": command.option("--assignee-principal-type"),
    }
    properties = _properties(body, command.line)
    scope = command.option("--scope", "--scopes")
    members = dict(properties.members) if scope is None else {**properties.members, "scope": scope}
    yield Resource(
        type="Microsoft.Authorization/roleAssignments",
        place=source.place(command.line),
        dialect="az",
        body=Group(members, command.line),
    )


def _function_app(command: Command, source: Source) -> Iterator[Fact]:
    place = source.place(command.line)
    language, version = command.text("--runtime"), command.text("--runtime-version")
    if language and version:
        yield Runtime(language=_STACKS.get(language.lower(), language.lower()), version=version, place=place)
    host = command.text("--functions-version")
    if host:
        yield Runtime(language="functions", version=host, place=place)
    linux = (command.text("--os-type") or "").lower() == "linux"
    if command.option("--consumption-plan-location", "-c") is not None and linux:
        plan = {"sku": Group({"name": Scalar("Y1", command.line)}, command.line)}
        properties = Group({"reserved": Scalar(True, command.line)}, command.line)
        body = Group({**plan, "properties": properties}, command.line)
        yield Resource(type="Microsoft.Web/serverfarms", place=place, dialect="az", body=body)


_READERS: Final[tuple[tuple[tuple[str, ...], Callable[[Command, Source], Iterator[Fact]]], ...]] = (
    (("keyvault", "set-policy"), _set_policy),
    (("keyvault", "create"), _create_vault),
    (("keyvault", "secret", "set"), _set_secret),
    (("role", "assignment", "create"), _assign_role),
    (("functionapp", "create"), _function_app),
    (("webapp", "create"), _create_web_app),
    (("resource",), _call_resource),
    (("rest",), read_url),
)
