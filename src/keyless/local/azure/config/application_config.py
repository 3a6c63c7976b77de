"""The applications and groups of a keyless.toml, and what they start with."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from cryptography import x509

from keyless.local.azure.config.identity_config import grants_of
from keyless.local.azure.config.texts import texts
from keyless.local.azure.identities.federated_credential import FederatedCredential
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from keyless.local.azure.authorization.roles import Role
    from keyless.local.azure.config.declaration import ApplicationTable, FederatedTable, GroupTable
    from keyless.local.azure.config.declared import Wrong
    from keyless.local.azure.config.identity_config import RoleGrant

_PEM: Final = "-----BEGIN CERTIFICATE-----"


class ApplicationConfig(Record, frozen=True, kw_only=True):
    """An application that signs in by itself.

    Attributes:
        name: Its name.
        client_id: Its client id; None means one derived from the name.
        object_id: The object id of its service principal; None means one derived from the name.
        secrets: Its client secrets, which no representation shows.
        certificates: With the key of one of them it may sign that it is itself.
        federated: Whose tokens show that it is itself.
        roles: The roles it starts with.
        groups: The names of the groups that it is in.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"secrets"})

    name: str
    client_id: str | None = None
    object_id: str | None = None
    secrets: tuple[str, ...] = ()
    certificates: tuple[x509.Certificate, ...] = ()
    federated: tuple[FederatedCredential, ...] = ()
    roles: tuple[RoleGrant, ...] = ()
    groups: tuple[str, ...] = ()


class GroupConfig(Record, frozen=True, kw_only=True):
    """A group.

    Attributes:
        name: Its name.
        object_id: Its object id; None means one derived from the name.
        roles: The roles that its members have by it.
    """

    name: str
    object_id: str | None = None
    roles: tuple[RoleGrant, ...] = ()


def application_of(
    table: ApplicationTable,
    name: str,
    *,
    vaults: Collection[str],
    roles: tuple[Role, ...],
    folder: Path,
    wrong: Wrong,
) -> ApplicationConfig:
    """Return an application.

    Args:
        table: Its table in the file.
        name: Its name.
        vaults: The names of the vaults.
        roles: The custom roles.
        folder: Where the files are that it names.
        wrong: Makes the error about a path.

    Raises:
        ConfigurationError: If it has a role that there is not, or a file that it names cannot be read.
    """
    path = ("applications", name)
    return ApplicationConfig(
        name=name,
        client_id=table.client_id and table.client_id.lower(),
        object_id=table.object_id and table.object_id.lower(),
        secrets=texts(table.secret),
        certificates=tuple(
            certificate
            for said in texts(table.certificate)
            for certificate in _certificates(said, folder=folder, path=(*path, "certificate"), wrong=wrong)
        ),
        federated=tuple(
            _federated(each, folder=folder, path=(*path, "federated"), wrong=wrong) for each in table.federated
        ),
        roles=grants_of(table.roles, path=path, vaults=vaults, custom=roles, wrong=wrong),
        groups=texts(table.groups),
    )


def group_of(
    table: GroupTable, name: str, *, vaults: Collection[str], roles: tuple[Role, ...], wrong: Wrong
) -> GroupConfig:
    """Return a group.

    Raises:
        ConfigurationError: If it has a role that there is not.
    """
    return GroupConfig(
        name=name,
        object_id=table.object_id and table.object_id.lower(),
        roles=grants_of(table.roles, path=("groups", name), vaults=vaults, custom=roles, wrong=wrong),
    )


def check_names(tables: Mapping[str, Mapping[str, object]], *, wrong: Wrong) -> None:
    """Refuse a name that an identity, an application or a group has already.

    Raises:
        ConfigurationError: If there is one.
    """
    seen: dict[str, str] = {}
    for kind, found in tables.items():
        for name in found:
            if (twin := seen.setdefault(name.lower(), kind)) != kind:
                raise wrong((kind, name), f"{twin} has that name, too", "a name of its own")


def check_groups(name: str, kind: str, groups: Collection[str], known: Collection[str], *, wrong: Wrong) -> None:
    """Refuse a group that there is not.

    Raises:
        ConfigurationError: If there is one.
    """
    for group in groups:
        if group not in known:
            raise wrong(
                (kind, name, "groups"), f"there is no group {group!r}", ", ".join(known) or "nothing: there is none"
            )


def _certificates(said: str, *, folder: Path, path: tuple[str, ...], wrong: Wrong) -> list[x509.Certificate]:
    pem = said.encode() if said.lstrip().startswith(_PEM) else _read(said, folder=folder, path=path, wrong=wrong)
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise wrong(path, "it holds no certificate in PEM", "a certificate in PEM, or a file of one") from None


def _federated(table: FederatedTable, *, folder: Path, path: tuple[str, ...], wrong: Wrong) -> FederatedCredential:
    made = FederatedCredential(issuer=table.issuer, subject=table.subject, audience=table.audience)
    if table.keys is None:
        return made
    import jwt  # noqa: PLC0415 (it takes long to load, and few files name keys)

    text = _read(table.keys, folder=folder, path=(*path, "keys"), wrong=wrong)

    try:
        keys = jwt.PyJWKSet.from_json(text.decode()).keys
    except (jwt.PyJWTError, ValueError):
        raise wrong((*path, "keys"), "it holds no JSON Web Key Set", "a file of the issuer's jwks_uri") from None
    return FederatedCredential(issuer=made.issuer, subject=made.subject, audience=made.audience, keys=tuple(keys))


def _read(file: str, *, folder: Path, path: tuple[str, ...], wrong: Wrong) -> bytes:
    try:
        return (folder / file).read_bytes()
    except (OSError, ValueError):  # A name with NUL is a ValueError.
        raise wrong(path, "the file cannot be read", "a file, from the folder of keyless.toml on") from None
