"""Key Vault's limits for the attributes of a version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.errors import ConfigurationError

if TYPE_CHECKING:
    from keyless.local.azure.keyvault.objects.attributes import Attributes
    from keyless.local.operations import Kind

_CONTENT_TYPE_CHARACTERS = 255
_TAGS = 15
_MOMENTS = range(-(2**63), 2**63)


def check_attributes(attributes: Attributes, *, kind: Kind, tag_characters: int) -> None:
    """Refuse what is larger than Key Vault keeps.

    Args:
        attributes: What is to be kept.
        kind: What they are the attributes of.
        tag_characters: How long the name and the value of a tag can be.

    Raises:
        ConfigurationError: With the first limit that is passed.
    """
    content_type, tags = attributes.content_type or "", attributes.tags
    check_text("".join((content_type, *tags, *tags.values())), kind=kind)
    if len(content_type) > _CONTENT_TYPE_CHARACTERS:
        limit = f"{_CONTENT_TYPE_CHARACTERS} characters"
        raise too_large(f"The content type has {len(content_type)} characters", limit, kind=kind)
    if len(tags) > _TAGS:
        raise too_large(f"There are {len(tags)} tags", f"{_TAGS} tags", kind=kind)
    longest = max((len(text) for tag in tags.items() for text in tag), default=0)
    if longest > tag_characters:
        limit = f"{tag_characters} characters in its name and in its value"
        raise too_large(f"A tag has {longest} characters", limit, kind=kind)
    moments: tuple[float | None, ...] = (attributes.not_before, attributes.expires_on)
    # A range looks for a fraction one number after the other.
    if not all(moment is None or (isinstance(moment, int) and moment in _MOMENTS) for moment in moments):
        raise too_large("A time is out of range, or no whole number", "64 bits of seconds", kind=kind)


def check_text(text: str, *, kind: Kind) -> int:
    """Return how many bytes a text has.

    Raises:
        ConfigurationError: If UTF-8 cannot write it; the text is not in the error.
    """
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise too_large("A text holds half of a surrogate pair", "what UTF-8 can write", kind=kind) from None


def too_large(what: str, limit: str, *, kind: Kind) -> ConfigurationError:
    """Return the refusal of what is above a limit."""
    return ConfigurationError(
        f"{what}.",
        cause=f"Key Vault keeps at most {limit} for a {kind}.",
        remedy="Make it smaller, or keep it elsewhere.",
    )
