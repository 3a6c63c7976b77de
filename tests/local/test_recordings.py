"""Real answers of Azure, asked again of a vault that was put into the recorded state: one case a recording.

The recordings are Microsoft's, out of its SDK repositories, and no part of this project: they are looked for beside the
repository. What the service has changed since 2019 is named here, once, with what it is today.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from tests.local.conftest import VaultWire
from tests.local.recordings import (
    DAYS,
    RECORDINGS,
    RecordedClock,
    Recording,
    compare_headers,
    of_today,
    read_recording,
)

from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import Config
from keyless.local.azure.keyvault.backup.jwe import to_base64url
from keyless.local.azure.keyvault.objects.attributes import Attributes
from keyless.local.azure.keyvault.objects.life import ObjectState
from keyless.local.azure.keyvault.objects.stored import ObjectId, ObjectVersion
from keyless.local.azure.keyvault.settings import VaultSettings
from keyless.local.wire.keyvault import vault_app
from keyless.local.wire.keyvault.protocol.paging import _decoded

if TYPE_CHECKING:
    from pathlib import Path

    import requests
    from tests.local.conftest import Serve

    from keyless.local.azure.keyvault.vault import Vault

FILES = sorted(RECORDINGS.glob("[0-8]*.json"))
NAME = r"[0-9A-Za-z-]+"
_VERSION = rf"/secrets/{NAME}/([0-9a-f]{{32}})"
# What a vault makes up: the id of a new version, a backup, and the token of a page whose recorded link names a secret
# that its authors renamed. All else is compared to the byte.
MADE_UP = {
    "set-value-only": _VERSION,
    "set-all-attributes-new-version": _VERSION,
    "set-disabled-secret-2022": _VERSION,
    "set-empty-value-2022": _VERSION,
    "backup": r'"value":"(KUF6dXJlS2V5VmF1bHRTZWNyZXRCYWNrdXBWMS5taWNyb3NvZnQuY29t[\w-]+)"',
    "list-versions-maxresults1-2022": r"skiptoken=([\w-]+)&",
}


class Scene:
    """A vault, and how it is put into the state in which Azure was asked."""

    def __init__(self, recording: Recording, serve: Serve) -> None:
        self.recording = recording
        self.content = recording.content
        self.azure = Azure(Config(), clock=RecordedClock(recording.moment))
        self.azure.add_identity("system")
        self.wire = VaultWire(self.azure, serve(vault_app(self.azure)))
        levels = re.findall(r'"recoveryLevel":"([^"]+)"', recording.answer)
        days = DAYS[levels[0]] if levels else 90
        self.vault = self.azure.add_vault(recording.host.partition(".")[0], VaultSettings(soft_delete_days=days))
        self.azure.identity("system").grant("Key Vault Secrets Officer", on=self.vault)

    def set_it(self) -> None:
        self.vault.set_secret(self.recording.secret, "x")

    def set_what_was_answered(self) -> None:
        for item in self.recording.items:
            self.put(item)

    def put(self, item: dict[str, Any], *, vault: Vault | None = None) -> str:
        """Put a version into the store as its recorded JSON says it is; returns the secret's name."""
        _, _, name, *version = str(urlsplit(item["id"]).path).split("/")
        attributes = item["attributes"]
        secret = ObjectVersion(
            name=name,
            value=item.get("value", ""),
            version=version[0] if version else "0" * 32,
            attributes=Attributes(
                content_type=item.get("contentType"),
                enabled=attributes["enabled"],
                not_before=attributes.get("nbf"),
                expires_on=attributes.get("exp"),
                tags=item.get("tags", {}),
            ),
            created_on=attributes["created"],
            updated_on=attributes["updated"],
        )
        self.azure.objects.put(ObjectId((vault or self.vault).name, "secret", name), secret, now=0)
        return name

    def set_before_the_update(self) -> None:
        body = self.recording.body
        attributes = body["attributes"] | {"enabled": True, "exp": 2527401600, "updated": body["attributes"]["created"]}
        self.put(body | {"contentType": "password", "attributes": attributes, "tags": {"foo": "created tag"}})

    def delete_a_moment_ago(self) -> None:
        self.set_it()
        self.vault.delete_secret(self.recording.secret)

    def delete_a_while_ago(self) -> None:
        self.delete_a_moment_ago()
        self.azure.clock.advance(seconds=self.vault.settings.deletion_seconds)

    def delete_what_was_answered(self) -> None:
        for item in self.recording.items:
            name, now = self.put(item), item.get("deletedDate", 0)
            purge_on = item.get("scheduledPurgeDate", int(self.recording.moment) + 7_776_000)
            self.azure.objects.delete(
                ObjectId(self.vault.name, "secret", name), now=now, settles_on=0, purge_on=purge_on
            )

    def set_the_versions_and_the_next_one(self) -> None:
        """Set the versions that were listed, and that of which the real continuation token says that it follows."""
        self.set_what_was_answered()
        token = re.search(r"\$skiptoken=([\w-]+)", self.recording.answer)
        assert token is not None
        marker = json.loads(_decoded(token.group(1)))["NextMarker"].split("!")[2]
        following = _decoded(marker.replace("-", "=")).split("!")[1].rpartition("/")[2].lower()
        self.put(self.recording.body["value"][0] | {"id": f"https://x/secrets/{self.recording.secret}/{following}"})

    def back_up_elsewhere(self) -> None:
        source = self.azure.add_vault("source-kv")
        name = self.put(self.recording.body, vault=source)
        self.content = json.dumps({"value": to_base64url(source.secrets.backup(name))})

    def back_up_and_purge_a_moment_ago(self) -> None:
        found = re.search(_VERSION, self.recording.answer)
        assert found is not None
        name = self.put(
            {"id": f"https://x{found.group()}", "attributes": {"enabled": True, "created": 1, "updated": 1}}
        )
        self.content = json.dumps({"value": to_base64url(self.vault.secrets.backup(name))})
        self.vault.delete_secret(name)
        self.azure.clock.advance(seconds=self.vault.settings.deletion_seconds)
        self.vault.purge_deleted_secret(name)
        assert self.vault.secrets.state_of(name) is ObjectState.PURGING

    def leave_it_empty(self) -> None:
        assert self.vault.secrets.state_of(self.recording.secret) is ObjectState.ABSENT


STATES = {
    "set-first-request-without-token-401": Scene.leave_it_empty,
    "set-value-only": Scene.leave_it_empty,
    "set-all-attributes-new-version": Scene.set_it,
    "get-latest-trailing-slash": Scene.set_what_was_answered,
    "patch-version": Scene.set_before_the_update,
    "delete-soft-delete-enabled": Scene.set_what_was_answered,
    "get-deleted-while-deleting-404": Scene.delete_a_moment_ago,
    "get-deleted-200": Scene.delete_what_was_answered,
    "recover-200": Scene.delete_what_was_answered,
    "list-versions-page1-maxresults2": Scene.set_the_versions_and_the_next_one,
    "list-secrets": Scene.set_what_was_answered,
    "list-deleted-secrets": Scene.delete_what_was_answered,
    "backup": Scene.set_it,
    "restore": Scene.back_up_elsewhere,
    "purge-204": Scene.delete_a_while_ago,
    "js-401-challenge-2022": Scene.leave_it_empty,
    "set-disabled-secret-2022": Scene.leave_it_empty,
    "set-empty-value-2022": Scene.leave_it_empty,
    "delete-nonexistent-404-2022": Scene.leave_it_empty,
    "recover-nonexistent-404-2020": Scene.leave_it_empty,
    "list-versions-maxresults1-2022": Scene.set_the_versions_and_the_next_one,
    "restore-malformed-backup-400-2021": Scene.leave_it_empty,
    "restore-just-after-purge-409-2022": Scene.back_up_and_purge_a_moment_ago,
}


@pytest.mark.parametrize("file", FILES or [None], ids=lambda file: file.stem if file else "NO-RECORDINGS-FOUND")
def test_a_vault_answers_as_azure_did(file: Path | None, serve: Serve) -> None:
    if file is None:
        pytest.skip(f"The recordings of Azure are not beside the repository, in {'/'.join(RECORDINGS.parts[-3:])}.")
    recording = read_recording(file)
    scene = Scene(recording, serve)
    STATES[recording.name](scene)
    answer = scene.wire.ask(
        recording.method,
        recording.path,
        api_version=None,
        host=recording.host,
        authorization=None if recording.status == 401 else "",
        headers=recording.headers,
        body=scene.content,
    )
    assert answer.status_code == recording.status
    _compare_bodies(answer, recording)
    compare_headers(answer, recording)


def _compare_bodies(answer: requests.Response, recording: Recording) -> None:
    body, expected = answer.text, of_today(recording.answer)
    if recording.name in MADE_UP:
        ours, theirs = (re.search(MADE_UP[recording.name], text) for text in (body, expected))
        assert ours is not None
        assert theirs is not None
        body = body.replace(ours.group(1), theirs.group(1))
    assert body == expected
    length = answer.headers.get("Content-Length")
    assert length == (str(len(answer.content)) if "content-length" in recording.answer_headers else None)
