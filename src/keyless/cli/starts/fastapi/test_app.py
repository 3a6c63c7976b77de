"""Tests of the application against the local Azure."""

from app import app
from fastapi.testclient import TestClient


def test_the_password_is_read_with_the_identity_of_the_host(local_azure):
    with TestClient(app) as client:
        assert client.get("/database").json()["stale"] is False
    local_azure.journal.assert_read("db-password", by="system")


def test_without_an_identity_the_answer_says_what_to_do(local_azure):
    local_azure.identity("system").unassign()
    with TestClient(app) as client:
        answer = client.get("/database")
    assert answer.status_code == 503
    assert "keyless identity add system" in answer.json()["detail"]
