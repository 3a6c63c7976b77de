"""Turns a page into HTML. Everything that is put into a template is escaped."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jinja2
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from keyless.local.wire.console.asked import Asked, Page

_TEMPLATES: Final = Path(__file__).with_name("templates")
_NAVIGATION: Final = (
    ("", "Live"),
    ("vaults", "Vaults"),
    ("access", "Access"),
    ("faults", "Faults"),
    ("drills", "Drills"),
    ("time", "Time"),
    ("report", "Least privilege"),
)


@cache
def templates() -> jinja2.Environment:
    """Return the templates, read once."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["moment"] = moment
    made.filters["span"] = span
    made.filters["told"] = told
    return made


def render(page: Page, asked: Asked, *, root: str, here: str, whole: bool) -> str:
    """Return a page as HTML.

    Args:
        page: What is shown.
        asked: The request that it answers.
        root: The path that the console is served under.
        here: The page's own path below it.
        whole: Whether the frame around it is wanted, too; without it, it is a part of the page that is there.
    """
    section = here.strip("/").partition("/")[0]
    return (
        templates()
        .get_template(f"{page.template}.html")
        .render(
            **page.facts,
            title=page.title,
            frame="whole.html" if whole else "part.html",
            root=root,
            csrf=asked.session.csrf,
            notice=asked.session.take_notice(),
            navigation=[(path, name, path == ("" if section == "calls" else section)) for path, name in _NAVIGATION],
            now=asked.azure.clock.now(),
            ahead=asked.azure.clock.offset,
            struck=len(asked.azure.faults.active()),
        )
    )


def moment(seconds: float | None) -> str:
    """Return a time as people read it, in UTC."""
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


def span(seconds: float) -> str:
    """Return a length of time in its two largest units."""
    left, parts = round(abs(seconds)), []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2]) or "0 s"


def told(text: str) -> Markup:
    """Return the words of a remedy with its commands, which are between backticks, set as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )
