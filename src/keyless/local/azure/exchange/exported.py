"""A local Azure as it is now, in the words of a keyless.toml."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from keyless.local.azure.authorization.roles import BUILT_IN_ROLES, MANAGEMENT_ROLES
from keyless.local.azure.exchange.exported_directory import exported_directory, what_it_has
from keyless.local.azure.keyvault.keys.facts import KeyFacts
from keyless.local.azure.keyvault.keys.material import public_key
from keyless.local.azure.keyvault.objects.attributes import fields_of, within_dates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keyless.local.azure.authorization.role import Role
    from keyless.local.azure.azure import Azure
    from keyless.local.azure.identities.managed_identity import Identity
    from keyless.local.azure.identities.principal import Principal
    from keyless.local.azure.keyvault.firewall import Perimeter
    from keyless.local.azure.keyvault.objects.stored import ObjectProperties
    from keyless.local.azure.keyvault.policies import Permissions
    from keyless.local.azure.keyvault.vault import Vault
    from keyless.local.operations import Kind


def document_of(azure: Azure, *, with_values: bool) -> dict[str, Any]:
    """Return the configuration that makes an Azure such as this one: JSON can hold it, and so can TOML.

    It has the latest version of each secret, and nothing of deleted ones, of faults, or of the function's settings.

    Args:
        azure: The local Azure.
        with_values: Whether it has the values, without which it can be read but not imported.
    """
    roles = {held.role.name: held.role for each in azure.directory.principals() for held in _held(azure, each)}
    built_in = (*BUILT_IN_ROLES, *MANAGEMENT_ROLES)
    custom = {name: _role(role) for name, role in roles.items() if role not in built_in}
    return {
        "tenant_id": azure.tenant_id,
        **({"role_propagation_seconds": seconds} if (seconds := azure.role_assignments.propagation_seconds) else {}),
        **({"roles": custom} if custom else {}),
        "vaults": {name: _vault(azure, vault, with_values=with_values) for name, vault in azure.vaults.items()},
        "identities": {name: _identity(azure, identity) for name, identity in azure.identities.items()},
        **exported_directory(azure, with_values=with_values),
    }


def secrets_of(vault: Vault, *, with_values: bool) -> dict[str, Any]:
    """Return the latest version of each secret of a vault, by its name."""
    found = (each for each in vault.list_secrets() if not each.facts.get("managed"))
    return {each.name: _secret(vault, each, with_values=with_values) for each in found}


def keys_of(vault: Vault) -> dict[str, Any]:
    """Return what makes the like of each key of a vault, by its name; those of certificates come with them."""
    return {found.name: _key(found) for found in vault.keys if not found.facts.get("managed")}


def certificates_of(vault: Vault, *, with_values: bool) -> dict[str, Any]:
    """Return what imports each certificate of a vault, or makes its like where its key is not to be seen."""
    found = (each for each in vault.certificates if each.facts)
    return {each.name: _certificate(vault, each, with_values=with_values) for each in found}


def to_toml(table: Mapping[str, Any]) -> str:
    """Write a document as TOML."""
    return "\n".join(_lines(table, ())).lstrip("\n") + "\n"


def _held(azure: Azure, identity: Principal) -> Any:
    return azure.role_assignments.held_by(identity.object_id)


def _vault(azure: Azure, vault: Vault, *, with_values: bool) -> dict[str, Any]:
    settings = vault.settings
    allowed, perimeter = settings.firewall.allowed, settings.firewall.perimeter
    # A keyless.toml gives policies to identities alone.
    names = {identity.object_id: identity.name for identity in azure.identities.values()}
    policies = {names[key]: _permissions(held) for key, held in vault.policies.items() if key in names}
    return {
        "cloud": settings.cloud,
        "tenant_id": settings.tenant_id,
        "soft_delete_days": settings.soft_delete_days,
        "purge_protection": settings.purge_protection,
        "deletion_seconds": settings.deletion_seconds,
        "recovery_seconds": settings.recovery_seconds,
        "issuance_seconds": settings.issuance_seconds,
        "access": settings.access,
        "limits": settings.limits,
        "public_network_access": settings.firewall.public_network_access,
        **({} if allowed is None else {"firewall": [str(network) for network in allowed]}),
        **({} if perimeter is None else {"perimeter": _perimeter(perimeter)}),
        **({"policies": policies} if policies else {}),
        "secrets": secrets_of(vault, with_values=with_values),
        **({"keys": keys} if (keys := keys_of(vault)) else {}),
        **({"certificates": made} if (made := certificates_of(vault, with_values=with_values)) else {}),
    }


def _role(role: Role) -> dict[str, list[str]]:
    said = {name: list(getattr(role, name)) for name in ("data_actions", "actions", "not_data_actions", "not_actions")}
    return {name: actions for name, actions in said.items() if actions}


def _perimeter(perimeter: Perimeter) -> dict[str, Any]:
    return {
        "allowed": [str(network) for network in perimeter.allowed],
        "subscriptions": sorted(perimeter.subscriptions),
        "enforced": perimeter.enforced,
    }


def _permissions(held: Permissions) -> list[str]:
    others: tuple[Kind, ...] = ("key", "certificate")
    return [
        *sorted(held.get("secret", ())),
        *(f"{kind}s/{name}" for kind in others for name in sorted(held.get(kind, ()))),
    ]


def _key(found: ObjectProperties) -> dict[str, Any]:
    """Return what makes a key of the same kind; its material stays in the vault."""
    facts, said = KeyFacts.of(found.facts), fields_of(found.attributes)
    size = {} if "crv" in facts.public else {"size": public_key(facts.public).key_size}
    curve = {"curve": facts.public["crv"]} if "crv" in facts.public else {}
    times = {name: within_dates(said[name]) for name in _TIMES if said[name] is not None}
    tags = {"tags": said["tags"]} if said["tags"] else {}
    made = {"kty": facts.kty, **size, **curve, "key_ops": list(facts.key_ops), "enabled": said["enabled"]}
    return {**made, **times, **tags}


def _certificate(vault: Vault, found: ObjectProperties, *, with_values: bool) -> dict[str, Any]:
    policy = vault.certificates.policy(found.name)
    if policy is None:
        return {}
    key, said, tags = policy.key, policy.x509, dict(found.attributes.tags)
    names = (said.get("sans") or {}).get("dns_names") or []
    size = {"curve": key["crv"]} if "crv" in key else {"size": key["key_size"]}
    made = {
        **({"subject": said["subject"]} if said["subject"] else {}),
        **({"dns_names": list(names)} if names else {}),
        "issuer": policy.issuer,
        "kty": key["kty"],
        **size,
        "validity_months": policy.months,
        "content_type": policy.content_type,
        "exportable": key["exportable"],
        "reuse_key": key["reuse_key"],
        "enabled": found.attributes.enabled,
        **({"tags": tags} if tags else {}),
    }
    if not (with_values and key["exportable"]):
        return made
    return {**made, "value": vault.get_secret(found.name).value}


def _secret(vault: Vault, found: ObjectProperties, *, with_values: bool) -> dict[str, Any]:
    attributes = fields_of(found.attributes)
    said = {name: value for name, value in attributes.items() if value not in (None, {})}
    times = {name: within_dates(said[name]) for name in _TIMES if name in said}
    return {**({"value": vault.get_secret(found.name).value} if with_values else {}), **said, **times}


def _identity(azure: Azure, identity: Identity) -> dict[str, Any]:
    return {
        "client_id": identity.client_id,
        "object_id": identity.object_id,
        "resource_id": identity.resource_id,
        "assigned": identity.assigned,
        **what_it_has(azure, identity),
    }


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Write a table: its own keys first, since those after a table's header are that table's."""
    for key, value in table.items():
        if not isinstance(value, dict):
            yield f"{_bare(key)} = {value if key in _TIMES and len(path) == _SECRET_DEPTH else _value(value)}"
    for key, value in table.items():
        if isinstance(value, dict):
            yield f"\n[{'.'.join(_bare(part) for part in (*path, key))}]"
            yield from _lines(value, (*path, key))


_TIMES = ("not_before", "expires_on")
_SECRET_DEPTH = len(("vaults", "VAULT", "secrets", "SECRET"))


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_bare(key)} = {_value(item)}' for key, item in value.items())} }}"
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _bare(key: str) -> str:
    """Write a key bare where TOML allows it."""
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else _text(key)


def _text(text: str) -> str:
    """Write a string; TOML has JSON's escapes, and wants one more character escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
