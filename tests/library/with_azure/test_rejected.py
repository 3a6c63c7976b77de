"""A secret that a database rejects is read anew and used once more; a wrong one is not shown twice."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from keyless import Secret, SecretReader, aretry_on_rejected, retry_on_rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.scripted import MovedClock

    from keyless.local.server import LocalAzure

URL = "https://contoso-kv.vault.azure.net"


class WrongPasswordError(Exception):
    """What a database raises."""


class Database:
    """Takes one password, and notes all that it is shown."""

    def __init__(self, password: str) -> None:
        self.password = password
        self.shown: list[str] = []

    def connect(self, secret: Secret) -> str:
        self.shown.append(secret.value)
        if secret.value != self.password:
            raise WrongPasswordError("28P01") from ConnectionError("refused")
        return f"connected with {secret.value}"

    async def aconnect(self, secret: Secret) -> str:
        return self.connect(secret)


@pytest.fixture
def reader(local_azure: LocalAzure, azure_environment: object, clock: MovedClock) -> Iterator[SecretReader]:
    with SecretReader(URL, clock=clock) as made:
        yield made


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest, reader: SecretReader) -> Callable[[Database], str]:
    """The same call, from a thread and from a task."""

    def call(database: Database) -> str:
        return retry_on_rejected(reader, "db-password", database.connect, on=WrongPasswordError)

    def call_async(database: Database) -> str:
        return asyncio.run(aretry_on_rejected(reader, "db-password", database.aconnect, on=WrongPasswordError))

    return call if request.param == "sync" else call_async


def test_a_rotated_password_is_read_anew_and_used(local_azure: LocalAzure, connect: Callable[[Database], str]) -> None:
    vault, database = local_azure.vault("contoso-kv"), Database("old")
    vault.set_secret("db-password", "old")
    assert connect(database) == "connected with old"
    vault.set_secret("db-password", "new")
    database.password = "new"
    assert connect(database) == "connected with new"
    assert database.shown == ["old", "old", "new"]


def test_a_password_that_is_still_the_latest_is_not_shown_twice_and_the_vault_is_not_hammered(
    local_azure: LocalAzure, connect: Callable[[Database], str], clock: MovedClock
) -> None:
    local_azure.vault("contoso-kv").set_secret("db-password", "wrong")
    database = Database("right")
    for _ in range(10):
        with pytest.raises(WrongPasswordError) as info:
            connect(database)
        assert "the version of db-password is still" in info.value.__notes__[0]
    assert database.shown == ["wrong"] * 10
    assert local_azure.journal.count(operation="getSecret") == 2, "the first read, and one to see whether it changed"
    clock.seconds += 5.0
    local_azure.vault("contoso-kv").set_secret("db-password", "right")
    assert connect(database) == "connected with right"


def test_with_the_vault_away_the_rejection_itself_is_raised(
    local_azure: LocalAzure, connect: Callable[[Database], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    local_azure.vault("contoso-kv").set_secret("db-password", "old")
    assert connect(Database("old"))
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(WrongPasswordError) as info:
        connect(Database("new"))
    assert "could not read db-password again" in info.value.__notes__[0]


def test_a_secret_that_is_gone_is_noted_on_the_rejection(
    local_azure: LocalAzure, connect: Callable[[Database], str]
) -> None:
    vault = local_azure.vault("contoso-kv")
    vault.set_secret("db-password", "old")
    assert connect(Database("old"))
    vault.delete_secret("db-password")
    with pytest.raises(WrongPasswordError) as info:
        connect(Database("new"))
    assert "KL-" in info.value.__notes__[0]
    assert isinstance(info.value.__cause__, ConnectionError), "it is raised as it came"


@pytest.mark.parametrize("on", [(KeyError, WrongPasswordError), lambda error: "28P01" in str(error)])
def test_a_rejection_may_be_told_by_several_classes_or_by_a_function(
    local_azure: LocalAzure, reader: SecretReader, on: type[Exception]
) -> None:
    vault, database = local_azure.vault("contoso-kv"), Database("new")
    vault.set_secret("db-password", "old")
    reader.get("db-password")
    vault.set_secret("db-password", "new")
    assert retry_on_rejected(reader, "db-password", database.connect, on=on) == "connected with new"


def test_any_other_error_is_raised_as_it_came(local_azure: LocalAzure, reader: SecretReader) -> None:
    database = Database("right")
    with pytest.raises(WrongPasswordError):
        retry_on_rejected(reader, "db-password", database.connect, on=ConnectionError)
    assert (len(database.shown), local_azure.journal.count(operation="getSecret")) == (1, 1)


def test_many_threads_that_are_rejected_at_once_cause_one_request(
    local_azure: LocalAzure, reader: SecretReader
) -> None:
    vault, database = local_azure.vault("contoso-kv"), Database("new")
    vault.set_secret("db-password", "old")
    reader.get("db-password")
    vault.set_secret("db-password", "new")
    with ThreadPoolExecutor(16) as pool:
        jobs = [
            pool.submit(retry_on_rejected, reader, "db-password", database.connect, on=WrongPasswordError)
            for _ in range(64)
        ]
        assert {job.result() for job in jobs} == {"connected with new"}
    assert local_azure.journal.count(operation="getSecret") == 2
