"""The page of ``keyless.toml``: every key with its type, its default and an example, from the one declaration."""

from __future__ import annotations

import json
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT, Meta
from msgspec.structs import fields

from keyless.local.azure.config import declaration

# Each table, where it stands in the file.
TABLES: Final[dict[str, type[declaration.Table]]] = {
    "": declaration.KeylessToml,
    "[vaults.NAME]": declaration.VaultTable,
    "[vaults.NAME.secrets.NAME]": declaration.SecretTable,
    "[vaults.NAME.keys.NAME]": declaration.KeyTable,
    "[vaults.NAME.certificates.NAME]": declaration.CertificateTable,
    "[vaults.NAME.perimeter]": declaration.PerimeterTable,
    "[identities.NAME]": declaration.IdentityTable,
    "[applications.NAME]": declaration.ApplicationTable,
    "A federated credential": declaration.FederatedTable,
    "[groups.NAME]": declaration.GroupTable,
    "A role with a condition": declaration.GrantTable,
    "[roles.NAME]": declaration.RoleTable,
    "[functions]": declaration.FunctionsTable,
    "A value from the environment": declaration.EnvironmentValue,
}
# What no type and no word of the declaration makes clear.
EXAMPLES: Final = {
    "access": '"policies"',
    "actions": '["Microsoft.KeyVault/vaults/read"]',
    "not_actions": '["Microsoft.KeyVault/vaults/delete"]',
    "not_data_actions": '["Microsoft.KeyVault/vaults/secrets/delete"]',
    "allowed": '["203.0.113.0/24"]',
    "certificates": '{ site = "CN=contoso.com" }',
    "dns_names": '["contoso.com"]',
    "exportable": "true",
    "issuer": '"Self"',
    "password": '"of-the-file"',
    "reuse_key": "true",
    "subject": '"CN=contoso.com"',
    "validity_months": "12",
    "applications": '{ batch = { secret = "s3cr3t" } }',
    "certificate": '"batch.pem"',
    "federated": '[{ issuer = "https://issuer.example", subject = "repo:contoso/shop" }]',
    "groups": '["operators"]',
    "real": '["arm"]',
    "secret": '"s3cr3t"',
    "client_id": '"0f2a0f2a-0000-0000-0000-000000000001"',
    "condition": "\"@Resource[Microsoft.KeyVault/vaults/secrets:name] StringStartsWith 'app-'\"",
    "content_type": '"text/plain"',
    "curve": '"P-384"',
    "data_actions": '["Microsoft.KeyVault/vaults/secrets/getSecret/action"]',
    "default": '"local-db-password"',
    "env": '"DB_PASSWORD"',
    "expires_on": "2030-01-31T12:00:00Z",
    "firewall": '["203.0.113.0/24"]',
    "functions": '{ settings = { SECRET_NAME = "db-password" } }',
    "identities": '{ system = { roles = { contoso-kv = "Key Vault Secrets User" } } }',
    "key_ops": '["sign", "verify"]',
    "keys": '{ signing = { kty = "EC", curve = "P-256" } }',
    "kty": '"RSA"',
    "not_before": "2026-01-31T12:00:00Z",
    "object_id": '"0f2a0f2a-0000-0000-0000-000000000002"',
    "perimeter": '{ allowed = ["203.0.113.0/24"] }',
    "policies": '{ system = ["get", "list"] }',
    "resource_id": '"/subscriptions/GUID/resourceGroups/GROUP/providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME"',
    "role": '"Key Vault Secrets User"',
    "roles": '{ contoso-kv = "Key Vault Secrets User" }',
    "secrets": '{ db-password = "s3cr3t" }',
    "settings": '{ SECRET_NAME = "db-password" }',
    "size": "3072",
    "subscriptions": '["0f2a0f2a-0000-0000-0000-000000000003"]',
    "tags": '{ owner = "contoso" }',
    "tenant_id": '"0f2a0f2a-0000-0000-0000-000000000004"',
    "token_lifetimes": "{ imds = 3600 }",
    "value": '"s3cr3t"',
    "vaults": "{ contoso-kv = {} }",
}
# Keys that mean something else in these tables.
OTHERS: Final = {
    (
        declaration.KeylessToml,
        "roles",
    ): '{ mine = { data_actions = ["Microsoft.KeyVault/vaults/secrets/getSecret/action"] } }',
    (declaration.KeylessToml, "groups"): '{ operators = { roles = { contoso-kv = "Key Vault Reader" } } }',
    (declaration.FederatedTable, "issuer"): '"https://issuer.example"',
    (declaration.FederatedTable, "subject"): '"repo:contoso/shop"',
    (declaration.FederatedTable, "audience"): '"api://AzureADTokenExchange"',
    (declaration.FederatedTable, "keys"): '"keys.json"',
    (declaration.CertificateTable, "content_type"): '"application/x-pem-file"',
    (declaration.CertificateTable, "value"): '"PFX in base64, or PEM"',
}
# Keys whose type is shared, so that the declaration has no title for each.
MEANINGS: Final = {
    "client_id": "Its client id. Without one it is derived from the name.",
    "deletion_seconds": "How long a deleted object stays in the state of being deleted.",
    "env": "The environment variable that holds the value.",
    "expires_on": "When it expires.",
    "applications": "The applications by name: below.",
    "groups": "The groups by name: below.",
    "functions": "The function app: below.",
    "issuance_seconds": "How long a certificate takes until it is issued.",
    "identities": "The managed identities by name: below.",
    "not_before": "When it becomes valid.",
    "object_id": "Its object id. Without one it is derived from the name.",
    "perimeter": "The network security perimeter around the vault: below.",
    "recovery_seconds": "How long a recovered object stays in the state of being recovered.",
    "resource_id": "Its ARM id. Without one it is derived from the name.",
    "role_propagation_seconds": "How long a role that is granted or revoked later takes to have an effect.",
    "roles": "Custom roles by name: below.",
    "soft_delete_days": "How long a deleted object can be recovered.",
    "tenant_id": "The tenant.",
    "vaults": "The vaults by name: below.",
}
_WORDS: Final = {str: "text", bool: "true or false", int: "whole number", float: "number", list: "list", dict: "table"}


def toml_page() -> str:
    """Return the page."""
    parts = [
        """# keyless.toml

Every key of the file. [Run a program](../run.md) shows how the file is found, and `keyless init toml` writes one.
An unknown key is an error, which names the line and what is allowed.
"""
    ]
    for name, table in TABLES.items():
        title = f"`{name}`" if name.startswith("[") else name or "The whole file"
        says = (table.__doc__ or "").strip().partition("\n")[0]
        rows = [_row(table, field) for field in fields(table)]
        head = "| key | type | default | example | meaning |\n|---|---|---|---|---|"
        parts.append("\n".join([f"## {title}\n\n{says}\n", head, *rows, ""]))
    return "\n".join(parts)


def _row(table: Any, field: Any) -> str:
    hint = get_type_hints(table, include_extras=True)[field.name]
    metas = list(_metas(hint))
    title = next((meta.title for meta in metas if meta.title), MEANINGS.get(field.name, ""))
    allowed = next((meta.description for meta in metas if meta.description), "")
    meaning = " ".join(part for part in (title, f"Allowed: {allowed}." if allowed else "") if part)
    cells = [
        f"`{field.name}`",
        " or ".join(dict.fromkeys(_types(hint))),
        _default(field),
        f"`{example(table, field)}`",
        meaning,
    ]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _metas(hint: Any) -> Any:
    yield from (meta for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, Meta))
    plain = getattr(hint, "__origin__", hint) if hasattr(hint, "__metadata__") else hint
    if get_origin(plain) in {Union, UnionType}:
        for option in get_args(plain):
            yield from _metas(option)


def _types(hint: Any) -> Any:
    plain = hint.__origin__ if hasattr(hint, "__metadata__") else hint
    if get_origin(plain) in {Union, UnionType}:
        for option in get_args(plain):
            yield from _types(option)
    elif get_origin(plain) is Literal:
        yield ", ".join(f"`{value!r}`".replace("'", '"') for value in get_args(plain))
    elif plain is not NoneType:
        yield _WORDS.get(get_origin(plain) or plain, "date and time" if plain.__name__ == "datetime" else "table")


def _default(field: Any) -> str:
    if field.default is NODEFAULT and field.default_factory is NODEFAULT:
        return "required"
    value = field.default if field.default is not NODEFAULT else None
    return "none" if value is None else f"`{json.dumps(value)}`"


def example(table: Any, field: Any) -> str:
    if (table, field.name) in OTHERS:
        return f"{field.name} = {OTHERS[table, field.name]}"
    if field.name in EXAMPLES:
        return f"{field.name} = {EXAMPLES[field.name]}"
    # The other value of a switch; a number that is set already shows its form.
    value = not field.default if isinstance(field.default, bool) else field.default
    return f"{field.name} = {json.dumps(value)}"
