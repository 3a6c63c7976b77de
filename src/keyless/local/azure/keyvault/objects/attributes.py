"""The attributes that every version of an object has, and a change of some of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from msgspec import field
from msgspec.structs import replace

from keyless.errors import ConfigurationError
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = int((datetime(1, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
_LAST: Final = int((datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH).total_seconds())


class Attributes(Record, frozen=True, kw_only=True):
    """The attributes of a version; times are Unix seconds, for the reader to heed.

    Attributes:
        content_type: Free text about the value; None where not given.
        enabled: Whether the version may be used.
        not_before: When it becomes valid; None where not given.
        expires_on: When it ceases to be valid; None where not given.
        tags: Free names and texts.
    """

    content_type: str | None = None
    enabled: bool = True
    not_before: int | None = None
    expires_on: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def without_times(self) -> Attributes:
        """Return these attributes for a version whose life begins now."""
        return replace(self, not_before=None, expires_on=None)

    def changed(self, change: AttributeChange) -> Attributes:
        """Return these attributes after a change."""
        return Attributes(
            content_type=self.content_type if change.content_type is None else change.content_type,
            enabled=self.enabled if change.enabled is None else change.enabled,
            not_before=self.not_before if change.not_before is None else change.not_before,
            expires_on=self.expires_on if change.expires_on is None else change.expires_on,
            tags=self.tags if change.tags is None else change.tags,
        )


class AttributeChange(Record, frozen=True, kw_only=True):
    """Changes to the attributes of a version; None leaves one as it is."""

    content_type: str | None = None
    enabled: bool | None = None
    not_before: int | None = None
    expires_on: int | None = None
    tags: Mapping[str, str] | None = None

    @classmethod
    def of(
        cls,
        *,
        content_type: str | None,
        enabled: bool | None,
        not_before: datetime | int | None,
        expires_on: datetime | int | None,
        tags: Mapping[str, str] | None,
    ) -> Self:
        """Make a change from what people write.

        Args:
            content_type: Free text about the value.
            enabled: Whether the version may be used.
            not_before: When it becomes valid; a time with its zone, or Unix seconds.
            expires_on: When it ceases to be valid, likewise.
            tags: Free names and texts, in place of all that there are.

        Raises:
            ConfigurationError: If a time has no zone.
        """
        return cls(
            content_type=content_type,
            enabled=enabled,
            not_before=seconds("not_before", not_before),
            expires_on=seconds("expires_on", expires_on),
            tags=None if tags is None else dict(tags),
        )


def seconds(field_name: str, moment: datetime | int | None) -> int | None:
    """Return a moment in Unix seconds.

    Raises:
        ConfigurationError: If it is a time without its zone, or before 1970 or after 9999, which no JSON of Azure holds.
    """
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        raise ConfigurationError(
            f"{field_name} has no time zone.",
            cause="A time without its zone means another moment on another machine.",
            remedy="Give it one: datetime(2030, 1, 31, tzinfo=UTC).",
        )
    try:
        found = int((moment - _EPOCH).total_seconds())
        _EPOCH + timedelta(seconds=found)  # As it is returned later, in UTC.
    except OverflowError:
        raise _beyond(field_name) from None
    return found


def _beyond(field_name: str) -> ConfigurationError:
    return ConfigurationError(
        f"A time is out of range: {field_name}.",
        cause="Times are from the year 1 to 9999, counted in UTC.",
        remedy="Give one in between: 2030-01-31T12:00:00Z.",
    )


def written(seconds: float | None) -> str | None:
    """Return a moment as people write it; one beyond the year 9999, which a vault takes, as its Unix seconds."""
    if seconds is None:
        return None
    try:
        return (_EPOCH + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        return str(seconds)


def within_dates(seconds: int) -> str:
    """Return a moment as a keyless.toml writes it; one that dates do not reach as the first or last that they do."""
    return (_EPOCH + timedelta(seconds=min(max(seconds, _FIRST), _LAST))).isoformat()


def fields_of(attributes: Attributes) -> dict[str, Any]:
    """Return attributes by their names, as JSON can hold them."""
    return {
        "content_type": attributes.content_type,
        "enabled": attributes.enabled,
        "not_before": attributes.not_before,
        "expires_on": attributes.expires_on,
        "tags": dict(attributes.tags),
    }
