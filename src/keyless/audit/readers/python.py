"""Reads Python: whether a file reads secrets of a vault, or changes them."""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING, Final

from keyless.audit.facts import Use
from keyless.audit.readers.az import urls
from keyless.audit.source import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.audit.facts import Fact
    from keyless.audit.source import Source

_VAULT: Final = re.compile(rb"(?m)^[ \t]*(?:from|import)[ \t]+(?:azure\.keyvault|keyless)\b")
_MANAGEMENT: Final = re.compile(rb"(?im)^[^\n]*microsoft\.keyvault/[^\n]*api-version=[^\n]*")
_READS: Final = frozenset(
    {
        *("get_secret", "get", "aget", "get_many", "aget_many"),
        *("list_properties_of_secrets", "list_properties_of_secret_versions"),
    }
)
_CHANGES: Final = frozenset(
    {
        *("set_secret", "update_secret_properties", "begin_delete_secret", "purge_deleted_secret", "delete_secret"),
        *("begin_recover_deleted_secret", "backup_secret", "restore_secret_backup", "get_deleted_secret"),
        "list_deleted_secrets",
    }
)
_CHANGING: Final = re.compile("|".join(sorted(_CHANGES)).encode())
_MODULES: Final = ("azure.keyvault.secrets", "keyless")


def concerns(data: bytes) -> bool:
    """Return, quickly, whether a file has anything to do with vaults."""
    return _VAULT.search(data) is not None or (b"api-version=" in data and _MANAGEMENT.search(data) is not None)


def read(source: Source) -> Iterator[Fact]:
    """Yield what a file does with secrets, and the versions of the management API that it calls."""
    for found in _MANAGEMENT.finditer(source.data) if b"api-version=" in source.data else ():
        line = found[0].decode(errors="replace")
        if not line.lstrip().startswith("#"):
            yield from urls(line, source, source.line_at(found.start()))
    if not _VAULT.search(source.data):
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of the project's own making.
            tree = ast.parse(source.data)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        fault = int(getattr(error, "lineno", None) or 0)
        source.problems.append(Problem(source.path, fault, "This is not Python as this version of Python reads it."))
        return
    yield from _use(tree, source)


def _use(tree: ast.Module, source: Source) -> Iterator[Use]:
    has_secrets = False
    reads: int | None = None
    changes: int | None = None
    # What no text names, no call can be of.
    may_change = _CHANGING.search(source.data) is not None
    waiting: list[ast.AST] = [tree]
    while waiting and not (has_secrets and reads and (changes or not may_change)):
        node = waiting.pop()
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name in _READS:
                reads = reads or node.lineno
            case ast.Call(func=ast.Attribute(attr=name)) if name in _CHANGES:
                changes = changes or node.lineno
            case ast.ImportFrom():
                has_secrets = has_secrets or _is_own(node.module or "")
            case ast.Import():
                has_secrets = has_secrets or any(_is_own(each.name) for each in node.names)
        waiting += reversed(list(ast.iter_child_nodes(node)))
    line = reads or changes
    if has_secrets and line:
        yield Use(place=source.place(line), reads=reads is not None, changes=changes is not None)


def _is_own(module: str) -> bool:
    return any(module == own or module.startswith(f"{own}.") for own in _MODULES)
