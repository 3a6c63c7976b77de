"""Versions that stop: of the management API, of tools and libraries, of languages and the Functions host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyless.audit.facts import Package, Runtime
from keyless.audit.finding import found
from keyless.audit.readers.az import manages_vaults
from keyless.audit.requirement import reach
from keyless.audit.rules.api_versions import FIRST_KEPT, retirement
from keyless.audit.rules.packages import faults_of
from keyless.audit.rules.rule import rule
from keyless.audit.rules.runtimes import end_of, successor, title
from keyless.audit.values import Group, Scalar, known_text, mentions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.audit.facts import Resource
    from keyless.audit.finding import Finding
    from keyless.audit.values import Value

_VERSION_WRITTEN: Final = {
    "arm": '"apiVersion": "{version}"',
    "rest": "api-version={version}",
}
# Settings that say a version, and of what.
_SETTINGS: Final = {"functions_extension_version": "functions", "website_node_default_version": "node"}
_STACKS: Final = {
    "python": "python",
    "node": "node",
    "dotnet-isolated": "dotnet",
    "dotnetcore": "dotnet",
    "dotnet": "dotnet",
    "powershell": "powershell",
    "java": "java",
}


def check_resource(resource: Resource) -> Iterator[Finding]:
    """Yield what stops for a resource."""
    stops = retirement(resource.type, resource.version)
    if stops is not None:
        written = _VERSION_WRITTEN.get(resource.dialect, "{type}@{version}")
        what = f"{resource.type}@{resource.version} is a version that Key Vault stops serving"
        write = written.format(type=resource.type, version=FIRST_KEPT)
        yield found(stops, resource.place, what, f"`{write}`, or newer")
    kind = resource.type.lower()
    if kind == "microsoft.resources/deploymentscripts":
        yield from _check_script(resource)
    elif kind.startswith("microsoft.web/sites") and not resource.existing:
        for runtime in _runtimes(resource):
            yield from check_runtime(runtime)
    elif kind == "microsoft.web/serverfarms":
        plan = resource.body.text("sku.name") or resource.body.text("sku.tier")
        if plan in {"Y1", "Dynamic"} and _is_linux(resource.body):
            write = "a Flex Consumption plan: sku `FC1`, tier `FlexConsumption`"
            yield found(rule("KA-403"), resource.place, "The plan is Consumption on Linux", write)


def _check_script(resource: Resource) -> Iterator[Finding]:
    cli, script = resource.body.text("properties.azCliVersion"), resource.body.get("properties.scriptContent")
    if cli and manages_vaults(mentions(script)):
        package = Package(ecosystem="az", name="azure-cli", requirement=f"=={cli}", place=resource.place)
        yield from check_package(package)


def check_package(package: Package) -> Iterator[Finding]:
    """Yield what is known against all releases that a requirement allows."""
    allowed = reach(package.requirement, package.ecosystem)
    told: set[str] = set()
    for fault in faults_of(package.ecosystem, package.name):
        # Of several the first matters most; a release with a fault needs no report of its limits, too.
        if allowed.is_at_fault(fault) and fault.rule not in told:
            told |= {fault.rule, "KA-302"}
            release = re.sub(r"^=+\s*", "", package.requirement.strip())
            what = f"{package.name} {release} has {fault.why}"
            yield found(rule(fault.rule), package.place, what, fault.remedy, source=fault.source)


def check_runtime(runtime: Runtime) -> Iterator[Finding]:
    """Yield when a version's support ends, if a day is known."""
    ends = end_of(runtime.language, runtime.version)
    if ends is not None:
        is_host = runtime.language == "functions"
        name = "the Functions host" if is_host else title(runtime.language)
        what = f"Azure supports {name} {runtime.version.strip()} until {ends.isoformat()}"
        write = f"{'' if is_host else f'{name} '}{successor(runtime.language)}"
        yield found(rule("KA-402" if is_host else "KA-401"), runtime.place, what, write, on=ends)


def settings_of(resource: Resource) -> dict[str, Value]:
    """Return the settings of an app, however the template says them."""
    body = resource.body
    given: dict[str, Value] = {}
    own = body.get("appSettings")
    if isinstance(own, Group):
        given |= own.members
    if resource.type.lower() in {"microsoft.web/sites/config", "microsoft.web/sites/slots/config"}:
        properties = body.get("properties")
        given |= properties.members if isinstance(properties, Group) else {}
    for pair in body.groups("properties.siteConfig.appSettings"):
        name, value = pair.text("name"), pair.get("value")
        if name and value is not None:
            given[name] = value
    return given


def _is_linux(body: Group) -> bool:
    reserved = body.get("properties.reserved")
    return (isinstance(reserved, Scalar) and reserved.value is True) or "linux" in (body.text("kind") or "").lower()


def _runtimes(resource: Resource) -> Iterator[Runtime]:
    body = resource.body
    for path in ("properties.functionAppConfig.runtime", "runtime"):
        runtime = body.get(path)
        if isinstance(runtime, Group):
            yield from _runtime(known_text(runtime.get("name")), runtime.get("version"), resource)
    for path in ("properties.siteConfig.linuxFxVersion", "properties.siteConfig.windowsFxVersion"):
        value = body.get(path)
        language, bar, version = (known_text(value) or "").partition("|")
        if value is not None and bar:
            yield from _runtime(language, Scalar(version, value.line), resource)
    host = body.get("properties.siteConfig.netFrameworkVersion")
    # v4.0 is .NET Framework, which every app's settings hold.
    if host is not None and not re.match(r"v4", known_text(host) or "v4"):
        yield from _runtime("dotnet", host, resource)
    for name, value in settings_of(resource).items():
        if name.lower() in _SETTINGS:
            yield from _runtime(_SETTINGS[name.lower()], value, resource)


def _runtime(language: str | None, version: Value | None, resource: Resource) -> Iterator[Runtime]:
    text = known_text(version)
    known = _STACKS.get((language or "").lower(), language)
    if known and text and version is not None:
        place = type(resource.place)(resource.place.path, version.line, resource.place.block or resource.place.line)
        yield Runtime(language=known, version=text, place=place)
