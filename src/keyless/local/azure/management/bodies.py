"""Reads what a client sent, and writes what every resource has."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.management.refusals import invalid_content, location_required

if TYPE_CHECKING:
    from collections.abc import Mapping

Body = dict[str, Any]

LOCATIONS: Final = (
    *("eastus", "eastus2", "centralus", "northcentralus", "southcentralus", "westcentralus", "westus", "westus2"),
    *("westus3", "canadacentral", "canadaeast", "brazilsouth", "northeurope", "westeurope", "uksouth", "ukwest"),
    *("francecentral", "germanywestcentral", "switzerlandnorth", "norwayeast", "swedencentral", "polandcentral"),
    *("italynorth", "spaincentral", "eastasia", "southeastasia", "japaneast", "japanwest", "koreacentral"),
    *("australiaeast", "australiasoutheast", "centralindia", "southindia", "uaenorth", "southafricanorth"),
)
_WORDS: Final = re.compile(
    r"north(?!ern)|south|east|west|central|us|canada|brazil|europe|uk|france|germany|switzerland|norway|sweden|poland|italy|"
    r"spain|asia|japan|korea|australia|india|uae|africa|\d+"
)
_SHORT: Final = ("us", "uk", "uae")


def display_name(location: str) -> str:
    """Return a region as people and App Service write it: ``West US 2``."""
    words = _WORDS.findall(location)
    return " ".join(word.upper() if word in _SHORT else word.capitalize() for word in words) or location


def short_name(location: str) -> str:
    """Return a region as ids have it: ``westus2``."""
    return location.lower().replace(" ", "")


def table(body: Mapping[str, Any], name: str) -> Body:
    """Return an object in a body; an empty one where it is not given, or null.

    Raises:
        ArmError: If it is something else.
    """
    found = body.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise invalid_content(f"The value of '{name}' must be an object.")
    return found


def text(body: Mapping[str, Any], name: str) -> str | None:
    """Return a string in a body; None where it is not given.

    Raises:
        ArmError: If it is something else.
    """
    found = body.get(name)
    if found is not None and not isinstance(found, str):
        raise invalid_content(f"The value of '{name}' must be a string.")
    return found


def flag(body: Mapping[str, Any], name: str) -> bool | None:
    """Return true or false in a body; None where it is not given.

    Raises:
        ArmError: If it is something else.
    """
    found = body.get(name)
    if found is not None and not isinstance(found, bool):
        raise invalid_content(f"The value of '{name}' must be true or false.")
    return found


def texts(body: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of strings in a body; an empty one where it is not given.

    Raises:
        ArmError: If it is something else.
    """
    found = body.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise invalid_content(f"The value of '{name}' must be a list of strings.")
    return found


def tags(body: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags in a body.

    Raises:
        ArmError: If they are not strings.
    """
    found = table(body, "tags")
    if not all(isinstance(value, str) for value in found.values()):
        raise invalid_content("The value of a tag must be a string.")
    return found


def location(body: Mapping[str, Any]) -> str:
    """Return the region in a body.

    Raises:
        ArmError: If there is none.
    """
    found = text(body, "location")
    if not found:
        raise location_required()
    return short_name(found)


def moment(seconds: float) -> str:
    """Return a time as the management plane writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
