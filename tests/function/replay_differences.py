"""Where the development host does otherwise than Azure's own, by table and case; docs/fidelity.md lists the kinds.

Each is a test that must fail: when one comes to be the same, take it out here and there.
"""

from __future__ import annotations

LEFT: dict[tuple[str, str], str] = {}
