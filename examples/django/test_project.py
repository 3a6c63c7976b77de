"""Tests of the project against the local Azure that keyless.toml describes."""

import pytest


@pytest.fixture
def client(local_azure, monkeypatch):
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "settings")
    import django
    from django.test import Client

    django.setup()
    return Client()


def test_the_page_is_signed_and_follows_a_rotation(client, local_azure):
    first = client.get("/").json()
    assert first["signed"]
    local_azure.vault("contoso-kv").set_secret("api-key", "rotated")
    local_azure.clock.advance(minutes=10)
    assert client.get("/").json()["version"] != first["version"]
    local_azure.journal.assert_only("system", reads={"django-secret-key", "api-key"})
