"""From the environment to the secret, stage by stage, within one deadline."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from keyless._identity.choice import offered_identity
from keyless._remedies.host import host_of
from keyless._remedies.remedies import set_setting
from keyless._remedies.sources import arc_agent
from keyless._wire.clock import monotonic
from keyless._wire.deadline import Deadline
from keyless.doctor.environment import check_environment
from keyless.doctor.examination import Examination
from keyless.doctor.finding import Finding, skipped
from keyless.doctor.identity import check_identity
from keyless.doctor.network import check_address, check_name, check_way
from keyless.doctor.report import Report
from keyless.doctor.secret import check_secret
from keyless.doctor.vault import check_vault

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.doctor.finding import Stage

    Check = Callable[[Examination], list[Finding]]

_UNTOLD = "KEY_VAULT_URL"
# Seconds that are left for the report itself.
_MARGIN = 0.1


def diagnose(
    *, vault_url: str | None = None, secret: str | None = None, identity: Any = None, timeout: float = 5.0
) -> Report:
    """Find out why a secret cannot be read here, or that it can.

    Every stage runs as far as the earlier ones allow: the vault's name is looked at without a token, too.

    Args:
        vault_url: The vault's address; None means that of the variable ``KEY_VAULT_URL``.
        secret: The secret's name; None means that of the variable ``SECRET_NAME``. Without one nothing is read.
        identity: The managed identity, in MSAL's own classes, or a WorkloadIdentity; None means what the host offers.
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
        identity=offered_identity() if identity is None else identity,
        vault_url=vault_url or os.environ.get(_UNTOLD, "").strip() or None,
        secret=secret or os.environ.get("SECRET_NAME", "").strip() or None,
        deadline=Deadline(started + timeout - min(_MARGIN, timeout / 10), monotonic),
        now=datetime.now(UTC),
        host=host_of(os.environ),
        agent=arc_agent(),
    )
    # The identity's stage asks for a token of the vault's cloud: it needs the address, which is shown with the network.
    address = _within(examination, "network", _address, "reading the vault's address")
    found = _within(examination, "environment", check_environment, "reading the variables")
    if any(finding.code == "KL-601" for finding in found):
        found.append(skipped("identity", "token", "There is no identity endpoint to ask: see the environment."))
    else:
        found += _within(examination, "identity", check_identity, "asking for a token")
    found += address
    found += _within(examination, "network", check_name, "resolving the vault's name")
    found += _within(examination, "network", check_way, "connecting to the vault")
    found += _within(examination, "vault", check_vault, "comparing the token with what the vault wants")
    found += _within(examination, "secret", check_secret, "reading the secret")
    return Report(tuple(found), monotonic() - started)


def remedy_for_setting(name: str) -> str:
    """Return how to set a setting that this process misses, as a command for what it runs on.

    Args:
        name: The setting's name, such as ``KEY_VAULT_URL``.
    """
    return set_setting(host_of(os.environ), name)


def _address(examination: Examination) -> list[Finding]:
    if examination.vault_url is None:
        return [skipped("network", "address", f"No vault was named (--vault-url, vault_url=, or {_UNTOLD}).")]
    return [check_address(examination)]


def _within(examination: Examination, stage: Stage, check: Check, doing: str) -> list[Finding]:
    """Run a stage in a thread of its own, so that a resolver or an endpoint that is silent does not hold up the report."""
    found: list[list[Finding]] = []

    def run() -> None:
        try:
            found.append(check(examination))
        except Exception as error:  # noqa: BLE001 (whatever a setting that nobody thought of brings about)
            found.append([_broken(stage, error)])

    thread = threading.Thread(target=run, name=f"keyless-doctor-{stage}", daemon=True)
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
            evidence=f"The time allowed ran out while {doing}.",
            cause="A name server, an endpoint or the vault is slow or silent, or an earlier stage took the time.",
            remedy="Fix what is found above first; then allow more time: `keyless doctor --timeout 30`, or timeout=30.",
        )
    ]


def _broken(stage: Stage, error: Exception) -> Finding:
    """Return the finding of a stage that failed itself. Its error's type alone: the text may quote a setting's value."""
    return Finding(
        stage=stage,
        check="doctor",
        status="fail",
        code="KL-609",
        evidence=f"The doctor could not examine this: {type(error).__name__}.",
        cause="A setting has a form that the doctor does not expect, or the doctor has a defect.",
        remedy="Look at the variables of this stage for values that are not addresses. Report it to us without their values.",
    )
