"""Every line of az that is printed: by errors, findings, reports and documents; and those that cannot be run here."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from tests.az.program import ROOT

from keyless._remedies import network, remedies
from keyless._remedies.host import CONTAINER_APP, FUNCTION_APP, SCALE_SET, VIRTUAL_MACHINE, WEB_APP, Host
from keyless.local.azure.authorization.roles import role_named
from keyless.local.testing.least_privilege import Need, az_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SHORT: Final = MappingProxyType(
    {"-n": "--name", "-g": "--resource-group", "-f": "--template-file", "-l": "--location"}
)
# They choose what is printed, not what is done.
_SHOWN: Final = frozenset({"-o", "--output", "--query"})


def shape(line: str) -> str:
    """Return what a line asks for: its words, and its options in the order of their names, without those about output."""
    words = shlex.split(without_inner(line.replace("\\\n", " ")))
    first = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
    if words[:2] == ["az", "rest"]:
        words.insert(first, words[words.index("--method") + 1])
        first += 1
    options = {_SHORT.get(word, word) for word in words[first:] if re.match(r"--?[a-z]", word)}
    return " ".join([*words[:first], *sorted(options - _SHOWN)])


def without_inner(line: str) -> str:
    """Return a line with a word in the place of each command inside it, ``"$(...)"``."""
    kept, depth = "", 0
    for at, letter in enumerate(line):
        if line.startswith("$(", at):
            depth += 1
            kept += "FOUND" if depth == 1 else ""
        elif depth == 0:
            kept += letter
        elif letter == ")":
            depth -= 1
        elif letter == "(" and line[at - 1] != "$":
            depth += 1
    return kept


_OF_APPS: Final = (remedies.set_setting, remedies.set_reference_identity, remedies.refresh_references)


def of_remedies() -> Iterator[str]:
    """Yield each line that the functions of the remedies print, for each kind of host."""
    kinds = (FUNCTION_APP, WEB_APP, CONTAINER_APP, VIRTUAL_MACHINE, SCALE_SET)
    hosts = [None, *(Host(kind=kind, name="app", group="group") for kind in kinds), Host(kind=WEB_APP, name="app")]
    for module in (remedies, network):
        for _, make in inspect.getmembers(module, inspect.isfunction):
            if make.__module__ != module.__name__ or make.__name__.startswith("_"):
                continue
            # References and settings are an app's, and no machine's.
            for host in hosts[:4] if make in _OF_APPS else hosts:
                yield from lines_of(str(make(**_arguments(make, host))))
        yield from (line for _, text in inspect.getmembers(module) if isinstance(text, str) for line in lines_of(text))


def _arguments(make: Any, host: Host | None) -> dict[str, Any]:
    sample = {"host": host, "identity": "client_id=x", "caller": "x", "scope": None, "suffix": "vault.azure.net"}
    return {name: sample.get(name, "x") for name in inspect.signature(make).parameters}


def of_code() -> Iterator[str]:
    """Yield each line between backticks in the texts of the other modules, with a word in the place of what is filled in."""
    for file in sorted((ROOT / "src").rglob("*.py")):
        if file.parent.name == "_remedies":
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        documented = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if id(node) not in documented | inside:
                yield from lines_of(_text(node))
    for identity in ("system", "reporting", "ci"):
        yield az_line(
            Need(identity, role_named("Key Vault Secrets User"), "contoso-kv", "", "x" if identity == "ci" else "")
        )


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "X" for part in node.values)
    return ""


def of_documents() -> Iterator[str]:
    """Yield each line of the documents and of the hooks, in code spans and in blocks."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        if page.name == "CHANGELOG.md":
            continue
        text = page.read_text(encoding="utf-8")
        if page.name == "management.md":  # Its table says how lines begin, and prints none.
            text = re.sub(r"^\| `az .*$", "", text, flags=re.MULTILINE)
        yield from lines_of(text)
        yield from of_block("\n".join(re.findall(r"^ {4,}(\S.*)$", text, re.MULTILINE)))
        for block in re.findall(r"```(?:console|sh|bash)\n(.*?)```", text, re.DOTALL):
            yield from of_block(block.replace("$ az", "az"))
    for script in (*(ROOT / "infra" / "hooks").glob("*.sh"), *(ROOT / "examples").rglob("*.sh")):
        yield from of_block(script.read_text(encoding="utf-8"))


def lines_of(text: str) -> list[str]:
    """Return the lines of az between backticks in a text."""
    return [found for found in re.findall(r"(?<!`)`(az [a-z][^`\n]*)`", text) if not re.search(r"[|]\w|\.\.\.", found)]


def of_block(text: str) -> Iterator[str]:
    """Yield the lines of az in a script, those inside others too."""
    for line in re.sub(r"\s*\\\n\s*", " ", text).splitlines():
        for found in re.finditer(r"(?:^\s*|\$\()(az [a-z].*)", line):
            command = re.sub(r"(\s+#.*|\s+\|\|?.*)$", "", found[1])
            yield command if found[0].lstrip().startswith("az") else _inner(found[1])


def _inner(text: str) -> str:
    """Return the command that ends where the parenthesis around it does."""
    depth = 1
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return text[:at]
    return text


_MACHINES: Final = "the local Azure has no virtual machines, containers or clusters"
_NETWORKS: Final = "the local Azure has no networks: everything is on loopback"
CANNOT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "az aks": _MACHINES,
        "az containerapp": _MACHINES,
        "az vm": _MACHINES,
        "az vmss": _MACHINES,
        "az network": _NETWORKS,
        "az monitor metrics list": "the local Azure keeps no metrics: `keyless report` counts requests",
        "az rest post": "no service resolves the references of a function app here: `keyless run` does, at the start",
        "az storage account create": "the local Azure has no storage accounts",
        "az functionapp create": "it asks for the regions of App Service; a deployment makes another app, which is kept",
        "az functionapp function keys set": "the local host makes its keys itself",
        "az webapp create": "as for a function app",
        "az webapp update": "az sends you to `az functionapp update`, which is run",
        "az eventgrid": "the local Azure delivers events to functions without a topic",
        "az bicep build": "it downloads a compiler; tests/infra compile where there is one",
        "az role assignment create --condition": "a mention; tests/local/test_conditions.py has conditions",
    }
)
"""How lines begin that az cannot run here, and why."""


def reason(line: str) -> str | None:
    """Return why az cannot run a line here; None where it can."""
    found = shape(line)
    return next((why for begins, why in CANNOT.items() if found == begins or found.startswith(f"{begins} ")), None)
