"""Backups: what they carry, how they are framed, and that nothing but an untouched one is restored."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from keyless.local.azure.azure import Azure
from keyless.local.azure.keyvault.backup import jwe
from keyless.local.azure.keyvault.backup.backup import CorruptBackupError, new_backup_key, open_backup, seal_backup
from keyless.local.azure.keyvault.settings import VaultSettings
from keyless.local.azure.storage.database import Database

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local.conftest import VaultWire

BASE = "https://contoso-kv.vault.azure.net"
CANARY = "canary-value"
FRAME = b")AzureKeyVaultSecretBackupV1.microsoft.com"


@pytest.fixture
def backup(wire: VaultWire) -> str:
    """A backup of a secret of three versions; the secret is gone since."""
    vault = wire.azure.add_vault("gone-kv", VaultSettings(soft_delete_days=0))
    wire.azure.identity("system").grant("Key Vault Secrets Officer", on=vault)
    vault.set_secret("Kept", f"{CANARY}-1", content_type="first", tags={"a": "ü"})
    vault.set_secret("kept", f"{CANARY}-2", enabled=False, expires_on=2527401600, not_before=-1)
    vault.set_secret("kept", "")
    blob: str = wire.ask("POST", "/secrets/kept/backup", host=vault.host).json()["value"]
    return blob


def _restore(wire: VaultWire, blob: str) -> tuple[int, str]:
    answer = wire.ask("POST", "/secrets/restore", body=json.dumps({"value": blob}))
    return answer.status_code, answer.text


def test_a_backup_has_the_frame_of_a_real_one(backup: str) -> None:
    assert backup.startswith("KUF6dXJlS2V5VmF1bHRTZWNyZXRCYWNrdXBWMS5taWNyb3NvZnQuY29t")
    assert "=" not in backup
    blob = jwe.from_base64url(backup)
    assert (blob[0], blob[: len(FRAME)]) == (41, FRAME)
    header, *parts = blob.removeprefix(FRAME).decode().split(".")
    assert list(json.loads(jwe.from_base64url(header)).items())[1:] == [
        ("alg", "RSA-OAEP-256"),
        ("enc", "A256CBC-HS512"),
    ]
    assert len(parts) == 4


def test_a_backup_shows_no_value(backup: str) -> None:
    blob = jwe.from_base64url(backup)
    parts = blob.removeprefix(FRAME).decode().split(".")
    assert CANARY.encode() not in b"".join((blob, *map(jwe.from_base64url, parts)))


def test_every_version_comes_back_as_it_was(wire: VaultWire, backup: str) -> None:
    gone = wire.azure.vault("gone-kv")
    before = [gone.get_secret("kept", item.version) for item in gone.secrets.page_of_versions("kept", start="", size=9)]
    listed = wire.ask("GET", "/secrets/kept/versions", host=gone.host).text
    latest = wire.ask("GET", "/secrets/kept", host=gone.host).text
    gone.delete_secret("kept")
    wire.azure.clock.advance(days=3)
    answer = wire.ask("POST", "/secrets/restore", host=gone.host, body=json.dumps({"value": backup}))
    assert (answer.status_code, {"value": "", **answer.json()}) == (200, json.loads(latest))
    assert list(answer.json()) == ["id", "attributes"]
    assert wire.ask("GET", "/secrets/kept/versions", host=gone.host).text == listed
    assert wire.ask("GET", "/secrets/kept", host=gone.host).text == latest
    assert [gone.get_secret("kept", version.version) for version in before] == before
    assert before[0].name == "Kept"


def test_a_backup_is_restored_in_another_vault_with_padding_or_without(wire: VaultWire, backup: str) -> None:
    status, text = _restore(wire, backup + "=" * (-len(backup) % 4))
    assert status == 200
    assert json.loads(text)["id"].startswith(f"{BASE}/secrets/Kept/")
    assert len(wire.azure.vault("contoso-kv").secrets.page_of_versions("kept", start="", size=9)) == 3


def test_a_name_in_use_is_not_restored_over(wire: VaultWire, backup: str) -> None:
    vault = wire.azure.vault("contoso-kv")
    version = wire.azure.vault("gone-kv").get_secret("kept").version
    message = (
        f"There was a conflict restoring the secret '{BASE}/secrets/kept/{version}'. This can happen if either: a second "
        "secret with the same name was created after the first secret was deleted; thus trying to restore a secret whose "
        "name is already in use. To fix this, rename the second secret to something else so that the restore works. The "
        "second probable cause of this exception is when multiple operations are performed in parallel against the secret. "
        "To avoid this error, perform operations against a secret in a sequential manner."
    )
    expected = (409, json.dumps({"error": {"code": "Conflict", "message": message}}, separators=(",", ":")))
    vault.set_secret("kept", "another")
    assert (_restore(wire, backup)[0], vault.get_secret("kept").value) == (409, "another")
    vault.delete_secret("kept")
    assert _restore(wire, backup)[0] == 409
    wire.azure.clock.advance(seconds=4)
    assert _restore(wire, backup)[0] == 409
    vault.purge_deleted_secret("kept")
    assert _restore(wire, backup)[1].lower() == expected[1].lower()
    wire.azure.clock.advance(seconds=4)
    assert _restore(wire, backup)[0] == 200


def test_what_is_no_backup_is_refused_as_recorded(wire: VaultWire, backup: str) -> None:
    corrupt = (400, '{"error":{"code":"Malformed backup blob","message":"Backup blob is corrupt."}}')
    tail = jwe.to_base64url(FRAME)
    for blob in ("bm9uLWV4aXN0aW5n", "", "%", "ä", backup[:-8], backup + "AAAA", f"{backup}!", tail, backup[56:]):
        assert _restore(wire, blob) == corrupt
    for body in ("", "{}", '{"value":1}', "[]"):
        assert wire.ask("POST", "/secrets/restore", body=body).json()["error"]["code"] == "BadParameter"
    assert wire.azure.vault("contoso-kv").find_secret("kept") is None


def test_a_backup_with_any_byte_changed_is_refused(backup: str) -> None:
    azure = Azure()
    pem = new_backup_key()
    vault = azure.vault("contoso-kv")
    blob = seal_backup("secret", [vault.get_secret("api-key")], pem)
    for place in range(len(blob)):
        changed = bytearray(blob)
        changed[place] ^= 1
        with pytest.raises(CorruptBackupError):
            open_backup("secret", bytes(changed), pem)
    assert open_backup("secret", blob, pem) == [vault.get_secret("api-key")]


def test_a_backup_from_elsewhere_is_refused(wire: VaultWire) -> None:
    foreign = Azure().vault("contoso-kv").secrets.backup("api-key")
    assert _restore(wire, jwe.to_base64url(foreign))[0] == 400
    (refused,) = wire.azure.journal.entries(operation="restoreSecret")
    assert refused.reason.startswith("It is not what a vault of this local Azure backed up")


def test_a_backup_outlives_a_restart_on_the_same_data(tmp_path: Path) -> None:
    first = Azure(database=Database(tmp_path / "secrets.db"))
    kept = first.vault("contoso-kv").get_secret("api-key")
    blob = first.vault("contoso-kv").secrets.backup("api-key")
    first.close()
    second = Azure(database=Database(tmp_path / "secrets.db"))
    restored = second.add_vault("another-kv").secrets.restore(blob)
    second.close()
    assert restored == kept


def test_a_secret_of_many_large_versions_is_backed_up_and_restored(wire: VaultWire) -> None:
    vault = wire.azure.add_vault("large-kv")
    wire.azure.identity("system").grant("Key Vault Secrets Officer", on=vault)
    for number in range(60):
        vault.set_secret("large", f"{number:02}" * 12_800)
    blob = wire.ask("POST", "/secrets/large/backup", host=vault.host).json()["value"]
    assert len(blob) > 60 * 25_600
    assert _restore(wire, blob)[0] == 200
    assert wire.azure.vault("contoso-kv").get_secret("large").value == "59" * 12_800


def test_what_is_not_there_is_not_backed_up(wire: VaultWire) -> None:
    answer = wire.ask("POST", "/secrets/nothing/backup")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "SecretNotFound")
    wire.azure.vault("contoso-kv").delete_secret("api-key")
    assert wire.ask("POST", "/secrets/api-key/backup").status_code == 404


def test_a_disabled_secret_is_backed_up(wire: VaultWire) -> None:
    wire.azure.vault("contoso-kv").update_secret("api-key", enabled=False)
    assert wire.ask("POST", "/secrets/api-key/backup").status_code == 200


def test_content_is_sealed_as_the_standard_shows() -> None:
    # https://www.rfc-editor.org/rfc/rfc7518#appendix-B.3
    content = (
        b"A cipher system must not be required to be secret, and it must be able to fall into the hands of the enemy "
        b"without inconvenience"
    )
    sealed, tag = jwe.seal(
        content,
        bytes(range(64)),
        iv=bytes.fromhex("1af38c2dc2b96ffdd86694092341bc04"),
        associated=b"The second principle of Auguste Kerckhoffs",
    )
    assert sealed.hex().startswith("4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd")
    assert tag.hex() == "4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5"


def test_bytes_have_one_spelling_in_base64url() -> None:
    assert jwe.from_base64url("AA") == b"\0"
    for text in ("AB", "AA==", "A", "A A", "+/", "\n"):
        with pytest.raises(ValueError, match=r"base64|padding|characters"):
            jwe.from_base64url(text)
    assert base64.urlsafe_b64decode("AB==") == b"\0"  # Why it is checked.
