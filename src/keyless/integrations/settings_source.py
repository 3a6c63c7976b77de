"""A source for pydantic-settings that asks the vault for a model's fields by name, and for nothing else.

It needs ``pydantic-settings``, which its users have. (That package's own source for Key Vault lists the whole vault
first: it needs the right to list, which Key Vault Secrets User on one secret does not give.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsError

from keyless.errors import AccessDeniedError, ConfigurationError, ReadErrors, SecretNotFoundError
from keyless.integrations.settings_names import has_field, nested_model, wanted_fields

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pydantic.fields import FieldInfo

    from keyless.integrations.settings_names import Wanted
    from keyless.secret import Secret


_EACH_FIELD = (
    "KeyVaultSettingsSource asks for a secret for each field that has no value yet. If a role covers single secrets only, name "
    "their fields: fields=[...]. Key Vault answers 403, not 404, for what its caller may not see."
)


class Reader(Protocol):
    """A reader of the secrets, such as a SecretReader."""

    def get_many(self, names: Iterable[str]) -> dict[str, Secret]:
        """Return the secrets by their names, or raise ReadErrors with those that could be read."""


class KeyVaultSettingsSource(PydanticBaseSettingsSource):
    """Gives a settings model the secrets that are named as its fields are, a dash for each underscore.

    ``env_prefix`` comes before a name. A field with an alias asks for the secret of that name; with several, for the next
    one where there is none. A field that is a model takes JSON, and two dashes lead to a part of it: the password of the field
    ``sqlserver`` is ``sqlserver--password`` or, as Key Vault knows no case, ``SqlServer--Password``; that of ``sql_server`` is
    ``sql-server--password``. A field that a source before this one has given is not asked for.
    A secret that does not exist, or whose name Key Vault does not allow, leaves its field to the sources after this one and
    to its default.

    Args:
        settings_cls: The settings model. Its ``model_config`` has ``hide_input_in_errors=True``: otherwise pydantic puts
            the values into the text of its validation errors.
        reader: What reads the secrets; up to ``parallel`` of them at once.
        fields: Which fields are asked for, such as ``password``, or ``sql_server.password`` for a part of a model; None means
            all. A role on single secrets wants them named, since Key Vault answers 403 and not 404 for what its caller may
            not see.

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
                cause="pydantic puts the input into the text of a validation error unless a setting forbids it.",
                remedy="Set model_config = SettingsConfigDict(hide_input_in_errors=True).",
            )
        unknown = [name for name in fields or () if not has_field(settings_cls, name)]
        if unknown:
            raise ConfigurationError(
                f"The settings model {settings_cls.__name__} has no field {', '.join(sorted(unknown))}.",
                cause="fields names fields of the model, as they are spelt there.",
                remedy=f"It has {', '.join(settings_cls.model_fields)}.",
            )
        self._reader = reader
        self._fields = fields

    def __call__(self) -> dict[str, Any]:
        """Read the secrets of all fields that have no value yet.

        Raises:
            ReadErrors: If a secret could not be read for another reason than that it does not exist.
            ConfigurationError: If a field wants JSON, and the secret is none.
        """
        pending = [wanted for wanted in wanted_fields(self.settings_cls, self.current_state) if self._asks_for(wanted)]
        found: dict[str, tuple[str, Any]] = {}
        # What has no secret under its first name is asked for under its next.
        for turn in range(max((len(wanted.choices) for wanted in pending), default=0)):
            left = [wanted for wanted in pending if wanted.dotted not in found and len(wanted.choices) > turn]
            secrets = self._read([wanted.choices[turn][1] for wanted in left])
            for wanted in left:
                key, name = wanted.choices[turn]
                if name in secrets:
                    found[wanted.dotted] = key, self._prepared(wanted.name, wanted.field, secrets[name])
        return _assembled([(wanted.path, *found[wanted.dotted]) for wanted in pending if wanted.dotted in found])

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return one field's secret, its key, and whether it is JSON: what pydantic-settings asks of every source."""
        for wanted in wanted_fields(self.settings_cls, {}):
            if wanted.dotted == field_name:
                for key, name in wanted.choices:
                    secret = self._read([name]).get(name)
                    if secret is not None:
                        return secret.value, key, self._is_json(field)
        return None, field_name, self._is_json(field)

    def _asks_for(self, wanted: Wanted) -> bool:
        return self._fields is None or any(f"{wanted.dotted}.".startswith(f"{name}.") for name in self._fields)

    def _is_json(self, field: FieldInfo) -> bool:
        return self.field_is_complex(field) or nested_model(field) is not None

    def _read(self, names: list[str]) -> dict[str, Secret]:
        try:
            return self._reader.get_many(names)
        except ReadErrors as failure:
            if all(isinstance(error, SecretNotFoundError) for error in failure.errors.values()):
                return dict(failure.secrets)
            if any(isinstance(error, AccessDeniedError) for error in failure.errors.values()):
                failure.add_note(_EACH_FIELD)
            raise

    def _prepared(self, name: str, field: FieldInfo, secret: Secret) -> Any:
        try:
            return self.prepare_field_value(name, field, secret.value, self._is_json(field))
        except (ValueError, SettingsError):
            failure = ConfigurationError(
                f"The secret {secret.name} is not valid for the field {name} of {self.settings_cls.__name__}.",
                cause="The field is not plain text, so that its secret must be JSON, and it is not.",
                remedy="Store JSON in the secret, or make the field a str.",
            )
        # Raised outside the except block: a JSONDecodeError in its context holds the value.
        raise failure


def _assembled(values: list[tuple[tuple[str, ...], str, Any]]) -> dict[str, Any]:
    """Return the values as pydantic takes them; what stands for itself counts before what a model's JSON says."""
    whole: dict[str, Any] = {}
    for path, key, value in values:
        model = whole
        for step in path:
            if not isinstance(model.get(step), dict):
                model[step] = {}
            model = model[step]
        model[key] = value
    return whole
