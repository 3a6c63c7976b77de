"""The text of a failed assertion on the journal: what was expected, what came instead, and what would fix it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyless.local.instruments.journal_entry import Entry

_SHOWN = 20


def not_read(
    secret: str,
    by: str | None,
    times: int | None,
    *,
    read: Sequence[Entry],
    asked: Sequence[Entry],
    all_: Sequence[Entry],
) -> str:
    """Return why ``assert_read`` failed.

    Args:
        secret: The secret's name.
        by: The identity that was expected.
        times: How often was expected.
        read: The reads that fit.
        asked: Every request for the secret.
        all_: Every request.
    """
    wanted = "at least once" if times is None else _times(times)
    who = f" by {by}" if by else ""
    others = sorted({str(entry.identity) for entry in asked if entry not in read and entry.identity != by})
    denied = [entry for entry in asked if entry.is_denial and by in {None, entry.identity}]
    if read:
        hint = "A reader that caches asks once for as long as a value is fresh: advance the clock, or expect another number."
    elif denied:
        hint = _mend(denied[-1])
    elif others:
        hint = f"It was asked for by {', '.join(others)}: expect that identity, or make the program use the other one."
    else:
        hint = "Nothing asked for it: a value that was cached before this test is not asked for again."
    return _text(f"{secret} was to be read{who} {wanted}, and was read {_times(len(read))}.", asked or all_, hint=hint)


def not_denied(secret: str | None, by: str | None, code: str | None, *, all_: Sequence[Entry]) -> str:
    """Return why ``assert_denied`` failed."""
    what = " ".join(
        part
        for part in (by or "An identity", "was to be denied", secret or "something", code and f"with {code}")
        if part
    )
    return _text(f"{what}, and was not.", all_, hint="Remove the role: identity.revoke(ROLE, on=VAULT).")


def denied(entries: Sequence[Entry]) -> str:
    """Return why ``assert_no_denials`` failed."""
    return _text(
        f"{_times(len(entries)).capitalize()} an identity was refused.",
        entries,
        hint="\n  ".join(dict.fromkeys(_mend(entry) for entry in entries)),
    )


def more_than(identity: str, reads: Sequence[str], more: Sequence[Entry]) -> str:
    """Return why ``assert_only`` failed."""
    return _text(
        f"{identity} was to read nothing but {', '.join(reads) or 'nothing'}, and asked for more.",
        more,
        hint="Make the program ask for less, or add what it needs to reads=.",
    )


def _text(headline: str, entries: Sequence[Entry], *, hint: str) -> str:
    lines = [f"    {_line(entry)}" for entry in entries[-_SHOWN:]] or ["    nothing"]
    left_out = len(entries) - _SHOWN
    first = [f"    ... {left_out} before these"] if left_out > 0 else []
    return "\n".join([headline, "  What was asked:", *first, *lines, "  What would fix it:", f"  {hint}"])


def _line(entry: Entry) -> str:
    what = "/".join(part for part in (entry.scope, entry.version) if part)
    asked = " ".join(part for part in (entry.operation, what, f"by {entry.identity or 'nobody known'}") if part)
    answer = " ".join(part for part in (str(entry.status), entry.code, entry.reason) if part)
    return "".join(character if character.isprintable() else "?" for character in f"{asked}: {answer}")


def _mend(entry: Entry) -> str:
    """Return what would let a denied request succeed."""
    if entry.service == "identity":
        return (
            f'local_azure.identity("{entry.identity}").assign()'
            if entry.identity
            else "Ask as an identity that is assigned: keyless.toml lists them."
        )
    if entry.code in {"ForbiddenByRbac", "ForbiddenByPolicy"} and entry.identity:
        role = {"getSecret": "Key Vault Secrets User", "listSecrets": "Key Vault Reader"}.get(
            entry.operation, "Key Vault Secrets Officer"
        )
        scope = entry.scope if entry.operation == "getSecret" else entry.vault
        return f'local_azure.identity("{entry.identity}").grant("{role}", on="{scope}")'
    return entry.reason


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")
