"""The names that belong to secrets."""

from __future__ import annotations

import re
from typing import Final

_SECRET: Final = re.compile(
    r"(pass(word|wd|phrase)|pwd|secret|api_?key|access_?key|account_?key|private_?key|signing_?key|shared_?key|"
    r"client_?secret|connection_?string|sas_?token|access_?token|auth_?token|bearer_?token)s?"
    # What else comes after says that it is something about a secret, such as its name or its age.
    r"(_?(value|string|text|admin|\d))*$"
)
# A public key, an address that opens nothing by itself, a switch.
_NOT: Final = re.compile(r"public_?key|insights|(has|use|enable|is|allow|disable|require|rotate|generate|create|keep)_")

CANDIDATE: Final = rb"\w*(?i:pass|pwd|secret|key|token|connection)\w*"
"""Part of a pattern: a word that may be such a name, found quickly."""


def names_secret(name: str) -> bool:
    """Return whether a name is that of a secret's value.

    Example::

        >>> names_secret("adminPassword"), names_secret("DB_CONNECTION_STRING"), names_secret("secretName")
        (True, True, False)
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    snake = re.sub(r"[-.:_]+", "_", words).strip("_")
    return _SECRET.search(snake) is not None and _NOT.search(snake) is None
