"""Reads scripts of sh, bash and PowerShell: the commands in them that have to do with Azure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyless.audit.facts import Setting
from keyless.audit.readers import az, powershell
from keyless.audit.readers.requirements import install
from keyless.audit.readers.secret_names import names_secret
from keyless.audit.readers.words import Command, Word
from keyless.audit.source import above, node_at, text_of
from keyless.audit.values import Computed, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tree_sitter import Node

    from keyless.audit.facts import Fact
    from keyless.audit.source import Source

# Where to look; the syntax tree has what is there.
_BASH: Final = re.compile(
    rb"(?P<name>az(?=[ \t]+(?:keyvault|role|functionapp|webapp|rest|resource)\b)|"
    rb"curl|pip3?(?=[ \t]+install)|uv(?=[ \t]+(?:pip|tool)\b)|apt-get|apt)(?=[ \t])"
)
_BEFORE: Final = frozenset({"sudo", "exec", "time", "command"})
_POWERSHELL: Final = re.compile(
    rb"(?i)(?<![\w./-])(?P<name>az(?=[ \t]+(?:keyvault|role|functionapp|webapp|rest|resource)\b)|"
    rb"(?:Set-AzKeyVault|New-Az|Install-Module|Install-PSResource|Import-Module|Invoke-AzRest|Invoke-Rest|Invoke-Web|pip)[\w-]*)"
)
_TO_FILL_IN: Final = re.compile(rb"<[A-Za-z][\w .-]*>")
_ASSIGNED: Final = re.compile(
    rb"""(?m)^[ \t]*(?:export[ \t]+|local[ \t]+|readonly[ \t]+|\$(?:env:|global:|script:)?)?(?P<name>\w+)[ \t]*=[ \t]*"""
    rb"""(?:'(?P<single>[^'\n]*)'|"(?P<double>[^"$`\n]*)")[ \t]*;?[ \t]*\r?$"""
)
_QUOTED: Final = {"string_content", "escape_sequence"}


def read_bash(source: Source) -> Iterator[Fact]:
    """Yield the facts in the commands of a script."""
    # `<name>` stands for what a reader puts there, and is not a redirection.
    source.data = _TO_FILL_IN.sub(lambda found: b"_" * len(found[0]), source.data)
    if source.is_part and not (_BASH.search(source.data) or _ASSIGNED.search(source.data)):
        return  # A step of a workflow, which is a command or two, and most often none of ours.
    root = source.tree("bash")
    yield from _assignments(source, root)
    for found in _BASH.finditer(source.data):
        node = above(node_at(root, found.start("name"), found.end("name")), "command", "comment", "heredoc_body")
        if node is not None and node.type == "command":
            command = _bash_command(node, source)
            # Another match may lie among a command's own words.
            if command is not None and command.name == found["name"].decode():
                yield from _facts(command, source)


def read_powershell(source: Source) -> Iterator[Fact]:
    """Yield the facts in the commands of a PowerShell script."""
    yield from powershell.requires(source)
    root = source.tree("powershell")
    yield from _assignments(source, root)
    for found in _POWERSHELL.finditer(source.data):
        node = above(node_at(root, found.start("name"), found.end("name")), "command", "comment", "string_literal")
        if node is not None and node.type == "command":
            command = _powershell_command(node, source)
            if command is not None and command.name == found["name"].decode(errors="replace"):
                yield from _facts(command, source)


def _assignments(source: Source, root: Node) -> Iterator[Setting]:
    """Yield the variables that are given a text which may be a secret."""
    for found in _ASSIGNED.finditer(source.data):
        name, text = found["name"].decode(), (found["single"] or found["double"] or b"").decode(errors="replace")
        node = above(node_at(root, found.start("name"), found.end("name")), "comment", "heredoc_body", "string_literal")
        if node is None and (names_secret(name) or "=" in text):
            line = source.line_at(found.start("name"))
            value = Scalar(text, line)
            yield Setting(name=name, value=value, place=source.place(line), dialect="script")


def _facts(command: Command, source: Source) -> Iterator[Fact]:
    readers: dict[str, Callable[[Command, Source], Iterator[Fact]]] = {
        "az": az.read,
        "curl": az.read_url,
        "pip": install,
        "pip3": install,
        "uv": install,
        "apt": az.read_apt,
        "apt-get": az.read_apt,
    }
    yield from readers.get(command.name.lower(), powershell.read)(command, source)


def _bash_command(node: Node, source: Source) -> Command | None:
    words = [_bash_word(child, source) for child in node.named_children if "redirect" not in child.type]
    # `sudo az ...` runs az, and `python -m pip ...` pip.
    while words and str(_plain(words[0])) in _BEFORE:
        words = words[1:]
    if [_plain(word) for word in words[1:3]] == ["-m", "pip"]:
        words = words[2:]
    name = _plain(words[0]) if words else None
    return Command(str(name), tuple(words[1:]), source.line_of(node)) if name is not None else None


def _plain(word: Word) -> object:
    return word.value if isinstance(word, Scalar) else None


def _bash_word(node: Node, source: Source) -> Word:
    line = source.line_of(node)
    if node.type == "command_name" and node.named_children:
        node = node.named_children[0]
    written = text_of(node)
    match node.type:
        case "word" | "number" if "$" not in written:
            return Scalar(re.sub(r"\\(.)", r"\1", written) if "\\" in written else written, line)
        case "raw_string":
            return Scalar(written[1:-1], line)
        case "string" if all(child.type in _QUOTED for child in node.named_children):
            return Scalar(written[1:-1], line)
        case "concatenation":
            parts = [_bash_word(child, source) for child in node.named_children]
            if all(isinstance(part, Scalar) for part in parts):
                return Scalar("".join(str(part.value) for part in parts if isinstance(part, Scalar)), line)
    return Computed(written, line)


def _powershell_command(node: Node, source: Source) -> Command | None:
    name = node.child_by_field_name("command_name") or next(
        (child for child in node.named_children if child.type == "command_name"), None
    )
    elements = next((child for child in node.named_children if child.type == "command_elements"), None)
    words = [
        _powershell_word(child, source)
        for child in (elements.named_children if elements is not None else ())
        if child.type != "command_argument_sep"
    ]
    return Command(text_of(name), tuple(words), source.line_of(node)) if name is not None else None


def _powershell_word(node: Node, source: Source) -> Word:
    line, written = source.line_of(node), text_of(node)
    inner = node
    while len(inner.named_children) == 1 and inner.type != "string_literal":
        inner = inner.named_children[0]
    if node.type in {"command_parameter", "generic_token"}:
        return Scalar(written, line)
    if (
        inner.type in {"string_literal", "expandable_string_literal", "verbatim_string_characters"}
        and "$" not in written
    ):
        return Scalar(written.strip("\"'"), line)
    if inner.type in {"integer_literal", "decimal_integer_literal", "real_literal", "simple_name"}:
        return Scalar(written, line)
    return Computed(written, line)
