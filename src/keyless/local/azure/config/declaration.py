"""The declaration of keyless.toml: every table and key.

The reader, its errors, the JSON schema in ``docs/keyless.schema.json`` and the control API ask this one declaration.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from msgspec import Meta, Struct, field

from keyless.local.azure.config.value_kinds import (
    FROM_ENVIRONMENT,
    NETWORKS,
    Cloud,
    Delay,
    Guid,
    IdentityName,
    KeyOperation,
    KeyType,
    Lifetime,
    Moment,
    NetworkAccess,
    ResourceId,
    RetentionDays,
    RoleName,
    RsaSize,
    SecretName,
    SettingName,
    SettingValue,
    Texts,
    VaultName,
)
from keyless.local.azure.identities.federated_credential import AUDIENCE
from keyless.local.azure.keyvault.settings import Access, VaultSettings
from keyless.local.sources import SOURCES, Real, SourceName

_DEFAULTS: Final = VaultSettings()


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file. No representation shows its contents, since they may be a secret."""

    says: ClassVar[str] = "table"
    example: ClassVar[str] = "a table"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


class EnvironmentValue(Table, frozen=True):
    """A value that an environment variable holds when the local Azure starts."""

    says: ClassVar[str] = "value"
    example: ClassVar[str] = '{ env = "DB_PASSWORD" }, with default = "..." if you like'

    env: Annotated[SettingName, Meta(title="The environment variable that holds the value.")]
    default: Annotated[str, Meta(title="The value where the variable is not set.")] | None = None


class SecretTable(Table, frozen=True):
    """A secret with what is known of it besides its value."""

    says: ClassVar[str] = "secret"
    example: ClassVar[str] = 'a string in quotes, or a table such as { value = "...", enabled = true }'

    value: Annotated[
        str,
        Meta(
            title='The value, up to 25,600 bytes, or { env = "NAME" } for the value of an environment variable.',
            extra_json_schema=FROM_ENVIRONMENT,
        ),
    ]
    content_type: Annotated[str, Meta(title="Free text about the value.")] | None = None
    enabled: Annotated[bool, Meta(title="Whether the value may be read.")] = True
    not_before: Moment | None = None
    expires_on: Moment | None = None
    tags: Annotated[dict[str, str], Meta(title="Free names and texts.")] = field(default_factory=dict)


class KeyTable(Table, frozen=True):
    """A key that is made at the start."""

    says: ClassVar[str] = "key"
    example: ClassVar[str] = 'a type such as "RSA" or "EC", or a table such as { kty = "EC", curve = "P-384" }'

    kty: Annotated[KeyType, Meta(title="Its type.")]
    size: RsaSize | None = None
    curve: Annotated[Literal["P-256", "P-256K", "P-384", "P-521"], Meta(title="Of an EC key.")] | None = None
    key_ops: Annotated[list[KeyOperation], Meta(title="What it may be used for.")] = field(default_factory=list)
    enabled: Annotated[bool, Meta(title="Whether it may be used.")] = True
    not_before: Moment | None = None
    expires_on: Moment | None = None
    tags: Annotated[dict[str, str], Meta(title="Free names and texts.")] = field(default_factory=dict)


class CertificateTable(Table, frozen=True):
    """A certificate that is made or imported at the start."""

    says: ClassVar[str] = "certificate"
    example: ClassVar[str] = (
        'a subject such as "CN=contoso.com", or a table such as { subject = "CN=a", dns_names = ["a"] }'
    )

    subject: Annotated[str, Meta(title="Its subject, such as CN=contoso.com.")] | None = None
    dns_names: Annotated[list[str], Meta(title="The hosts that it is valid for.")] = field(default_factory=list)
    issuer: Annotated[str, Meta(title="Who signs it: Self, Unknown, or the name of an issuer.")] | None = None
    kty: Annotated[KeyType, Meta(title="The type of its key.")] | None = None
    size: RsaSize | None = None
    curve: Annotated[Literal["P-256", "P-256K", "P-384", "P-521"], Meta(title="Of an EC key.")] | None = None
    validity_months: (
        Annotated[int, Meta(ge=0, le=1200, title="For how many months it is valid.", description="0 to 1200")] | None
    ) = None
    content_type: (
        Annotated[Literal["application/x-pkcs12", "application/x-pem-file"], Meta(title="How its secret is written.")]
        | None
    ) = None
    exportable: Annotated[bool, Meta(title="Whether its secret has the private key.")] | None = None
    reuse_key: Annotated[bool, Meta(title="Whether a renewal keeps its key.")] | None = None
    value: Annotated[str, Meta(title="To import it: PFX in base64, or PEM, with its private key.")] | None = None
    password: Annotated[str, Meta(title="The password of the value.")] | None = None
    enabled: Annotated[bool, Meta(title="Whether it may be used.")] = True
    tags: Annotated[dict[str, str], Meta(title="Free names and texts.")] = field(default_factory=dict)


class PerimeterTable(Table, frozen=True):
    """The network security perimeter around a vault."""

    allowed: Annotated[str | list[str], Meta(title="Who may connect.", description=NETWORKS)] = field(
        default_factory=list
    )
    subscriptions: Annotated[Texts, Meta(title="Subscriptions that may connect.")] = field(default_factory=list)
    enforced: Annotated[bool, Meta(title="Whether it refuses, or only reports.")] = True


class VaultTable(Table, frozen=True):
    """A vault: how it is set up, and what is in it at the start."""

    cloud: Annotated[Cloud, Meta(title="Its Azure cloud.")] = "AZURE_PUBLIC_CLOUD"
    tenant_id: Guid | None = None
    secrets: Annotated[
        dict[SecretName, Annotated[str | SecretTable, Meta(description=SecretTable.example)]],
        Meta(title="The secrets that it starts with, by name."),
    ] = field(default_factory=dict)
    keys: Annotated[
        dict[SecretName, Annotated[KeyType | KeyTable, Meta(description=KeyTable.example)]],
        Meta(title="The keys that are made at the start, by name."),
    ] = field(default_factory=dict)
    certificates: Annotated[
        dict[SecretName, Annotated[str | CertificateTable, Meta(description=CertificateTable.example)]],
        Meta(title="The certificates that are made or imported at the start, by name."),
    ] = field(default_factory=dict)
    access: Annotated[Access, Meta(title="Whether roles or access policies decide.")] | None = None
    policies: (
        Annotated[
            dict[str, Texts],
            Meta(title="Permissions such as get, keys/sign and certificates/get, by the name of an identity."),
        ]
        | None
    ) = None
    firewall: Annotated[str | list[str], Meta(title="Who may connect.", description=NETWORKS)] | None = None
    public_network_access: NetworkAccess = True
    perimeter: PerimeterTable | None = None
    limits: Annotated[bool, Meta(title="Whether Azure's limit on requests applies.")] = _DEFAULTS.limits
    soft_delete_days: RetentionDays = _DEFAULTS.soft_delete_days
    purge_protection: Annotated[bool, Meta(title="Whether nobody may purge before that.")] = _DEFAULTS.purge_protection
    deletion_seconds: Delay = _DEFAULTS.deletion_seconds
    recovery_seconds: Delay = _DEFAULTS.recovery_seconds
    issuance_seconds: Delay = _DEFAULTS.issuance_seconds


class IdentityIds(Table, frozen=True):
    """The ids of a managed identity, and whether the host has it; ids that are not given are derived from its name."""

    client_id: Guid | None = None
    object_id: Guid | None = None
    resource_id: ResourceId | None = None
    assigned: Annotated[bool, Meta(title="Whether it is assigned to the host.")] = True


class NewIdentity(IdentityIds, frozen=True, kw_only=True):
    """An identity that is to be made."""

    says: ClassVar[str] = "identity"
    example: ClassVar[str] = "a name, and ids unless they are to be derived from it"

    name: IdentityName


class GrantTable(Table, frozen=True):
    """A role with a condition."""

    says: ClassVar[str] = "role"
    example: ClassVar[str] = 'a name, or a table such as { role = "Key Vault Secrets User", condition = "..." }'

    role: Annotated[str, Meta(title="The role's name or GUID.")]
    condition: (
        Annotated[str, Meta(title="A condition that a call must fulfil, as in Azure's role assignments.")] | None
    ) = None


_Grant = Annotated[str | GrantTable, Meta(description=f"{GrantTable.example}, or a list of them")]
Grants = Annotated[str | GrantTable | list[_Grant], Meta(description=f"{GrantTable.example}, or a list of them")]


class IdentityTable(IdentityIds, frozen=True):
    """A managed identity; the one named ``system`` is system-assigned, all others are user-assigned."""

    roles: Annotated[dict[str, Grants], Meta(title="Roles, by VAULT or VAULT/SECRET.")] = field(default_factory=dict)
    groups: Annotated[Texts, Meta(title="The groups that it is in.")] = field(default_factory=list)


class FederatedTable(Table, frozen=True):
    """A token of another issuer, which an application shows to sign in."""

    says: ClassVar[str] = "federated credential"
    example: ClassVar[str] = 'a table such as { issuer = "https://gitlab.com", subject = "project_path:contoso/app" }'

    issuer: Annotated[str, Meta(title="The issuer of the token.")]
    subject: Annotated[str, Meta(title="The subject of the token.")]
    audience: Annotated[str, Meta(title="The audience of the token.")] = AUDIENCE
    keys: (
        Annotated[str, Meta(title="A file of the issuer's keys. Without it the local Azure signs in its place.")] | None
    ) = None


class ApplicationTable(Table, frozen=True):
    """An application that signs in by itself; ids that are not given are derived from its name."""

    client_id: Guid | None = None
    object_id: Guid | None = None
    secret: Annotated[Texts, Meta(title="Its client secrets.")] = field(default_factory=list)
    certificate: Annotated[Texts, Meta(title="Its certificates in PEM, or files of them.")] = field(
        default_factory=list
    )
    federated: Annotated[list[FederatedTable], Meta(title="Issuers and subjects whose tokens it signs in with.")] = (
        field(default_factory=list)
    )
    roles: Annotated[dict[str, Grants], Meta(title="Roles, by VAULT or VAULT/SECRET.")] = field(default_factory=dict)
    groups: Annotated[Texts, Meta(title="The groups that it is in.")] = field(default_factory=list)


class GroupTable(Table, frozen=True):
    """A group of identities and applications; an id that is not given is derived from its name."""

    object_id: Guid | None = None
    roles: Annotated[dict[str, Grants], Meta(title="Roles, by VAULT or VAULT/SECRET.")] = field(default_factory=dict)


class RoleTable(Table, frozen=True):
    """A custom role."""

    says: ClassVar[str] = "role"
    example: ClassVar[str] = 'data_actions such as ["Microsoft.KeyVault/vaults/secrets/getSecret/action"]'

    data_actions: Annotated[Texts, Meta(title="The actions that it allows in a vault.")] = field(default_factory=list)
    actions: Annotated[Texts, Meta(title="The actions that it allows in the management plane.")] = field(
        default_factory=list
    )
    not_data_actions: Annotated[Texts, Meta(title="The data actions that it leaves out.")] = field(default_factory=list)
    not_actions: Annotated[Texts, Meta(title="The actions that it leaves out.")] = field(default_factory=list)


class FunctionsTable(Table, frozen=True):
    """The function app."""

    settings: Annotated[dict[SettingName, SettingValue], Meta(title="Its application settings.")] = field(
        default_factory=dict
    )


class KeylessToml(Table, frozen=True):
    """The vaults, identities and settings with which a local Azure starts."""

    tenant_id: Guid | None = None
    vaults: dict[VaultName, VaultTable] = field(default_factory=dict)
    identities: dict[IdentityName, IdentityTable] = field(default_factory=dict)
    roles: dict[RoleName, RoleTable] = field(default_factory=dict)
    functions: FunctionsTable = field(default_factory=FunctionsTable)
    token_lifetimes: Annotated[
        dict[SourceName, Lifetime],
        Meta(
            title="The lifetime of tokens, by source.",
            extra_json_schema={"propertyNames": {"enum": list(SOURCES)}},
        ),
    ] = field(default_factory=dict)
    role_propagation_seconds: Delay = 0.0
    applications: dict[IdentityName, ApplicationTable] = field(default_factory=dict)
    groups: dict[IdentityName, GroupTable] = field(default_factory=dict)
    real: Annotated[list[Real], Meta(title="The part of Azure that stays real: its management plane.")] = field(
        default_factory=list
    )
