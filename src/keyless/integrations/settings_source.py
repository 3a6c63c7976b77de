"""A source for pydantic-settings that asks the vault for a model's fields by name, and for nothing else.

It needs ``pydantic-settings``, which its users have. (That package's own source for Key Vault lists the whole vault
first: it needs the right to list, which Key Vault Secrets User on one secret does not give.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pydantic import AliasChoices
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsError

from keyless.errors import ConfigurationError, ReadErrors, SecretNotFoundError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pydantic.fields import FieldInfo

    from keyless.secret import Secret


class Reader(Protocol):
    """What reads the secrets, as a SecretReader does."""

    def get_many(self, names: Iterable[str]) -> dict[str, Secret]:
        """Return the secrets by their names, or raise ReadErrors with those that could be read."""


class KeyVaultSettingsSource(PydanticBaseSettingsSource):
    """Gives a settings model the secrets that are named as its fields are, a dash for each underscore.

    A field with an alias asks for the secret of that name, the first one of several. A field that a source before this
    one has given is not asked for, and a secret that does not exist leaves its field to the sources after this one and
    to its default.

    Args:
        settings_cls: The settings model. Its ``model_config`` has ``hide_input_in_errors=True``: otherwise pydantic puts
            the values into the text of its validation errors.
        reader: What reads the secrets; up to ``parallel`` of them at once.
        fields: Which fields are asked for; None means all. A role on single secrets wants them named, since Key Vault
            answers 403 and not 404 for what its caller may not see.

    Raises:
        ConfigurationError: If the model would show values in its errors.

    Source: https://docs.pydantic.dev/latest/concepts/pydantic_settings/#adding-sources
    """

    def __init__(
        self, settings_cls: type[BaseSettings], reader: Reader, *, fields: Collection[str] | None = None
    ) -> None:
        super().__init__(settings_cls)
        if not settings_cls.model_config.get("hide_input_in_errors"):
            raise ConfigurationError(
                f"The settings model {settings_cls.__name__} would show secrets in its errors.",
                cause="pydantic puts the input into the text of a validation error unless it is told not to.",
                remedy="Set model_config = SettingsConfigDict(hide_input_in_errors=True).",
            )
        unknown = set(fields or ()) - settings_cls.model_fields.keys()
        if unknown:
            raise ConfigurationError(
                f"The settings model {settings_cls.__name__} has no field {', '.join(sorted(unknown))}.",
                cause="fields names fields of the model, as they are spelt there.",
                remedy=f"It has {', '.join(settings_cls.model_fields)}.",
            )
        self._reader = reader
        self._fields = settings_cls.model_fields.keys() if fields is None else fields

    def __call__(self) -> dict[str, Any]:
        """Read the secrets of all fields that have no value yet.

        Raises:
            ReadErrors: If a secret could not be read for another reason than that it does not exist.
            ConfigurationError: If a field wants JSON, and the secret is none.
        """
        fields = {}
        for name, field in self.settings_cls.model_fields.items():
            key = _key(name, field)
            if name in self._fields and not {key, name} & self.current_state.keys():
                fields[key] = (name, field)
        secrets = self._read([_secret_name(key) for key in fields])
        values = {}
        for key, (name, field) in fields.items():
            secret = secrets.get(_secret_name(key))
            if secret is not None:
                values[key] = self._prepared(name, field, secret)
        return values

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return one field's secret, its key, and whether it is JSON: what pydantic-settings asks of every source."""
        key = _key(field_name, field)
        secret = self._read([_secret_name(key)]).get(_secret_name(key))
        return secret.value if secret is not None else None, key, self.field_is_complex(field)

    def _read(self, names: list[str]) -> dict[str, Secret]:
        try:
            return self._reader.get_many(names)
        except ReadErrors as failure:
            if all(isinstance(error, SecretNotFoundError) for error in failure.errors.values()):
                return dict(failure.secrets)
            raise

    def _prepared(self, name: str, field: FieldInfo, secret: Secret) -> Any:
        try:
            return self.prepare_field_value(name, field, secret.value, self.field_is_complex(field))
        except (ValueError, SettingsError):
            failure = ConfigurationError(
                f"The secret {secret.name} is not valid for the field {name} of {self.settings_cls.__name__}.",
                cause="The field is not plain text, so that its secret must be JSON, and it is not.",
                remedy="Store JSON in the secret, or make the field a str.",
            )
        # Raised outside the except block: a JSONDecodeError in its context holds the value.
        raise failure


def _key(name: str, field: FieldInfo) -> str:
    """Return the name under which pydantic takes the field's value: its alias, the first one of several."""
    alias = field.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    return next((choice for choice in choices if isinstance(choice, str)), name)


def _secret_name(key: str) -> str:
    return key.replace("_", "-")
