"""The reasons why a call is allowed or refused: each role assignment of an identity, and its effect on that call."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from keyless.errors import LocalAzureError
from keyless.local.azure.authorization.conditions.condition import facts_of
from keyless.local.operations import VAULT_OPERATIONS, Operation
from keyless.local.record import Record

if TYPE_CHECKING:
    from keyless.local.azure.authorization.conditions.expressions import Facts
    from keyless.local.azure.authorization.roles import Decision, RoleAssignment, Scope
    from keyless.local.azure.azure import Azure

Effect = Literal["allows", "does not allow"]


class Step(Record, frozen=True):
    """The effect of one role assignment on the call.

    Attributes:
        role: The role's name.
        on: Where it holds.
        effect: Whether it lets the call through.
        because: Why, in a few words.
        condition: The condition's text; None where it has none.
    """

    role: str
    on: str
    effect: Effect
    because: str
    condition: str | None


class Explanation(Record, frozen=True):
    """A decision with all that led to it.

    Attributes:
        decision: What was decided, and the reason that the journal shows.
        action: The data action that was asked for.
        steps: Each role assignment of the identity; none where the vault has access policies.
    """

    decision: Decision
    action: str
    steps: tuple[Step, ...]


def explain(azure: Azure, *, identity: str, action: str, on: str) -> Explanation:
    """Explain whether an identity may do something, as the vault would decide it now.

    Args:
        azure: The local Azure.
        identity: The name of the identity or the application.
        action: An operation such as ``getSecret``, or the data action that it needs.
        on: ``VAULT``, ``VAULT/SECRET`` or ``VAULT/keys/KEY``, in the spelling that a call would use.

    Raises:
        LocalAzureError: If there is no such identity, operation or vault.
    """
    found, scope, operation = azure.directory.named(identity), azure.scope(on), _operation(action)
    vault = azure.vault(scope.vault)
    # Conditions compare names as a call spells them.
    spelled = on.rpartition("/")[2] if scope.kind == "secret" else None
    facts = facts_of(operation.action, vault=vault.name, secret=spelled)
    decision = azure.decide(object_id=found.object_id, operation=operation, vault=vault, scope=scope, facts=facts)
    if vault.settings.access == "policies":
        return Explanation(decision, operation.action, ())
    now = azure.clock.now()
    owners = (found.object_id, *azure.directory.groups_of(found.object_id))
    held = [each for owner in owners for each in azure.role_assignments.held_by(owner)]
    steps = tuple(_step(each, scope=scope, facts=facts, now=now, enough=operation.enough) for each in held)
    return Explanation(decision, operation.action, steps)


def _step(assignment: RoleAssignment, *, scope: Scope, facts: Facts, now: float, enough: str | None) -> Step:
    condition = assignment.condition
    effect: Effect = "does not allow"
    if not assignment.scope.covers(scope):
        because = f"it holds on {assignment.scope}, not on {scope}"
    elif not assignment.role.allows(facts.action) and not (enough and assignment.role.allows(enough)):
        because = f"the role does not include {facts.action}"
    elif assignment.since > now:
        because = f"it takes effect in {assignment.since - now:.0f} s"
    elif condition is not None and not condition.allows(facts):
        because = f"its condition refuses the call: {condition.reason(facts)}"
    else:
        effect = "allows"
        because = f"its condition holds: {condition.reason(facts)}" if condition else "it has no condition"
    return Step(assignment.role.name, str(assignment.scope), effect, because, condition.text if condition else None)


def _operation(action: str) -> Operation:
    known = {name: each for each in VAULT_OPERATIONS for name in (each.name.lower(), each.action.lower())}
    if action.lower() in known:
        return known[action.lower()]
    names = list(dict.fromkeys(each.name for each in VAULT_OPERATIONS))
    near = get_close_matches(action, names, n=1)
    raise LocalAzureError(
        f"There is no action {action!r}.",
        cause="It is neither an operation of a vault nor the data action of one.",
        remedy=f"Did you mean {near[0]!r}?" if near else f"Use one of: {', '.join(names)}.",
    )
