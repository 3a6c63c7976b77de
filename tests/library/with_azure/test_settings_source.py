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


class Pool(BaseModel):
    size: int = 5


class SqlServer(BaseModel):
    host: str = "localhost"
    password: SecretStr = SecretStr("")
    pool: Pool | None = None


class Tree(BaseModel):
    name: str = ""
    inner: Tree | None = None


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


def test_two_dashes_lead_into_a_model_whatever_the_case_and_count_before_its_json(azure: LocalAzure) -> None:
    class Settings(VaultSettings):
        sqlserver: SqlServer

    vault = azure.vault("contoso-kv")
    vault.set_secret("SqlServer", '{"host": "db.internal", "password": "old"}')
    vault.set_secret("SqlServer--Password", VALUE)
    vault.set_secret("SqlServer--Pool--Size", "7")
    settings = Settings()  # type: ignore[call-arg]  # as above
    assert (settings.sqlserver.host, settings.sqlserver.password.get_secret_value()) == ("db.internal", VALUE)
    assert settings.sqlserver.pool == Pool(size=7)


def test_a_part_of_a_model_is_asked_for_by_choice_and_not_where_the_environment_gives_it(
    azure: LocalAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Settings(VaultSettings):
        model_config = SettingsConfigDict(env_nested_delimiter="__")
        sql_server: SqlServer = SqlServer()

    azure.vault("contoso-kv").set_secret("sql-server--password", VALUE)
    with SecretReader(URL) as reader:
        chosen = KeyVaultSettingsSource(Settings, reader, fields=["sql_server.password"])
        assert chosen() == {"sql_server": {"password": VALUE}}
        with pytest.raises(ConfigurationError, match=r"no field sql_server\.port"):
            KeyVaultSettingsSource(Settings, reader, fields=["sql_server.port"])
    assert asked(azure) == {"sql-server--password"}
    monkeypatch.setenv("SQL_SERVER__HOST", "db.internal")
    settings = Settings()
    assert (settings.sql_server.host, settings.sql_server.password.get_secret_value()) == ("db.internal", VALUE)
    assert "sql-server--host" not in asked(azure)


def test_the_prefix_stands_before_names_and_not_before_aliases(azure: LocalAzure) -> None:
    class Settings(VaultSettings):
        model_config = SettingsConfigDict(env_prefix="shop_")
        db_password: str
        key: str = Field(alias="payment-key")

    vault = azure.vault("contoso-kv")
    vault.set_secret("shop-db-password", VALUE)
    vault.set_secret("payment-key", "k3y")
    settings = Settings()  # type: ignore[call-arg]  # as above
    assert (settings.db_password, settings.key) == (VALUE, "k3y")
    assert asked(azure) == {"shop-db-password", "payment-key"}


def test_the_next_alias_counts_where_there_is_no_secret_of_the_first(azure: LocalAzure) -> None:
    class Settings(VaultSettings):
        model_config = SettingsConfigDict(populate_by_name=True)
        key: str = Field(validation_alias=AliasChoices("mail_api_key", "mail.key", "mail_key"))
        other: str = Field(validation_alias="not_there")

    vault = azure.vault("contoso-kv")
    vault.set_secret("mail-key", "m41l")
    vault.set_secret("other", "by name")
    settings = Settings()  # type: ignore[call-arg]  # as above
    assert (settings.key, settings.other) == ("m41l", "by name")
    assert asked(azure) == {"mail-api-key", "mail-key", "not-there", "other"}


def test_a_field_that_cannot_be_a_secret_s_name_falls_to_its_default(azure: LocalAzure) -> None:
    class Settings(VaultSettings):
        größe: int = 3  # noqa: PLC2401 (the name that is shown)
        dotted: str = Field("default", validation_alias="a.b")
        long: str = Field("default", validation_alias="x" * 128)

    settings = Settings()  # type: ignore[call-arg]  # mypy takes aliases for what a caller gives
    assert (settings.größe, settings.dotted, settings.long) == (3, "default", "default")
    assert asked(azure) == set()


def test_a_model_that_holds_itself_has_an_end(azure: LocalAzure) -> None:
    class Settings(VaultSettings):
        tree: Tree | None = None

    assert Settings().tree is None
    assert asked(azure) == {"tree", "tree--name", "tree--inner"}


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
    with pytest.raises(ReadErrors) as caught:
        Settings()
    assert "fields=[...]" in "".join(caught.value.__notes__)


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
