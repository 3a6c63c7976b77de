"""A file that makes fetch and ``node:https`` of older versions of Node.js use the proxy, which they do not look for.

Source: https://nodejs.org/api/cli.html#node_optionsoptions
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

VARIABLE: Final = "NODE_OPTIONS"


def node_options(*, before: str) -> str:
    """Return the options with which Node.js loads what leads its clients through ``HTTPS_PROXY``.

    Newer versions, which heed ``NODE_USE_ENV_PROXY``, load it too and it does nothing there.

    Args:
        before: What NODE_OPTIONS holds already.
    """
    file = str(Path(__file__).with_name("node_proxy.cjs")).replace("\\", "\\\\").replace('"', '\\"')
    return f'{before} --require "{file}"'.strip()
