"""An object as a vault keeps it: its name, its versions, and what is known of it once it is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from msgspec import field

from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.keyvault.objects.attributes import Attributes
    from keyless.local.operations import Kind


Happened = Literal["NewVersionCreated", "NearExpiry", "Expired"]


class ObjectId(NamedTuple):
    """The vault and the name of an object. Names are compared without case, and kept as they were first given."""

    vault: str
    kind: Kind
    name: str


class ObjectProperties(Record, frozen=True, kw_only=True):
    """The facts about a version besides its value; times are Unix seconds.

    Attributes:
        name: The object's name, in the case it was first given.
        version: The version's id, 32 lower-case hexadecimal digits.
        attributes: What its owner says of it.
        created_on: When the version was made.
        updated_on: When its attributes were last changed.
        facts: What else is known of it, by its kind and as JSON can hold it; none of it is secret.
    """

    name: str
    version: str
    attributes: Attributes
    created_on: int
    updated_on: int
    facts: Mapping[str, Any] = field(default_factory=dict)


class ObjectVersion(ObjectProperties, frozen=True, kw_only=True):
    """A version with its value, which no representation shows: what a secret says, or key material, encrypted."""

    hidden: ClassVar[frozenset[str]] = frozenset({"value"})

    value: str


class DeletedObject(Record, frozen=True, kw_only=True):
    """A deleted object that can be recovered.

    Attributes:
        properties: Those of its latest version.
        deleted_on: When it was deleted, in Unix seconds.
        scheduled_purge_on: When it ceases to exist, in Unix seconds.
    """

    properties: ObjectProperties
    deleted_on: int
    scheduled_purge_on: int


class ObjectEvent(Record, frozen=True, kw_only=True):
    """A vault's event about an object: that it has a new version, or that its latest one expires.

    Attributes:
        happened: What, in the words of Event Grid.
        vault: The vault's name.
        vault_url: Its address.
        resource_id: Its ARM id.
        kind: What the object is.
        properties: Those of the version.
    """

    happened: Happened
    vault: str
    vault_url: str
    resource_id: str
    kind: Kind
    properties: ObjectProperties


class Expiring(NamedTuple):
    """The latest version of an object, which expires.

    Attributes:
        vault: The vault's name.
        kind: What the object is.
        policy: How it is to be renewed, as it was set; None where it never was.
        properties: Those of the version.
    """

    vault: str
    kind: Kind
    policy: dict[str, Any] | None
    properties: ObjectProperties
