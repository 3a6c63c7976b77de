"""The real Azure CLI, as a shell runs it, against a local Azure of this process."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keyless.local.programs.variables import IDENTITY_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.config.config import Config
    from keyless.local.server import LocalAzure

ROOT = Path(__file__).parents[2]
AZ = ROOT / "build" / "az" / "bin" / "az"
# In CI `make az` has installed it, or has failed; elsewhere a person may not have asked for it.
needs_az = pytest.mark.skipif(
    not AZ.exists(), reason="THE AZURE CLI IS NOT TESTED: build/az does not have it. `make az` installs it (500 MB)."
)
# At each login az looks for its own newest version at a host of Azure: the proxy that it is led through there is none.
NOWHERE = {"HTTPS_PROXY": "http://127.0.0.1:9"}
_SECONDS = 300


@dataclass(frozen=True)
class Ran:
    """What a script did."""

    code: int
    out: str
    errors: str

    @property
    def json(self) -> Any:
        """Its output, as JSON; None where it printed nothing."""
        return json.loads(self.out) if self.out.strip() else None


class Az:
    """Runs scripts with the real az, which signs in once."""

    def __init__(self, azure: LocalAzure, config: Config, *, folder: Path | None = None) -> None:
        self.azure = azure
        self.config = config
        self._folder = folder
        inherited = {name: value for name, value in os.environ.items() if name not in IDENTITY_VARIABLES}
        own = {
            "PATH": f"{AZ.parent}{os.pathsep}{os.environ['PATH']}",
            "AZURE_CORE_ONLY_SHOW_ERRORS": "1",
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
        }
        self.environment = inherited | azure.environment() | own

    def run(self, script: str, *, variables: Mapping[str, str] | None = None) -> Ran:
        """Run a script of sh, which ends at the first command that fails."""
        done = subprocess.run(
            ["sh", "-euc", script],
            env={**self.environment, **(variables or {})},
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def must(self, script: str, *, variables: Mapping[str, str] | None = None) -> Ran:
        """Run a script that must succeed."""
        ran = self.run(script, variables=variables)
        assert ran.code == 0, f"{script}\n{ran.out}{ran.errors}"
        return ran

    def login(self, application: str = "operator") -> None:
        """Sign in as an application."""
        found = self.azure.azure.directory.application(application)
        secret = found.secrets[0].value if found.secrets else found.add_secret()
        self.must(
            f"az login --service-principal -u {found.client_id} --password='{secret}' --tenant {self.azure.azure.tenant_id} "
            "--output none"
        )


def is_guid(text: object) -> bool:
    """Whether a value is a GUID."""
    try:
        return isinstance(text, str) and str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
