"""The identity endpoint of servers that Azure Arc has taken in: a caller proves by a file that it may read it.

https://learn.microsoft.com/en-us/azure/azure-arc/servers/managed-identity-authentication
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keyless.errors import LocalAzureError
from keyless.local.wire.identity.endpoint import (
    Answer,
    Body,
    RefusedError,
    issue,
    journaled,
    oauth_refusal,
    seconds_left,
)
from keyless.local.wire.identity.imds import check_metadata_request, known_resource, required_resource
from keyless.local.wire.identity.selection import Asked, NoIdentity, choose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure, Identity
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Handler

NAME: Final = "arc"
# Below a path of its own, since the one that Azure Arc uses is that of the metadata service, too.
ROOT: Final = "/arc"
PATH: Final = f"{ROOT}/metadata/identity/oauth2/token"
API_VERSIONS: Final = ("2019-08-15", "2019-11-01", "2020-06-01", "2021-02-01")
KEY_FOLDER: Final = Path("/var/opt/azcmagent/tokens")
"""Where clients look for key files, and nowhere else: it is built into each of them."""

_KEY_SECONDS = 30.0  # A client that is asked to retry sends its key again.
_MOST_KEYS = 256
# What MSAL for Go expects of a real server: 404 once a caller has proved itself.
_NOT_ASSIGNED = "the requested identity has not been assigned to this resource"
_NOT_FOUND = "The requested identity was not found"


class Arc:
    """The endpoint.

    Args:
        azure: The local Azure whose identities get tokens.
        key_folder: Where to put key files.
        key_seconds: How long a key that nobody uses is kept.
    """

    def __init__(self, azure: Azure, *, key_folder: Path = KEY_FOLDER, key_seconds: float = _KEY_SECONDS) -> None:
        self._azure = azure
        self._key_folder = key_folder
        self._key_seconds = key_seconds
        self._keys: dict[str, Path] = {}
        self._made: list[Path] = []

    def endpoints(self) -> Mapping[str, Handler]:
        """Return what answers, by path."""
        return {PATH: journaled(self._azure, NAME, self._answer)}

    def variables(self, http_url: str) -> dict[str, str]:
        """Return the variables by which clients find it.

        Args:
            http_url: Where the paths are served.
        """
        return {"IDENTITY_ENDPOINT": f"{http_url}{PATH}", "IMDS_ENDPOINT": f"{http_url}{ROOT}"}

    async def _answer(self, request: Request) -> Answer:
        check_metadata_request(request)
        version = request.query.get("api-version", "")
        if version not in API_VERSIONS:
            problem = f"The api-version {version[:40]!r} is not supported, only {', '.join(API_VERSIONS)} are."
            raise oauth_refusal(400, "invalid_request", problem, reason=problem)
        resource = required_resource(request.query.get("resource", ""))
        found = choose(self._azure, request.query)
        identity = None if isinstance(found, NoIdentity) else found
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic" or key not in self._keys:
            raise self._challenge(identity, sent=bool(key))
        if isinstance(found, NoIdentity):  # The key stays good: a client that tries again sends it again.
            raise _not_found(found.problem, found.reason)
        known_resource(self._azure, resource)
        return Answer(
            status=200,
            body=self._body(found, resource, Asked.of(request.query), fresh=_bypasses_cache(request)),
            reason=f"{found.name} is assigned to the server.",
            identity=found,
            unassigned=_not_found("unknown", ""),
            given=lambda: self._forget(key),
        )

    def _body(self, identity: Identity, resource: str, asked: Asked, *, fresh: bool) -> Body:
        token = issue(self._azure, NAME, identity, resource, bypass_cache=fresh)
        seconds = seconds_left(self._azure, token)
        body: Body = {
            "token_type": "Bearer",
            "expires_in": str(seconds),
            "expires_on": str(token.expires_on),
            "ext_expires_in": seconds,
            "access_token": token.text,
            "resource": resource,
        }
        if asked.kind is not None:
            # Clients compare what they asked for with this, and drop a token that nobody vouches for.
            ids = {"client_id": identity.client_id, "object_id": identity.object_id, "msi_res_id": identity.resource_id}
            body.update(ids)
        return body

    def _challenge(self, identity: Identity | None, *, sent: bool) -> RefusedError:
        key = secrets.token_hex(32)
        try:
            file = self._write(key)
        except LocalAzureError as error:
            return oauth_refusal(500, "unknown", str(error), reason=str(error), operation="getChallenge")
        description = "Invalid Basic Authorization header" if sent else "Missing Basic Authorization header"
        body: Body = {
            "error": "unauthorized_client",
            "error_description": description,
            "error_codes": [401],
            "timestamp": "",
            "trace_id": "",
            "correlation_id": str(uuid.uuid4()),
        }
        reason = "The key is wrong or was used before." if sent else "A caller first gets a key file to read."
        headers = {"WWW-Authenticate": f"Basic realm={file}"}
        return RefusedError(
            Answer(
                status=401,
                body=body,
                reason=reason,
                identity=identity,
                operation="getChallenge",
                code="unauthorized_client",
                headers=headers,
                unassigned=_not_found("unknown", ""),
            )
        )

    def _write(self, key: str) -> Path:
        self._make_folder()
        while len(self._keys) >= _MOST_KEYS:
            self._forget(next(iter(self._keys)))
        file = self._key_folder / f"{uuid.uuid4()}.key"
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
        except OSError as error:
            raise _no_folder(self._key_folder, error) from error
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(key)  # Without a newline: most clients send the content as it is.
        self._keys[key] = file
        import asyncio  # noqa: PLC0415 (loaded when something is served: a start does not wait for it)

        asyncio.get_running_loop().call_later(self._key_seconds, self._forget, key)
        return file

    def _make_folder(self) -> None:
        missing = [path for path in (self._key_folder, *self._key_folder.parents) if not path.exists()]
        try:
            for path in reversed(missing):
                path.mkdir(mode=0o755)
                self._made.append(path)
        except OSError as error:
            raise _no_folder(self._key_folder, error) from error

    def _forget(self, key: str) -> None:
        if file := self._keys.pop(key, None):
            file.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove every key file that nobody has used, and the folders that were made for them."""
        for key in list(self._keys):
            self._forget(key)
        while self._made:
            with suppress(OSError):  # Somebody else keeps something there.
                self._made.pop().rmdir()


def _bypasses_cache(request: Request) -> bool:
    """Return whether a new token is asked for, which agents give from version 1.66 on."""
    return request.query.get("bypass_cache", "").lower() == "true"


def _not_found(problem: str, reason: str) -> RefusedError:
    if problem == "unknown":
        return oauth_refusal(404, "identity_not_found", _NOT_ASSIGNED, reason=reason)
    return oauth_refusal(400, "invalid_request", reason if problem == "conflict" else _NOT_FOUND, reason=reason)


def check_key_folder(folder: Path = KEY_FOLDER) -> None:
    """Check that key files can be put where clients look for them, and make nothing.

    Raises:
        LocalAzureError: If they cannot; the error has the remedy.
    """
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise _no_folder(folder, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def _no_folder(folder: Path, error: OSError) -> LocalAzureError:
    return LocalAzureError(
        f"No key file can be put into {folder}: {error.strerror}.",
        cause="Clients of Azure Arc read key files there and nowhere else, and only root may make that folder.",
        remedy=f'Make it once: sudo install -d -m 750 -o "$USER" {folder}. Without sudo, run the server and the program '
        "in a mount namespace: unshare -rm sh -c 'mount -t tmpfs none /var/opt && ...', or in a container. "
        "Or use another source.",
    )
