"""A bound on the work that a template may cause, so that one whose values double without end is refused and not waited for."""

from __future__ import annotations

from typing import Any, Final

from keyless.local.azure.templates.errors import TemplateError

_ALL: Final = 1_000_000
_CALL: Final = 10
_TEXT: Final = 50  # As many characters cost as much as one element of a list.


class Budget:
    """The remaining work that a deployment, with its nested ones, may cause."""

    def __init__(self) -> None:
        self._left = _ALL

    def spend(self, value: Any) -> None:
        """Pay for a call, by the size of its value.

        Raises:
            TemplateError: If nothing is left.
        """
        self._left -= _CALL
        held = [value]
        while held and self._left >= 0:
            each = held.pop()
            self._left -= 1
            if isinstance(each, str):
                self._left -= len(each) // _TEXT
            elif isinstance(each, dict):
                held += each.values()
            elif isinstance(each, list):
                held += each
        if self._left < 0:
            raise TemplateError(
                "The template needs more work than the local Azure does for one: its values grow too large."
            )
