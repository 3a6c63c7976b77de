"""Shows an error: one form and one set of colours for what Keyless refuses and for what was typed wrongly."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from keyless._remedies.paragraphs import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.errors import KeylessError

_LABEL = re.compile(r"error|  (?:cause|usage|remedy):")
_COLOURS = {"error": "red", "  cause:": None, "  usage:": None, "  remedy:": "green"}


def show_error(error: KeylessError) -> None:
    """Show an error of Keyless on standard error, with its code."""
    show_parts(error.what, code=error.kl_code, cause=error.cause, remedy=error.remedy)


def show_usage_error(error: click.ClickException) -> None:
    """Show what was typed wrongly on standard error, with the command to read next."""
    what = " ".join(error.message.split()) if error.message else error.format_message().partition("\n")[0]
    if isinstance(error, click.MissingParameter | click.BadParameter):
        what = " ".join(error.format_message().split())
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        show_parts(what)
        return
    path = context.command_path
    pieces = " ".join(context.command.collect_usage_pieces(context))
    more = "List the commands" if isinstance(context.command, click.Group) else "See its options and examples"
    show_parts(what, usage=f"{path} {pieces}", remedy=f"{_meant(error, context)}{more}: {path} --help.")


def show_parts(what: str, *, code: str = "", usage: str = "", cause: str = "", remedy: str = "") -> None:
    """Show an error in lines as wide as the terminal, which breaks a command by itself, so that it can be copied whole.

    Args:
        what: What happened.
        code: The code of the error, such as KL-100.
        usage: How the command is called.
        cause: Why it happened.
        remedy: What to do; longer commands between backticks get a line each.
    """
    for line in _lines(what, code=code, usage=usage, cause=cause, remedy=remedy):
        click.echo(_coloured(line), err=True)


def with_colours() -> bool:
    """Return whether standard error may have colours: it is a terminal, and NO_COLOR is not set."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def label(text: str, colour: str | None) -> str:
    """Return a word such as "warning:" in its colour, for standard error."""
    return click.style(text, fg=colour, bold=True) if with_colours() else text


def _lines(what: str, *, code: str, usage: str, cause: str, remedy: str) -> Iterator[str]:
    width = shutil.get_terminal_size().columns if sys.stderr.isatty() else sys.maxsize

    def wrapped(text: str, indent: str) -> list[str]:
        return textwrap.wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)

    yield from wrapped(f"error [{code}]: {what}" if code else f"error: {what}", "  ")
    for name, text in (("usage: ", usage), ("cause: ", cause)):
        if text:
            yield from wrapped(f"  {name} {text}", " " * 10)
    for part in parts_of(f"remedy: {remedy}") if remedy else ():
        if part.is_command:
            yield f"{' ' * 12}{part.text}"
        else:
            yield from wrapped(f"{'  ' if part.text.startswith('remedy:') else ' ' * 10}{part.text}", " " * 10)


def _coloured(line: str) -> str:
    """Return a line with the colours of its parts: the label, and a command that has the line for itself."""
    if found := _LABEL.match(line):
        return label(found[0], _COLOURS[found[0]]) + line[found.end() :]
    return label(line, None) if line.startswith(" " * 12) else line


def _meant(error: click.ClickException, context: click.Context) -> str:
    """Return which command, option or value was probably meant."""
    words = re.findall(r"'([^']+)'", error.message)
    if isinstance(error, click.NoSuchOption):
        options = context.command.get_params(context)
        known = [name for option in options for name in (*option.opts, *option.secondary_opts)]
    elif isinstance(error, click.BadParameter):
        known = words[1:]
    else:
        known = context.command.list_commands(context) if isinstance(context.command, click.Group) else []
    found = get_close_matches(words[0], known, n=1) if words else []
    return f"Did you mean {found[0]}? " if found else ""
