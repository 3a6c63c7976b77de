"""Resources that cmdlets of Azure PowerShell make, in the words of a template."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyless.audit.facts import Package, Resource
from keyless.audit.readers.az import urls
from keyless.audit.values import Group, Scalar, mentions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.audit.facts import Fact
    from keyless.audit.readers.words import Command
    from keyless.audit.source import Source
    from keyless.audit.values import Value

_PLAIN: Final = re.compile(r"""(?i)ConvertTo-SecureString\s+(?:-String\s+)?(?:"(?P<a>[^"$]+)"|'(?P<b>[^']+)')""")
_REQUIRES: Final = re.compile(
    rb"""(?im)^\s*(?:#requires\b.*?)?@?\{?\s*ModuleName\s*=\s*['"](?P<name>Az\.KeyVault)['"].*?"""
    rb"""(?P<kind>RequiredVersion|MaximumVersion)\s*=\s*['"](?P<version>[\d.]+)['"]"""
)
_MANAGED: Final = re.compile(
    rb"""(?im)^\s*['"]?(?P<name>Az\.KeyVault)['"]?\s*=\s*['"](?P<version>\d[\d.]*(?:\.\*)?)['"]"""
)


def read(command: Command, source: Source) -> Iterator[Fact]:
    """Yield the facts in a cmdlet."""
    place, name = source.place(command.line), command.name.lower()
    if name == "set-azkeyvaultaccesspolicy":
        yield Resource(type="Microsoft.KeyVault/vaults/accessPolicies", place=place, dialect="powershell")
    elif name == "set-azkeyvaultsecret":
        found = _PLAIN.search(mentions(command.option("-secretvalue")))
        if found:
            value: Value = Scalar(found["a"] or found["b"], command.line)
            body = Group({"properties": Group({"value": value}, command.line)}, command.line)
            yield Resource(type="Microsoft.KeyVault/vaults/secrets", place=place, dialect="powershell", body=body)
    elif name == "new-azroleassignment":
        yield _assignment(command, source)
    elif name in {"install-module", "install-psresource", "import-module"}:
        yield from _module(command, source)
    elif name == "new-azresource" and command.text("-apiversion"):
        kind = command.text("-resourcetype") or ""
        version = command.text("-apiversion") or ""
        yield Resource(type=kind, version=version, place=place, dialect="rest", existing=True)
    else:
        for word in command.words:
            yield from urls(mentions(word), source, word.line)


def requires(source: Source) -> Iterator[Package]:
    """Yield the modules that a script or a function app's ``requirements.psd1`` holds to a version."""
    if b"az.keyvault" not in source.data.lower():
        return
    for found in _REQUIRES.finditer(source.data):
        sign = "==" if found["kind"].lower() == b"requiredversion" else "<="
        yield _package(sign, found["version"].decode(), source, found.start("version"))
    for found in _MANAGED.finditer(source.data):
        yield _package("==", found["version"].decode(), source, found.start("version"))


def _package(sign: str, version: str, source: Source, offset: int) -> Package:
    place = source.place(source.line_at(offset))
    return Package(ecosystem="powershell", name="Az.KeyVault", requirement=f"{sign}{version}", place=place)


def _module(command: Command, source: Source) -> Iterator[Package]:
    named = command.text("-name") or next((str(word.value) for word in command.words if isinstance(word, Scalar)), "")
    if named.lower() != "az.keyvault":
        return
    for option, sign in (("-requiredversion", "=="), ("-version", "=="), ("-maximumversion", "<=")):
        version = command.text(option)
        if version:
            place = source.place(command.line)
            yield Package(ecosystem="powershell", name=named, requirement=f"{sign}{version}", place=place)


def _assignment(command: Command, source: Source) -> Resource:
    given = {
        "roleDefinitionId": command.option("-roledefinitionname", "-roledefinitionid"),
        "principalId": command.option("-objectid", "-applicationid", "-signinname"),
    }
    if command.option("-signinname") is not None:
        given["principalType"] = Scalar("User", command.line)
    properties = Group({name: value for name, value in given.items() if value is not None}, command.line)
    scope = command.option("-scope")
    members: dict[str, Value] = {"properties": properties}
    return Resource(
        type="Microsoft.Authorization/roleAssignments",
        place=source.place(command.line),
        dialect="powershell",
        body=Group(members if scope is None else {**members, "scope": scope}, command.line),
    )
