"""The two functions that make names: the same words always give the same name, here as in Azure.

Sources: the values that `bicep snapshot` gives, which tests compare; MurmurHash3, https://github.com/aappleby/smhasher, of which
this is a variant with two 32-bit halves; RFC 9562 for names as UUIDs.
"""

from __future__ import annotations

import uuid
from typing import Final

_GUID_NAMESPACE: Final = uuid.UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
_MASK: Final = 0xFFFFFFFF
_C1: Final = 0x239B961B
_C2: Final = 0xAB0E9789
_BLOCK: Final = 8
_HALF: Final = 4


def unique_string(*words: str) -> str:
    """Return 13 letters and digits that stand for some words."""
    left = _murmur("-".join(words).encode())
    return "".join(_LETTERS[(left << 5 * at & 0xFFFFFFFFFFFFFFFF) >> 59] for at in range(13))


def guid(*words: str) -> str:
    """Return the GUID that stands for some words."""
    return str(uuid.uuid5(_GUID_NAMESPACE, "-".join(words)))


def hash_of(text: str) -> int:
    """Return a number of 64 bits that stands for a text."""
    return _murmur(text.encode())


def _murmur(data: bytes) -> int:
    """Return a hash of 64 bits."""
    first = second = 0
    whole = len(data) - len(data) % _BLOCK
    for at in range(0, whole, _BLOCK):
        low = int.from_bytes(data[at : at + _HALF], "little")
        high = int.from_bytes(data[at + _HALF : at + _BLOCK], "little")
        first ^= _rotated(low * _C1, 15) * _C2 & _MASK
        first = ((_rotated(first, 19) + second) * 5 + 0x561CCD1B) & _MASK
        second ^= _rotated(high * _C2, 17) * _C1 & _MASK
        second = ((_rotated(second, 13) + first) * 5 + 0x0BCAA747) & _MASK
    rest = data[whole:]
    if rest:
        first ^= _rotated(int.from_bytes(rest[:_HALF], "little") * _C1, 15) * _C2 & _MASK
    if len(rest) > _HALF:
        second ^= _rotated(int.from_bytes(rest[_HALF:], "little") * _C2, 17) * _C1 & _MASK
    first, second = first ^ len(data), second ^ len(data)
    first = (first + second) & _MASK
    second = (second + first) & _MASK
    first, second = _mixed(first), _mixed(second)
    first = (first + second) & _MASK
    second = (second + first) & _MASK
    return second << 32 | first


def _rotated(value: int, by: int) -> int:
    value &= _MASK
    return (value << by | value >> 32 - by) & _MASK


def _mixed(value: int) -> int:
    value = (value ^ value >> 16) * 0x85EBCA6B & _MASK
    value = (value ^ value >> 13) * 0xC2B2AE35 & _MASK
    return value ^ value >> 16
