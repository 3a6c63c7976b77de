"""Records: small classes that hold what belongs together, immutable and compared by their fields.

To make a dataclass takes a millisecond, and a start of the local Azure would make a hundred of them. A struct of msgspec takes a
fiftieth of that.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct


class Record(Struct, frozen=True):
    """A record.

    Attributes:
        hidden: The fields that no representation shows: secrets, keys and tokens, and what may hold one.
    """

    hidden: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__ if name not in self.hidden)
        return f"{type(self).__qualname__}({', '.join(shown)})"
