"""From the environment to the secret, stage by stage, within one deadline."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msal

from keyless.deadline import Deadline, monotonic
from keyless.doctor.environment import check_environment
from keyless.doctor.examination import Examination
from keyless.doctor.finding import Finding, skipped
from keyless.doctor.identity import check_identity
from keyless.doctor.network import check_address, check_network
from keyless.doctor.report import Report
from keyless.doctor.secret import check_secret
from keyless.doctor.vault import check_vault

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.doctor.finding import Stage

    Check = Callable[[Examination], list[Finding]]

_UNTOLD = "KEY_VAULT_URL"


def diagnose(
    *, vault_url: str | None = None, secret: str | None = None, identity: Any = None, timeout: float = 5.0
) -> Report:
    """Find out why a secret cannot be read here, or that it can.

    Every stage runs as far as the earlier ones allow: the vault's name is looked at without a token, too.

    Args:
        vault_url: The vault's address; None means that of the variable ``KEY_VAULT_URL``.
        secret: The secret's name; None means that of the variable ``SECRET_NAME``. Without one nothing is read.
        identity: The managed identity, in MSAL's own classes; None means the system-assigned one.
        timeout: Seconds that all of it may take.

    Returns:
        The report, which never holds a value or a token. Whatever goes wrong is in it: nothing is raised.

    Example::

        report = diagnose(vault_url="https://contoso-kv.vault.azure.net", secret="db-password")
        if report.problem:
            print(report.problem.cause, report.problem.remedy)
    """
    started = monotonic()
    examination = Examination(
        environment=dict(os.environ),
        identity=msal.SystemAssignedManagedIdentity() if identity is None else identity,
        vault_url=vault_url or os.environ.get(_UNTOLD, "").strip() or None,
        secret=secret or os.environ.get("SECRET_NAME", "").strip() or None,
        deadline=Deadline(started + timeout, monotonic),
        now=datetime.now(UTC),
    )
    if examination.vault_url is None:
        address = skipped("network", "address", f"No vault was named, and {_UNTOLD} is not set.")
    else:
        address = check_address(examination)
    found = check_environment(examination)
    found += _within(examination, "identity", check_identity)
    found.append(address)
    found += _within(examination, "network", check_network)
    found += _within(examination, "vault", check_vault)
    found += _within(examination, "secret", check_secret)
    return Report(tuple(found), monotonic() - started)


def _within(examination: Examination, stage: Stage, check: Check) -> list[Finding]:
    """Run a stage in a thread of its own, so that a resolver or an endpoint that is silent does not hold up the report."""
    found: list[list[Finding]] = []
    thread = threading.Thread(
        target=lambda: found.append(check(examination)), name=f"keyless-doctor-{stage}", daemon=True
    )
    thread.start()
    thread.join(examination.deadline.remaining)
    if found:
        return found[0]
    return [
        Finding(
            stage=stage,
            check="time",
            status="fail",
            code="KL-401",
            evidence="The time allowed ran out in this stage.",
            cause="A name server, an endpoint or the vault is slow or silent, or an earlier stage took the time.",
            remedy="Mend what is found above first; then allow more time (--timeout, timeout=).",
        )
    ]
