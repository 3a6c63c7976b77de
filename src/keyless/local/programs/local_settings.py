"""The settings that a function app has on a laptop: its ``local.settings.json``, as Core Tools reads it.

Source: https://learn.microsoft.com/en-us/azure/azure-functions/functions-develop-local#local-settings-file
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from keyless.errors import ConfigurationError
from keyless.local.lenient_json import LenientJSONError, lenient_loads

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS_FILE: Final = "local.settings.json"


class HostSection(NamedTuple):
    """The contents of ``Host``.

    Attributes:
        port: Where the functions listen; None where it has none.
        cors: The origins whose pages may call them.
        cors_credentials: Whether those may send cookies, too.
    """

    port: int | None = None
    cors: tuple[str, ...] = ()
    cors_credentials: bool = False


def local_settings(file: Path) -> dict[str, str]:
    """Return ``Values`` of a file; none where there is no such file, or one that the tools of Azure encrypted.

    Raises:
        ConfigurationError: If the file cannot be read, or a value is neither a text, a number nor true or false.
    """
    held = _read(file)
    values = {} if held.get("IsEncrypted") else _object(file, held, "Values")
    return {name: _text(file, name, value) for name, value in values.items() if value is not None}


def host_section(file: Path) -> HostSection:
    """Return ``Host`` of a file.

    Raises:
        ConfigurationError: If the file cannot be read, or the port is not a port.
    """
    held = _object(file, _read(file), "Host")
    port, cors = held.get("LocalHttpPort"), str(held.get("CORS") or "")
    if port is not None and not (str(port).isdecimal() and 0 < int(port) < 1 << 16):
        raise ConfigurationError(
            f"The file {file} has the LocalHttpPort {port!r}.",
            cause="A port is a number from 1 to 65535.",
            remedy='Write it as a number: {"Host": {"LocalHttpPort": 7071}}.',
        )
    origins = tuple(origin.strip() for origin in cors.split(",") if origin.strip())
    return HostSection(None if port is None else int(port), origins, held.get("CORSCredentials") is True)


def _read(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        held = lenient_loads(file.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, LenientJSONError) as error:
        # Not the text itself: it could hold a value.
        told = str(error) if isinstance(error, LenientJSONError) else type(error).__name__
        raise _unreadable(file, f"It may not be read, or is not JSON: {told}.") from None
    if not isinstance(held, dict):
        raise _unreadable(file, "It is not a JSON object.")
    return held


def _object(file: Path, held: dict[str, Any], name: str) -> dict[str, Any]:
    found = held.get(name) or {}
    if not isinstance(found, dict):
        raise _unreadable(file, f"Its {name} is not a JSON object.")
    return found


def _text(file: Path, name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise ConfigurationError(
        f"The setting {name} in {file} is not text.",
        cause="Every app setting is a text, in Azure, too.",
        remedy="Put it in quotation marks; what it holds can be JSON that the app reads.",
    )


def _unreadable(file: Path, cause: str) -> ConfigurationError:
    return ConfigurationError(
        f"The file {file} cannot be read.",
        cause=cause,
        remedy='Make it a JSON object: {"IsEncrypted": false, "Values": {"NAME": "value"}}.',
    )
