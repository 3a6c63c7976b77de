"""The records that a vault keeps beside its objects: the issuers that it knows, and whom it writes to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from keyless.local.azure.keyvault.certificates.policy_parts import field_of, table_of
from keyless.local.azure.keyvault.certificates.refusal import RefusedCertificateError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyless.local.azure.storage.database import Database

# Whose customers have numbers, without which they are unknown there.
_NEEDS_ORGANIZATION: Final = "digicert"
_ADMINISTRATOR: Final = ("first_name", "last_name", "email", "phone")
_CONTACT: Final = ("email", "name", "phone")
_CONTACTS: Final = "contacts"


class Record(NamedTuple):
    """Something with a name and what is known of it, as the wire has it but for its id."""

    name: str
    content: Mapping[str, Any]


class VaultRecords:
    """The issuers and the contacts of a vault.

    Args:
        vault: The vault's name.
        database: Where they are kept.
    """

    def __init__(self, vault: str, database: Database) -> None:
        self._vault = vault
        self._database = database

    def issuer(self, name: str) -> Record | None:
        """Return an issuer; None where there is none."""
        return self._get("issuer", name)

    def set_issuer(self, name: str, given: Mapping[str, Any], *, now: int, replacing: bool = True) -> Record:
        """Make an issuer, or change one. Its password is not kept.

        Args:
            name: Its name.
            given: What a client gives.
            now: The time, in Unix seconds.
            replacing: Whether what is not given is gone, rather than as it was.

        Raises:
            RefusedCertificateError: If no vault can have it.
        """
        before = self.issuer(name)
        content = _issuer(given, before.content if before and not replacing else {}, now=now)
        return self._put("issuer", before.name if before else name, content)

    def page_of_issuers(self, *, start: str, size: int) -> Sequence[Record]:
        """Return up to ``size`` issuers from the name ``start`` on, and the one after them where there is one."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT name, content FROM record WHERE vault = ? AND kind = 'issuer' AND name >= ? ORDER BY name LIMIT ?",
                (self._vault, start, size + 1),
            ).fetchall()
        return [Record(name, json.loads(content)) for name, content in rows]

    def delete_issuer(self, name: str) -> Record | None:
        """Forget an issuer; returns what it was, or None where there was none."""
        return self._delete("issuer", name)

    def contacts(self) -> Record | None:
        """Return whom the vault writes to; None where that was never said."""
        return self._get(_CONTACTS, _CONTACTS)

    def set_contacts(self, given: Mapping[str, Any]) -> Record:
        """Set whom the vault writes to, in place of all that there were.

        Raises:
            RefusedCertificateError: If they are not a list of contacts.
        """
        found = field_of(given, "contacts", list) or []
        return self._put(_CONTACTS, _CONTACTS, {"contacts": [_texts(each, _CONTACT) for each in found]})

    def delete_contacts(self) -> Record | None:
        """Forget whom the vault writes to; returns who they were, or None where there were none."""
        return self._delete(_CONTACTS, _CONTACTS)

    def _get(self, kind: str, name: str) -> Record | None:
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT name, content FROM record WHERE vault = ? AND kind = ? AND name = ?", (self._vault, kind, name)
            ).fetchone()
        return Record(row[0], json.loads(row[1])) if row else None

    def _put(self, kind: str, name: str, content: Mapping[str, Any]) -> Record:
        with self._database.changing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO record (vault, kind, name, content) VALUES (?, ?, ?, ?)",
                (self._vault, kind, name, json.dumps(content)),
            )
        return Record(name, content)

    def _delete(self, kind: str, name: str) -> Record | None:
        found = self._get(kind, name)
        with self._database.changing() as connection:
            connection.execute(
                "DELETE FROM record WHERE vault = ? AND kind = ? AND name = ?", (self._vault, kind, name)
            )
        return found


def _issuer(given: Mapping[str, Any], before: Mapping[str, Any], *, now: int) -> dict[str, Any]:
    provider = field_of(given, "provider", str) or before.get("provider")
    if not provider:
        raise RefusedCertificateError(
            "The issuer has no provider.",
            allowed="a provider such as DigiCert, GlobalSign or Test",
            message="Property provider has invalid value\r\n",
        )
    enabled = field_of(table_of(given, "attributes"), "enabled", bool)
    known = before.get("attributes", {"enabled": True, "created": now})
    found: dict[str, Any] = {"provider": provider}
    credentials = field_of(given, "credentials", dict)
    if credentials is not None:
        found["credentials"] = _texts(credentials, ("account_id",))
    elif "credentials" in before:
        found["credentials"] = before["credentials"]
    organization = field_of(given, "org_details", dict)
    if organization is not None:
        found["org_details"] = _organization(organization)
    elif "org_details" in before:
        found["org_details"] = before["org_details"]
    if provider.lower() == _NEEDS_ORGANIZATION and not found.get("org_details", {}).get("id"):
        raise RefusedCertificateError(
            "The issuer's organization has no id.",
            allowed="an org_details.id with this provider",
            # Quoted: https://github.com/Azure/azure-sdk-for-java/issues/29166
            message="Id in organization details is not set",
        )
    attributes = {**known, "enabled": known["enabled"] if enabled is None else enabled, "updated": now}
    return {**found, "attributes": attributes}


def _organization(given: Mapping[str, Any]) -> dict[str, Any]:
    people = field_of(given, "admin_details", list)
    # The zip is in every recorded answer, and in no specification.
    found: dict[str, Any] = {**_texts(given, ("id",)), "zip": 0}
    return found if people is None else {**found, "admin_details": [_texts(each, _ADMINISTRATOR) for each in people]}


def _texts(given: object, names: tuple[str, ...]) -> dict[str, str]:
    if not isinstance(given, dict):
        raise RefusedCertificateError("An item is of the wrong type.", allowed="objects there")
    found = {name: field_of(given, name, str) for name in names}
    return {name: text for name, text in found.items() if text is not None}
