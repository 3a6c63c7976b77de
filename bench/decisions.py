"""The cost of deciding a read with 10,000 role assignments beside what it costs with ten. Run as ``python -m bench.decisions``."""

import time
import uuid
from functools import partial

from bench.results import alternate, keep, median, met, ratio, table

from keyless.local.azure.authorization.conditions.condition import facts_of
from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import default_config
from keyless.local.operations import VAULT_OPERATIONS

FEW, MANY = 10, 10_000
GOAL = 1.3
DECISIONS = 300


def arranged(assignments: int) -> Azure:
    """Return a local Azure in which so many others have a role on the vault."""
    azure = Azure(default_config())
    for number in range(assignments):
        azure.role_assignments.grant(
            str(uuid.UUID(int=number)), "Key Vault Secrets User", azure.vault("contoso-kv").scope
        )
    return azure


def decide(azure: Azure) -> float:
    """Return the microseconds of processor time of one decision about who has no role."""
    vault, asks = azure.vault("contoso-kv"), azure.identity("newcomer").object_id
    operation = next(each for each in VAULT_OPERATIONS if each.name == "getSecret")
    facts = facts_of(operation.action, vault=vault.name, secret="db-password")
    began = time.process_time()
    for _ in range(DECISIONS):
        assert not azure.decide(
            object_id=asks, operation=operation, vault=vault, scope=vault.scope, facts=facts
        ).allowed
    return (time.process_time() - began) / DECISIONS * 1e6


def main() -> None:
    few, many = (f"{number:,} role assignments" for number in (FEW, MANY))
    measured = alternate({few: partial(decide, arranged(FEW)), many: partial(decide, arranged(MANY))}, 21)
    middle = median(measured)
    found = ratio(measured, many, few)
    rows = [[name, f"{middle[name]:.0f} us"] for name in (few, many)]
    rows.append(["ratio", f"{found:.2f} (goal: {met(found, GOAL)})"])
    keep("decisions", {"microseconds": measured}, table(["a decision, in processor time", "median"], rows))


if __name__ == "__main__":
    main()
