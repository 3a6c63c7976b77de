"""Tests of the function app in the development host, against the local Azure."""

from pathlib import Path

import pytest
import requests

from keyless.local import FunctionHost


@pytest.fixture
def database(local_azure):
    with FunctionHost(Path(__file__).parent, environment=local_azure.environment()) as host:
        yield host.functions["database"]


def call(function):
    return requests.get(function.url, headers={"x-functions-key": function.key}, timeout=30)


def test_the_password_is_read_with_the_identity_of_the_app(database, local_azure):
    assert call(database).text.startswith("connected with version ")
    local_azure.journal.assert_read("db-password", by="system")


def test_without_a_role_the_answer_says_what_to_do(database, local_azure):
    local_azure.identity("system").revoke("Key Vault Secrets User", on="contoso-kv")
    answer = call(database)
    assert answer.status_code == 503
    assert "keyless role grant" in answer.text
