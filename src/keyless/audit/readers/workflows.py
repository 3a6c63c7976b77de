"""Reads YAML of GitHub, GitLab and Azure Pipelines, and azd's ``azure.yaml``: scripts, tools, variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import yaml

from keyless.audit.facts import Package, Runtime, Setting
from keyless.audit.readers import az
from keyless.audit.readers.docker import image
from keyless.audit.readers.secret_names import names_secret
from keyless.audit.readers.shell import read_bash, read_powershell
from keyless.audit.source import Problem
from keyless.audit.values import Computed, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.audit.facts import Fact
    from keyless.audit.source import Source

_SCRIPTS: Final = frozenset(
    {"run", "script", "bash", "inlinescript", "inline", "before_script", "after_script", "entrypoint"}
)
_POWERSHELL: Final = frozenset({"pwsh", "powershell", "pscore", "ps"})
_VARIABLES: Final = frozenset({"env", "variables", "environment"})
_IMAGES: Final = frozenset({"image", "container"})
_USES: Final = frozenset({"uses", "task"})
_READ: Final = _SCRIPTS | _POWERSHELL | _VARIABLES | _IMAGES | _USES
_LANGUAGES: Final = {
    "actions/setup-python": ("python", "python-version"),
    "actions/setup-node": ("node", "node-version"),
    "actions/setup-dotnet": ("dotnet", "dotnet-version"),
    "actions/setup-java": ("java", "java-version"),
    "usepythonversion": ("python", "versionspec"),
    "usenode": ("node", "version"),
    "nodetool": ("node", "versionspec"),
    "usedotnet": ("dotnet", "version"),
}
_DEPLOYS: Final = re.compile(
    rb"(?i)azure/(functions-action|webapps-deploy)|AzureFunctionApp|AzureWebApp@|func azure|azd (up|deploy)"
)
_EXPRESSION: Final = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
_VARIABLE: Final = re.compile(r"\$\{\{\s*(?:env|variables)\.(\w+)\s*\}\}|\$\((\w+)\)")
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Mapping = dict[str, yaml.Node]


def read(source: Source) -> Iterator[Fact]:
    """Yield the facts in a workflow."""
    try:
        documents = list(yaml.compose_all(source.data, Loader=_LOADER))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 0
        source.problems.append(Problem(source.path, line, "This is not YAML."))
        return
    waiting: list[yaml.Node] = list(filter(None, documents))
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue  # An alias of what was read, or of what it is in.
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += [item for item in node.value if not isinstance(item, yaml.ScalarNode)]
        elif isinstance(node, yaml.MappingNode):
            members = _members(node)
            waiting += [inner for inner in members.values() if not isinstance(inner, yaml.ScalarNode)]
            if not _READ.isdisjoint(members):
                yield from _mapping(members, source)


def _mapping(members: Mapping, source: Source) -> Iterator[Fact]:
    for name in members.keys() & _READ:
        inner = members[name]
        if name in _USES:
            yield from _step(inner, members, source)
        elif name in _VARIABLES:
            yield from _variables(inner, source)
        elif name not in _IMAGES:
            yield from _script(inner, source, powershell=name in _POWERSHELL or _shell(members) in _POWERSHELL)
        elif isinstance(inner, yaml.ScalarNode):
            yield from image(inner.value, source, inner.start_mark.line + 1)


def _members(node: yaml.Node | None) -> Mapping:
    """Return the values of a mapping by its names, in lower case: some of these tools take any."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {str(key.value).lower(): inner for key, inner in node.value}


def _pairs(node: yaml.Node | None) -> list[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        return []
    return [(str(key.value), inner) for key, inner in node.value if isinstance(key, yaml.ScalarNode)]


def _text(node: yaml.Node | None) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def _shell(members: Mapping) -> str:
    kind = _text(members.get("shell")) or _text(members.get("scripttype"))
    # The task AzurePowerShell has its script inline, and no other kind.
    return "pwsh" if "azurepowershellversion" in members or "inline" in members else kind.lower()


def _step(used: yaml.Node, members: Mapping, source: Source) -> Iterator[Fact]:
    """Yield what a step of a workflow uses."""
    name = _text(used).partition("@")[0].lower()
    is_cli = name.endswith("/cli")
    language, option = _LANGUAGES.get(name, ("", ""))
    if not (language or is_cli):
        return
    given = _members(members.get("with") or members.get("inputs"))
    line = used.start_mark.line + 1
    script = _text(given.get("inlinescript"))
    version = given.get("azcliversion")
    if is_cli and version is not None and (not script or az.manages_vaults(script)):
        place = source.place(version.start_mark.line + 1, line)
        yield Package(ecosystem="az", name="azure-cli", requirement=f"=={_text(version)}", place=place)
    chosen = given.get(option)
    if isinstance(chosen, yaml.ScalarNode) and _DEPLOYS.search(source.data):
        text, version_line = _resolved(_text(chosen), chosen.start_mark.line + 1, source)
        yield Runtime(language=language, version=text, place=source.place(version_line, line))


def _resolved(text: str, line: int, source: Source) -> tuple[str, int]:
    """Return what a text is, and where it stands: of a variable such as `${{ env.NAME }}`, its value in the same file."""
    named = _VARIABLE.fullmatch(text)
    plain = rf"""(?m)^[ \t]*(?:- )?{named[1] or named[2]}:[ \t]*["']?([\w.]+)""" if named else "(?!)"
    found = re.search(plain.encode(), source.data)
    return (found[1].decode(), source.line_at(found.start(1))) if found else (text, line)


def _script(node: yaml.Node, source: Source, *, powershell: bool) -> Iterator[Fact]:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _script(item, source, powershell=powershell)
    elif isinstance(node, yaml.ScalarNode) and node.value:
        # A block begins below its mark; an expression of GitHub's becomes a variable of the same length.
        line = node.start_mark.line + (2 if node.style in {"|", ">"} else 1)
        text = _EXPRESSION.sub(lambda found: f"$x{'_' * (len(found[0]) - 2)}", node.value)
        part = source.part(text, line)
        yield from read_powershell(part) if powershell else read_bash(part)


def _variables(node: yaml.Node, source: Source) -> Iterator[Setting]:
    given = _pairs(node)
    # Azure Pipelines also lists them: `- name: X` and `value: Y`.
    if isinstance(node, yaml.SequenceNode):
        listed = [_members(item) for item in node.value]
        given = [(_text(each.get("name")), each["value"]) for each in listed if "value" in each]
    for name, inner in given:
        if names_secret(name) and isinstance(inner, yaml.ScalarNode):
            line = inner.start_mark.line + 1
            value = Computed(inner.value, line) if "$" in inner.value else Scalar(inner.value, line)
            yield Setting(name=name, value=value, place=source.place(line), dialect="yaml")
