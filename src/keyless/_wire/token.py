"""A bearer token, which does not show itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token.

    Attributes:
        value: The token; in no repr.
        expires_on: When it expires, in Unix seconds.
        refresh_on: When it should be renewed, in Unix seconds; None where MSAL does not give it.
    """

    value: str = field(repr=False)
    expires_on: int
    refresh_on: int | None = None

    @property
    def can_be_sent(self) -> bool:
        """Whether a request's header can carry it."""
        return re.fullmatch("[!-~]+", self.value) is not None
