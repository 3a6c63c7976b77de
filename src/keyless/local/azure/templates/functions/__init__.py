"""The functions whose value follows from their arguments alone.

https://learn.microsoft.com/en-us/azure/azure-resource-manager/templates/template-functions
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from keyless.local.azure.templates.functions import collections, numbers, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.templates.functions.function import Function

FUNCTIONS: Final[Mapping[str, Function]] = MappingProxyType(
    {each.name.lower(): each for each in (*texts.FUNCTIONS, *numbers.FUNCTIONS, *collections.FUNCTIONS)}
)
"""By names in lower case: the case of a name does not count."""
