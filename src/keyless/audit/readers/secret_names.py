"""Which names are those of secrets."""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final = (
    r"(pass(word|wd|phrase)|pwd|secret|api_?key|access_?key|account_?key|private_?key|signing_?key|shared_?key|"
    r"client_?secret|connection_?string|sas_?token|access_?token|auth_?token|bearer_?token|credential)s?"
)
# What comes after says that it is something about a secret, and not the secret.
_ABOUT: Final = r"(value|string|text|admin|\d)*$"  # Only such may follow the word.
_NAME: Final = re.compile(rf"{_WORDS}_?{_ABOUT}")
_BYTES: Final = re.compile(rb"(?i)pass(word|wd|phrase)|pwd|secret|_?key|connection_?string|token|credential")
# A public key, an address that opens nothing by itself, a switch.
_NOT: Final = re.compile(r"public_?key|insights|(has|use|enable|is|allow|disable|require|rotate|generate|create|keep)_")


def may_be_secret(text: bytes) -> bool:
    """Return, quickly, whether a text may name a secret at all."""
    return _BYTES.search(text) is not None


def names_secret(name: str) -> bool:
    """Return whether a name is that of a secret's value.

    Example::

        >>> names_secret("adminPassword"), names_secret("DB_CONNECTION_STRING"), names_secret("secretName")
        (True, True, False)
    """
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").replace(".", "_").lower()
    snake = re.sub(r"_+", "_", snake.replace(":", "_")).strip("_")
    return _NAME.search(snake) is not None and _NOT.search(snake) is None
