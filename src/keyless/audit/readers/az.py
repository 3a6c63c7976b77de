"""What commands of the Azure CLI make, in the words of a template."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyless.audit.facts import Package, Resource, Runtime
from keyless.audit.values import Group, Scalar, mentions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keyless.audit.facts import Fact
    from keyless.audit.readers.words import Command
    from keyless.audit.source import Source
    from keyless.audit.values import Value

_URL: Final = re.compile(
    r"(?i)(?P<type>microsoft\.(?:keyvault|web|authorization)/\w+)[^?\s\"']*\?[^\s\"']*?api-version=(?P<version>[\w-]+)"
)
_VAULTS: Final = "Microsoft.KeyVault/vaults"


def read(command: Command, source: Source) -> Iterator[Fact]:
    """Yield what a command of ``az`` says."""
    place = source.place(command.line)
    if command.starts("az", "keyvault", "set-policy"):
        yield Resource(type=f"{_VAULTS}/accessPolicies", place=place, dialect="az")
    elif command.starts("az", "keyvault", "create"):
        body = {"enableRbacAuthorization": command.option("--enable-rbac-authorization")}
        yield Resource(type=_VAULTS, place=place, dialect="az", body=_properties(body, command.line))
    elif command.starts("az", "keyvault", "secret", "set"):
        body = {"value": command.option("--value")}
        yield Resource(type=f"{_VAULTS}/secrets", place=place, dialect="az", body=_properties(body, command.line))
    elif command.starts("az", "role", "assignment", "create"):
        yield _assignment(command, source)
    elif command.starts("az", "functionapp", "create"):
        yield from _function_app(command, source)
    elif command.starts("az", "resource"):
        kind, version = command.text("--resource-type"), command.text("--api-version")
        if kind and version:
            yield Resource(type=kind, version=version, place=place, dialect="rest", existing=True)
    elif command.starts("az", "rest"):
        yield from read_url(command, source)


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


def _assignment(command: Command, source: Source) -> Resource:
    body = {
        "roleDefinitionId": command.option("--role"),
        "principalId": command.option("--assignee-object-id", "--assignee"),
        "principalType": command.option("--assignee-principal-type"),
    }
    properties = _properties(body, command.line)
    scope = command.option("--scope", "--scopes")
    members = dict(properties.members) if scope is None else {**properties.members, "scope": scope}
    return Resource(
        type="Microsoft.Authorization/roleAssignments",
        place=source.place(command.line),
        dialect="az",
        body=Group(members, command.line),
    )


def _function_app(command: Command, source: Source) -> Iterator[Fact]:
    place = source.place(command.line)
    language, version = command.text("--runtime"), command.text("--runtime-version")
    if language and version:
        yield Runtime(language=language.lower().removesuffix("-isolated"), version=version, place=place)
    host = command.text("--functions-version")
    if host:
        yield Runtime(language="functions", version=host, place=place)
    linux = (command.text("--os-type") or "").lower() == "linux"
    if command.option("--consumption-plan-location", "-c") is not None and linux:
        plan = {"sku": Group({"name": Scalar("Y1", command.line)}, command.line)}
        properties = Group({"reserved": Scalar(True, command.line)}, command.line)
        body = Group({**plan, "properties": properties}, command.line)
        yield Resource(type="Microsoft.Web/serverfarms", place=place, dialect="az", body=body)
