"""``keyless journal``: what was asked of a running local Azure, and why it was answered so."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import click

from keyless.audit.rules import called_by
from keyless.cli.control_client import connect, reaching_control
from keyless.cli.examples import examples

_PAUSE = 0.2  # Seconds between two looks: short enough that it seems at once.


@click.command(epilog=examples("keyless journal --follow", "keyless journal --json"))
@click.option("--follow", is_flag=True, help="Continue with new requests until Ctrl+C.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each entry.")
@reaching_control
def journal(*, follow: bool, as_json: bool, url: str | None, token: str | None) -> None:
    """Print each request: who asked, the answer, and the reason for it.

    Values and tokens are never printed.
    """
    client = connect(url, token)
    start, named = 0, set[str]()
    while True:
        page = client.ask("GET", "journal", query={"start": str(start)})
        for entry in page["entries"]:
            click.echo(json.dumps(entry) if as_json else _line(entry))
            if not as_json and entry["client"] not in named:
                named.add(entry["client"])
                for note in _notes(entry["client"]):
                    click.echo(note)
        start = page["next"]
        if page["entries"]:
            continue
        if not follow:
            return
        time.sleep(_PAUSE)


def _notes(client: str) -> list[str]:
    """Return what is known against a program that asked: a fault of its release, or that it calls what stops."""
    return [f"          That client's release has {fault.why}. Take {fault.remedy}." for fault in called_by(client)]


def _line(entry: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(entry["time"], UTC).strftime("%H:%M:%S")
    what = "/".join(part for part in (entry["vault"], entry["name"], entry["version"]) if part)
    answer = f"{entry['status']} {entry['code'] or ''}".rstrip()
    line = f"{at}  {entry['operation']}  {what or '-'}  {entry['identity'] or '-'}  {answer}  {entry['reason']}"
    # Names are as the client sent them, and must not command the terminal.
    return "".join(character if character.isprintable() else "?" for character in line)
