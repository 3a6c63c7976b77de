"""Rules about how a vault decides who may do what."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyless.audit.finding import found
from keyless.audit.rules.rule import rule
from keyless.audit.values import Computed, Group, Listing, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.audit.facts import Resource
    from keyless.audit.finding import Finding

_TRUE: Final = {
    "bicep": "`enableRbacAuthorization: true`",
    "arm": '`"enableRbacAuthorization": true`',
    "azapi": "`enableRbacAuthorization = true`",
    "terraform": "`rbac_authorization_enabled = true`",
}
_POLICIES: Final = "Microsoft.KeyVault/vaults/accessPolicies"
_ROLE: Final = "a role instead: `az role assignment create --role 'Key Vault Secrets User' ...`"


def check(resource: Resource) -> Iterator[Finding]:
    """Yield what a vault leaves open, and policies."""
    if resource.has_type(_POLICIES):
        yield found(rule("KA-202"), resource.place, "An access policy is set", _ROLE)
    if not resource.has_type("Microsoft.KeyVault/vaults") or resource.existing:
        return
    properties = resource.body.get("properties")
    if not isinstance(properties, Group):
        return  # The whole comes from elsewhere, or a command leaves it to the tool.
    model = properties.get("enableRbacAuthorization")
    if model is None and resource.dialect in _TRUE:
        write = _TRUE[resource.dialect]
        what = "The vault does not set how access is decided: today by access policies, in a new vault by roles"
        instead = write.replace("true", "false")
        yield found(rule("KA-201"), resource.place, what, f"{write}, or {instead} to keep access policies")
    policies = properties.get("accessPolicies")
    if not _has_items(policies):
        return
    if isinstance(model, Scalar) and model.value is True:
        what = "The vault decides by roles, and lists access policies, which do nothing"
        yield found(rule("KA-203"), resource.place, what, _ROLE)
    elif model is None or isinstance(model, Scalar):
        yield found(rule("KA-202"), resource.place, "The vault uses access policies", _ROLE)


def _has_items(policies: object) -> bool:
    if isinstance(policies, Listing):
        return bool(policies.items)
    # What is computed may be empty where roles decide; where it has a policy in it, it is one.
    return isinstance(policies, Computed) and re.search(r"\bpermissions\b", policies.text) is not None
