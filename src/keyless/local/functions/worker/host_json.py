"""The settings of HTTP functions in ``host.json`` and its app settings, read as the Functions host reads them.

Source: https://learn.microsoft.com/en-us/azure/azure-functions/functions-host-json
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from keyless.errors import LocalAzureError
from keyless.local.lenient_json import LenientJSONError, lenient_loads
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_FILE = "host.json"
_ENVIRONMENT = "azurefunctionsjobhost__"
_HTTP = "extensions:http:"
_DISABLED = re.compile(r"AzureWebJobs(?:\.(?P<dotted>.+)\.|_(?P<plain>.+)_)Disabled", re.IGNORECASE)
_TIMEOUT = re.compile(r"(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{1,2})(?::(?P<seconds>\d{1,2}))?")
_LARGEST_BODY = 104_857_600
_UNBOUNDED = -1


class HostSettings(Record, frozen=True, kw_only=True):
    """The settings of the host that differ from its defaults.

    Attributes:
        prefix: What comes before every route; a template itself.
        custom_headers: What every answer has that does not set it itself.
        timeout: The seconds that a call may take; None means any number.
        most_outstanding: The most requests that are answered or wait; more get 429. -1 means any number.
        most_at_once: The most requests that are answered at the same time. -1 means any number.
        chosen: The functions that are loaded; None means all.
        disabled: The functions that only the master key calls, in small letters.
        home_page: Whether ``/`` shows one.
        largest_body: The most bytes that a request's body may have.
    """

    prefix: str = "api"
    custom_headers: tuple[tuple[str, str], ...] = ()
    timeout: float | None = None
    most_outstanding: int = _UNBOUNDED
    most_at_once: int = _UNBOUNDED
    chosen: frozenset[str] | None = None
    disabled: frozenset[str] = frozenset()
    home_page: bool = True
    largest_body: int = _LARGEST_BODY

    def is_disabled(self, name: str) -> bool:
        """Tell whether a function is disabled; in a setting's name, ``_`` may stand for any sign."""
        return name.lower() in self.disabled or re.sub(r"\W", "_", name.lower()) in self.disabled


def read_host_settings(folder: Path, environment: Mapping[str, str]) -> HostSettings:
    """Return what the folder's ``host.json`` says, and before it the environment.

    Raises:
        LocalAzureError: If the host would not start with it.
    """
    file = folder / _FILE
    held = _read(file)
    values = dict(_flat(held, ""))
    for name, value in environment.items():
        if name.lower().startswith(_ENVIRONMENT):
            values[name[len(_ENVIRONMENT) :].replace("__", ":").lower()] = value
    headers = _HTTP + "customheaders:"
    spelled = {name.lower(): name for name in _custom_headers(held)}
    return HostSettings(
        prefix=values.get(_HTTP + "routeprefix", "api"),
        custom_headers=tuple(
            (spelled.get(name.removeprefix(headers), name.removeprefix(headers)), value)
            for name, value in values.items()
            if name.startswith(headers)
        ),
        timeout=_timeout(file, values.get("functiontimeout")),
        most_outstanding=_bound(file, values, "maxOutstandingRequests"),
        most_at_once=_bound(file, values, "maxConcurrentRequests"),
        chosen=frozenset(map(str, held["functions"])) if isinstance(held.get("functions"), list) else None,
        disabled=frozenset(_disabled(environment)),
        home_page=environment.get("AzureWebJobsDisableHomepage", "").lower() not in {"true", "1"},
        largest_body=int(environment.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT") or _LARGEST_BODY),
    )


def _read(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        held = lenient_loads(file.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, LenientJSONError) as error:
        raise _refused(file, f"cannot be read: {error}", "It is not JSON, or may not be read.") from None
    if not isinstance(held, dict):
        raise _refused(file, "cannot be read", "It is not a JSON object.")
    if held and held.get("version") != "2.0":
        raise _refused(file, "has no version that the host takes", 'Every host.json has "version": "2.0", as text.')
    return held


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield each value in an object with its path, in small letters, as .NET's configuration has them."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _flat(one, f"{name}:{key}".lower().lstrip(":"))
    elif value is None:
        yield name, ""
    elif not isinstance(value, list):
        yield name, str(value)


def _custom_headers(held: dict[str, Any]) -> list[str]:
    found: Any = held
    for key in ("extensions", "http", "customheaders"):
        found = next((one for name, one in found.items() if name.lower() == key), {}) if isinstance(found, dict) else {}
    return list(found)


def _timeout(file: Path, text: str | None) -> float | None:
    if text in {None, "", "-1"}:
        return None
    found = _TIMEOUT.fullmatch(str(text).strip())
    if found is None:
        raise _refused(file, f"has the functionTimeout {text!r}", 'A time is written "00:05:00", and "-1" means none.')
    days, hours, minutes, seconds = (int(found[part] or 0) for part in ("days", "hours", "minutes", "seconds"))
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def _bound(file: Path, values: Mapping[str, str], name: str) -> int:
    text = values.get(_HTTP + name.lower(), str(_UNBOUNDED))
    if not re.fullmatch(r"-1|[1-9][0-9]{0,8}", text):
        raise _refused(file, f"has {name} {text!r}", "It is a number greater than 0, or -1 for no limit.")
    return int(text)


def _disabled(environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        found = _DISABLED.fullmatch(name)
        if found and value.lower() in {"1", "true"}:
            yield (found["dotted"] or found["plain"]).lower()


def _refused(file: Path, what: str, cause: str) -> LocalAzureError:
    return LocalAzureError(
        f"The file {file} {what}. The Functions host would not start.",
        cause=cause,
        remedy='Fix it, or the app setting that stands for it; the least that it must hold is {"version": "2.0"}.',
    )
