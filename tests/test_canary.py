"""A secret's value and a token show nowhere but in ``Secret.value``, whatever is logged, printed, raised or kept."""

from __future__ import annotations

import asyncio
import io
import logging
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from keyless import AccessDeniedError, Event, KeylessError, ReadErrors, Secret, SecretReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.local.server import LocalAzure

URL = "https://contoso-kv.vault.azure.net"
VALUE = "canary-5f0e7c1d-value"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that anything logs, at DEBUG, urllib3 and MSAL included."""
    stream = io.StringIO()
    handler, root = logging.StreamHandler(stream), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def tokens(local_azure: LocalAzure, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every token that the local Azure signs in this test."""
    signed: list[str] = []
    sign = local_azure.azure.tokens.sign

    def sign_and_note(claims: dict[str, Any]) -> str:
        signed.append(sign(claims))
        return signed[-1]

    monkeypatch.setattr(local_azure.azure.tokens, "sign", sign_and_note)
    return signed


def shown(error: BaseException) -> str:
    """Return all that a crash reporter shows of an error: its chain, its frames and their variables."""
    assert error.__traceback__ is not None
    # Less the test's own frame, which holds the canary.
    inner = error.__traceback__.tb_next
    chain = traceback.TracebackException(type(error), error, inner, capture_locals=True)
    return "".join(chain.format()) + repr(error) + repr(vars(error)) + repr(error.__context__) + repr(error.__cause__)


def test_neither_a_value_nor_a_token_shows(
    local_azure: LocalAzure, azure_environment: dict[str, str], log: io.StringIO, tokens: list[str]
) -> None:
    vault, system, events = local_azure.vault("contoso-kv"), local_azure.identity("system"), list[Event]()
    vault.set_secret("db-password", VALUE, tags={"note": "seen"})
    seen = []
    with SecretReader(URL, on_event=events.append) as reader:
        secret = reader.get("db-password")
        asyncio.run(reader.aget("db-password"))
        assert secret.value == VALUE
        reader.invalidate("db-password")
        seen += [repr(secret), str(secret), f"{secret}", repr(reader), repr(reader.credential), str(vars(reader))]
        seen += [repr(reader.credential.get_token("https://vault.azure.net/.default"))]
        seen += [repr(reader.credential.get_token_info("https://vault.azure.net/.default"))]
        seen += [repr(reader._refresher._cache.entries), repr(vars(reader._refresher))]
        system.revoke("Key Vault Secrets User", on=vault)
        with pytest.raises(AccessDeniedError) as denied:
            reader.get("db-password")
        with pytest.raises(ReadErrors) as several:
            reader.get_many(["db-password", "missing"])
        seen += [shown(denied.value), shown(several.value)]
    with SecretReader(URL) as reader:  # With the log as the hook.
        vault.set_secret("other", VALUE)
        with pytest.raises(KeylessError) as refused:
            reader.get("other")
        seen += [shown(refused.value)]
    seen += [log.getvalue(), repr(events), repr(local_azure.journal.entries()), repr(vars(local_azure.azure))]
    everything = "\n".join(seen)
    assert "getToken" in everything, "the journal was looked at"
    assert "urllib3" in everything or "Starting new HTTPS connection" in everything, "the log was looked at"
    assert len(tokens) >= 1
    assert VALUE not in everything
    assert [token for token in tokens if token in everything] == []
    assert [token for token in tokens if token.rpartition(".")[2] in everything] == [], "not even the signature"


@pytest.mark.parametrize(
    "break_it",
    ["token is garbage", "vault answers nonsense"],
)
def test_a_token_that_is_refused_shows_in_no_error(
    local_azure: LocalAzure,
    azure_environment: dict[str, str],
    log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    break_it: str,
) -> None:
    canary = "canary-token-header.canary-token-body.canary-token-signature"
    monkeypatch.setattr(local_azure.azure.tokens, "sign", lambda claims: canary)
    if break_it == "vault answers nonsense":
        monkeypatch.setenv("HTTPS_PROXY", local_azure.http_url)
    with SecretReader(URL, timeout=0.3) as reader, pytest.raises(KeylessError) as info:
        reader.get("db-password")
    assert "canary-token" not in shown(info.value) + log.getvalue()


def test_a_secret_cannot_be_pickled_or_copied_apart() -> None:
    from copy import copy, deepcopy  # noqa: PLC0415 (only here)
    from datetime import UTC, datetime  # noqa: PLC0415 (only here)

    secret = Secret(value=VALUE, name="a", version="0" * 32, vault_url=URL, retrieved_on=datetime.now(UTC))
    with pytest.raises(TypeError, match="cannot be pickled") as info:
        pickle.dumps(secret)
    assert VALUE not in str(info.value)
    assert copy(secret) is deepcopy(secret) is secret
