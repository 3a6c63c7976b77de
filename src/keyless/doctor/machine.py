"""The name of the virtual machine that this is, which its metadata service tells: no variable does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import requests

from keyless._remedies.host import machine_of
from keyless._remedies.sources import METADATA_SERVICE, offered_source

if TYPE_CHECKING:
    from keyless._remedies.host import Host
    from keyless.doctor.examination import Examination

METADATA_ADDRESS: Final = "http://169.254.169.254"
_COMPUTE = "/metadata/instance/compute?api-version=2021-02-01"
_LONGEST = 1.0


def find_machine(examination: Examination) -> Host | None:
    """Ask the metadata service, which has just answered a question for a token, what this machine is called.

    Returns:
        The machine or its scale set; None where this is none, or the service is silent. Nodes of Kubernetes are none: what
        runs on them gets its identity otherwise.
    """
    variables = examination.environment
    if (
        offered_source(variables, agent=examination.agent).name != METADATA_SERVICE
        or "KUBERNETES_SERVICE_HOST" in variables
    ):
        return None
    address = variables.get("AZURE_POD_IDENTITY_AUTHORITY_HOST") or METADATA_ADDRESS
    left = min(examination.deadline.remaining, _LONGEST)
    if left <= 0:
        return None
    try:
        with requests.Session() as session:
            session.trust_env = False  # A proxy cannot reach this machine's own service.
            answer = session.get(
                f"{address.rstrip('/')}{_COMPUTE}", headers={"Metadata": "true"}, timeout=left, allow_redirects=False
            )
            compute = answer.json()
    except (OSError, ValueError):
        return None
    return machine_of(compute) if answer.ok and isinstance(compute, dict) else None
