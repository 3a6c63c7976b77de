"""Real answers of Azure, asked again of a vault that was put into the recorded state: one case a recording.

The recordings are Microsoft's, out of its SDK repositories, and no part of this project: they are looked for beside the
repository. What the service has changed since 2019 is named here, once, with what it is today.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from tests.local.conftest import VaultWire

from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import Config
from keyless.local.azure.keyvault.backup.jwe import to_base64url
from keyless.local.azure.keyvault.objects.attributes import Attributes
from keyless.local.azure.keyvault.objects.life import ObjectState
from keyless.local.azure.keyvault.objects.stored import ObjectId, ObjectVersion
from keyless.local.azure.keyvault.settings import VaultSettings
from keyless.local.clock import Clock
from keyless.local.wire.keyvault import vault_app
from keyless.local.wire.keyvault.protocol.paging import _decoded

if TYPE_CHECKING:
    import requests
    from tests.local.conftest import Serve

    from keyless.local.azure.keyvault.vault import Vault

RECORDINGS = Path(__file__).parents[3] / "shared" / "reference" / "recordings"
FILES = sorted(RECORDINGS.glob("[0-8]*.json"))
DAYS = {"Purgeable": 0, "Recoverable+Purgeable": 90, "CustomizedRecoverable+Purgeable": 7}

# What Azure sends no more, and what it sends only since then, or only from some vaults.
NO_LONGER_SENT = {"server", "x-aspnet-version", "x-powered-by"}
SENT_SINCE = {
    "x-ms-request-id",
    "x-ms-client-request-id",
    "x-ms-keyvault-rbac-assignment-id",
    "x-ms-keyvault-rbac-cache",
}
# What differs between two answers, or between two vaults.
OF_THE_MOMENT = SENT_SINCE | {
    "date",
    "content-length",
    "x-ms-keyvault-region",
    "x-ms-keyvault-service-version",
    "x-ms-keyvault-network-info",
    "www-authenticate",
}
SENT_BY_CLIENTS = {"accept", "content-type", "x-ms-client-request-id"}
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


@dataclass(frozen=True)
class Recording:
    """One file, with its vault named as a local one can be."""

    name: str
    method: str
    path: str
    host: str
    headers: dict[str, str]
    content: str | None
    status: int
    answer_headers: dict[str, str]
    answer: str

    @property
    def secret(self) -> str:
        """The name in its path."""
        return self.path.split("/")[2].partition("?")[0]

    @property
    def moment(self) -> float:
        """When Azure answered: its times are up to a second ahead of its Date."""
        times = [int(each) for each in re.findall(r'"(?:created|updated|deletedDate)":(\d+)', self.answer)]
        return max(times) if times else parsedate_to_datetime(self.answer_headers["date"]).timestamp()

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.answer) if self.answer else {}
        return body

    @property
    def items(self) -> list[dict[str, Any]]:
        """The secrets in its answer."""
        return self.body["value"] if "nextLink" in self.body else [self.body]


class RecordedClock(Clock):
    """Stands at the moment of a recording until it is advanced."""

    def __init__(self, moment: float) -> None:
        super().__init__()
        self._moment = moment

    def now(self) -> float:
        return self._moment + self._offset


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


def _read(file: Path) -> Recording:
    raw = json.loads(file.read_text(encoding="utf-8"))
    request, response = raw["request"], raw["response"]
    uri = urlsplit(request["uri"])
    # The wire is compact, as the recorded lengths say, whatever the file is.
    answer = "" if response["body"] is None else json.dumps(response["body"], separators=(",", ":"))
    return Recording(
        name=raw["name"],
        method=request["method"],
        path=f"{uri.path}?{uri.query or 'api-version=7.0'}",  # One recording lost its parameters.
        host=uri.netloc.replace("_", "-"),  # Some had keyvault_name written over the name, which no vault can have.
        headers={name: value for name, value in request["headers"].items() if name.lower() in SENT_BY_CLIENTS},
        content=request["body"] and json.dumps(request["body"], separators=(",", ":")),
        status=response["status"],
        answer_headers={name.lower(): value for name, value in response["headers"].items()},
        answer=answer.replace("keyvault_name", "keyvault-name"),
    )


@pytest.mark.parametrize("file", FILES or [None], ids=lambda file: file.stem if file else "NO-RECORDINGS-FOUND")
def test_a_vault_answers_as_azure_did(file: Path | None, serve: Serve) -> None:
    if file is None:
        pytest.skip(f"The recordings of Azure are not beside the repository, in {'/'.join(RECORDINGS.parts[-3:])}.")
    recording = _read(file)
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
    _compare_headers(answer, recording)


def _of_today(text: str) -> str:
    """Write an answer of 2019 as Azure does since 2021."""
    old = '"message":"Request is missing a Bearer or PoP token."'
    return text.replace(old, '"message":"AKV10000: Request is missing a Bearer or PoP token."')


def _compare_bodies(answer: requests.Response, recording: Recording) -> None:
    body, expected = answer.text, _of_today(recording.answer)
    if recording.name in MADE_UP:
        ours, theirs = (re.search(MADE_UP[recording.name], text) for text in (body, expected))
        assert ours is not None
        assert theirs is not None
        body = body.replace(ours.group(1), theirs.group(1))
    assert body == expected
    length = answer.headers.get("Content-Length")
    assert length == (str(len(answer.content)) if "content-length" in recording.answer_headers else None)


def _compare_headers(answer: requests.Response, recording: Recording) -> None:
    sent = {name.lower(): value for name, value in answer.headers.items()}
    expected = {name: value for name, value in recording.answer_headers.items() if name not in NO_LONGER_SENT}
    if "cache-control" in expected:  # The authors of one recording kept but a few.
        assert set(expected) ^ set(sent) <= SENT_SINCE
    same = set(expected) & set(sent) - OF_THE_MOMENT
    assert {name: sent[name] for name in same} == {name: expected[name] for name in same}
    if recording.status == 401:
        login = re.compile(r"login\.[a-z.]+/[0-9a-f-]+")
        assert login.sub("", sent["www-authenticate"]) == login.sub("", expected["www-authenticate"])
    if network := expected.get("x-ms-keyvault-network-info"):
        address = re.compile(r"^conn_type=Ipv4;|addr=[\d.]+")
        assert address.sub("", sent["x-ms-keyvault-network-info"]) == address.sub("", network)
    assert sent.get("x-ms-client-request-id") == recording.headers.get("x-ms-client-request-id")
    assert ("x-ms-keyvault-rbac-cache" in sent) is (recording.status not in {400, 401})
