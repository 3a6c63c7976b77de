"""A pydantic-settings model is filled from the vault by its fields' names, and shows no value when it is not."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import AliasChoices, BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from keyless import ConfigurationError, ReadErrors, SecretReader
from keyless.integrations.settings_source import KeyVaultSettingsSource

if TYPE_CHECKING:
    from pydantic_settings import PydanticBaseSettingsSource

    from keyless.local.server import LocalAzure

URL = "https://contoso-kv.vault.azure.net"
VALUE = "canary-27d0c3a1-value"


class Login(BaseModel):
    user: str
    password: SecretStr


class VaultSettings(BaseSettings):
    """What the tests' models have in common."""

    model_config = SettingsConfigDict(hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[Any, ...]:
        return init_settings, env_settings, KeyVaultSettingsSource(settings_cls, SecretReader(URL))


@pytest.fixture(autouse=True)
def azure(local_azure: LocalAzure, azure_environment: object) -> LocalAzure:
    return local_azure


def asked(azure: LocalAzure) -> set[str]:
    return {entry.secret for entry in azure.journal.entries(operation="getSecret") if entry.secret}


def test_each_field_without_a_value_is_asked_for_by_name_and_nothing_is_listed(
    azure: LocalAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Settings(VaultSettings):
        host: str
        db_password: SecretStr
        key: str = Field(validation_alias="payment_api_key")
        other: str = Field(validation_alias=AliasChoices("mail_api_key", "mail_key"))
        region: str = "westeurope"

    monkeypatch.setenv("HOST", "db.internal")
    vault = azure.vault("contoso-kv")
    vault.set_secret("db-password", VALUE)
    vault.set_secret("payment-api-key", "k3y")
    vault.set_secret("mail-api-key", "m41l")
    settings = Settings()  # type: ignore[call-arg]  # the sources give them
    assert (settings.host, settings.db_password.get_secret_value(), settings.key) == ("db.internal", VALUE, "k3y")
    assert settings.other == "m41l", "the first of several aliases names the secret"
    assert settings.region == "westeurope", "a secret that does not exist leaves the default"
    assert asked(azure) == {"db-password", "payment-api-key", "mail-api-key", "region"}
    assert azure.journal.count(operation="listSecrets") == 0


def test_a_field_that_is_a_model_takes_json(azure: LocalAzure) -> None:
    class Settings(VaultSettings):
        login: Login

    azure.vault("contoso-kv").set_secret("login", f'{{"user": "app", "password": "{VALUE}"}}')
    assert Settings().login.password.get_secret_value() == VALUE  # type: ignore[call-arg]  # as above


def test_a_secret_that_is_no_json_is_told_without_its_value(azure: LocalAzure) -> None:
    class Settings(VaultSettings):
        login: Login

    azure.vault("contoso-kv").set_secret("login", VALUE)
    with pytest.raises(ConfigurationError, match="secret login is not valid for the field login") as info:
        Settings()  # type: ignore[call-arg]  # as above
    assert info.value.__context__ is None
    assert VALUE not in "".join(traceback.format_exception(info.value))


def test_a_value_that_does_not_validate_shows_in_no_error(azure: LocalAzure) -> None:
    class Settings(VaultSettings):
        db_password: int
        missing: str

    azure.vault("contoso-kv").set_secret("db-password", VALUE)
    with pytest.raises(ValidationError) as info:
        Settings()  # type: ignore[call-arg]  # as above
    assert (info.value.error_count(), VALUE in str(info.value)) == (2, False)


def test_a_model_that_would_show_its_input_is_refused() -> None:
    class Careless(BaseSettings):
        db_password: SecretStr

    with SecretReader(URL) as reader, pytest.raises(ConfigurationError, match="hide_input_in_errors"):
        KeyVaultSettingsSource(Careless, reader)


def test_a_refused_read_is_no_missing_value(azure: LocalAzure) -> None:
    class Settings(VaultSettings):
        db_password: str = "a default that would hide it"

    azure.identity("system").revoke("Key Vault Secrets User", on=azure.vault("contoso-kv"))
    with pytest.raises(ReadErrors):
        Settings()


def test_fields_are_asked_for_by_choice_and_an_unknown_one_is_told(azure: LocalAzure) -> None:
    class Settings(VaultSettings):
        host: str = "localhost"
        db_password: str = ""

    with SecretReader(URL) as reader:
        source = KeyVaultSettingsSource(Settings, reader, fields=["db_password"])
        assert set(source()) == {"db_password"}
        assert source.get_field_value(Settings.model_fields["host"], "host") == (None, "host", False)
        with pytest.raises(ConfigurationError, match="no field db-password"):
            KeyVaultSettingsSource(Settings, reader, fields=["db-password"])
    assert asked(azure) == {"db-password", "host"}, "the second was asked for by name"
