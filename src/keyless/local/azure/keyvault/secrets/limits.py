"""What Key Vault allows in a secret, besides its name.

https://learn.microsoft.com/en-us/azure/key-vault/secrets/about-secrets
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_VALUE_BYTES = 25_600
_CONTENT_TYPE_CHARACTERS = 255
_TAGS = 15
_TAG_CHARACTERS = 256
_MOMENTS = range(-(2**63), 2**63)


def check_secret(
    *,
    value: str,
    content_type: str | None,
    not_before: int | None,
    expires_on: int | None,
    tags: Mapping[str, str],
) -> None:
    """Refuse what is larger than Key Vault keeps.

    Raises:
        ConfigurationError: With the first limit that is passed, and never with the value.
    """
    try:
        size = len(value.encode())
        "".join((content_type or "", *tags, *tags.values())).encode()
    except UnicodeEncodeError:
        raise _too_large("A text holds half of a surrogate pair", "what UTF-8 can write") from None
    if size > _VALUE_BYTES:
        raise _too_large(f"The value is {size:,} bytes", f"{_VALUE_BYTES:,} bytes")
    if content_type is not None and len(content_type) > _CONTENT_TYPE_CHARACTERS:
        raise _too_large(
            f"The content type has {len(content_type)} characters", f"{_CONTENT_TYPE_CHARACTERS} characters"
        )
    if len(tags) > _TAGS:
        raise _too_large(f"There are {len(tags)} tags", f"{_TAGS} tags")
    longest = max((len(text) for tag in tags.items() for text in tag), default=0)
    if longest > _TAG_CHARACTERS:
        raise _too_large(
            f"A tag has {longest} characters", f"{_TAG_CHARACTERS} characters in its name and in its value"
        )
    if not all(moment is None or moment in _MOMENTS for moment in (not_before, expires_on)):
        raise _too_large("A time is out of range", "64 bits of seconds")


def _too_large(what: str, limit: str) -> ConfigurationError:
    return ConfigurationError(
        f"{what}.",
        cause=f"Key Vault keeps at most {limit} for a secret.",
        remedy="Make it smaller, or keep it elsewhere.",
    )
