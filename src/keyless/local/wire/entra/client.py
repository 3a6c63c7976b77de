"""The client that asks for a token, and its proof: by a secret, a certificate's key or another issuer's token."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import unquote_plus, urlsplit

import jwt

from keyless.local.azure.identities.application import Application
from keyless.local.azure.identities.assertions import Distrusted, check_certified, check_federated
from keyless.local.azure.identities.federated_credential import FederatedCredential
from keyless.local.azure.management.identities import list_credentials
from keyless.local.record import Record
from keyless.local.wire.entra.refusals import (
    distrusted_certified,
    distrusted_federated,
    missing_field,
    refused,
    unknown_client,
    wrong_secret,
)
from keyless.local.wire.identity.workload import cluster_issuer, subject_of
from keyless.local.wire.serving.hosts import LOGIN_HOSTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure, Identity
    from keyless.local.sources import SourceName
    from keyless.local.wire.http.request import Request

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Client(Record, frozen=True):
    """Someone who has shown who they are.

    Attributes:
        principal: Who it is.
        method: How, as the token says it in ``appidacr``: ``1`` by a secret, ``2`` by a signature.
        reason: How, in one sentence.
        source: The source of managed identities that it stands for; None for an application.
    """

    principal: Identity | Application
    method: Literal["1", "2"]
    reason: str
    source: SourceName | None = None


class Clients:
    """Finds out who asks the authority for a token.

    Args:
        azure: The local Azure whose applications and identities they are.
        url: The authority's address.
    """

    def __init__(self, azure: Azure, *, url: str) -> None:
        self._azure = azure
        self._url = url

    def find(self, fields: Mapping[str, str]) -> Client:
        """Return who asks.

        Args:
            fields: The form, with what the header ``Authorization`` says.

        Raises:
            RefusedError: If nobody has that client id, or it is not shown that it is this one.
        """
        client_id = fields.get("client_id", "")
        if not client_id:
            raise missing_field(self._azure, "client_id")
        principal = self._azure.directory.client(client_id)
        if principal is None or (not isinstance(principal, Application) and principal.kind == "system"):
            raise unknown_client(self._azure, client_id)
        if fields.get("client_assertion"):
            return self._by_assertion(principal, fields)
        if not fields.get("client_secret"):
            text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            raise refused(self._azure, 401, "invalid_client", 7000218, text)
        return self._by_secret(principal, fields["client_secret"])

    def _by_secret(self, principal: Identity | Application, shown: str) -> Client:
        if not isinstance(principal, Application):
            raise wrong_secret(self._azure, principal.client_id, expired=False)
        found = principal.judge_secret(shown, now=self._azure.clock.now())
        if found != "right":
            raise wrong_secret(self._azure, principal.client_id, expired=found == "expired")
        return Client(principal, "1", f"{principal.name} has shown its secret.")

    def _by_assertion(self, principal: Identity | Application, fields: Mapping[str, str]) -> Client:
        if fields.get("client_assertion_type") != ASSERTION_TYPE:
            text = f"The client assertion type must be '{ASSERTION_TYPE}'."
            raise refused(self._azure, 400, "invalid_request", 50027, text)
        # A file often ends with a newline, and not every client takes it off.
        assertion = fields["client_assertion"].strip()
        if isinstance(principal, Application) and _names_certificate(assertion):
            return self._by_certificate(principal, assertion)
        return self._by_federation(principal, assertion)

    def _by_certificate(self, principal: Application, assertion: str) -> Client:
        found = check_certified(
            assertion,
            principal.certificates,
            client_id=principal.client_id,
            is_audience=self._is_here,
            now=self._azure.clock.now(),
        )
        if isinstance(found, Distrusted):
            raise distrusted_certified(self._azure, found, principal.client_id)
        return Client(principal, "2", f"{principal.name} has signed with the key of its certificate.")

    def _by_federation(self, principal: Identity | Application, assertion: str) -> Client:
        pods = FederatedCredential(issuer=cluster_issuer(self._url), subject=subject_of(principal.name))
        given = principal.federated if isinstance(principal, Application) else _federated(self._azure, principal)
        keys = jwt.PyJWKSet.from_dict({**self._azure.tokens.jwks()}).keys
        found = check_federated(assertion, (pods, *given), own_keys=keys, now=self._azure.clock.now())
        if isinstance(found, Distrusted):
            raise distrusted_federated(self._azure, found)
        if isinstance(principal, Application) or found in given:
            return Client(principal, "2", f"{principal.name} trusts {found.issuer} about {found.subject}.")
        if not principal.assigned:
            why = f" (the identity {principal.name} is not assigned)"
            raise distrusted_federated(self._azure, Distrusted("subject", found.subject), why=why)
        reason = f"{principal.name} trusts the service account {found.subject}."
        return Client(principal, "2", reason, source="workload")

    def _is_here(self, audience: str) -> bool:
        """Return whether an audience is this authority: a document or an endpoint of the tenant, by any of its names."""
        try:
            parts = urlsplit(audience)
        except ValueError:  # A bracket without an address.
            return False
        known = parts.hostname in LOGIN_HOSTS or f"{parts.scheme}://{parts.netloc}" == self._url
        return known and parts.path.lstrip("/").partition("/")[0].lower() == self._azure.tenant_id


def _federated(azure: Azure, identity: Identity) -> tuple[FederatedCredential, ...]:
    """Return the federated credentials that an identity was given in the management plane."""
    given = [found["properties"] for found in list_credentials(azure, identity)]
    return tuple(
        FederatedCredential(issuer=each["issuer"], subject=each["subject"], audience=audience)
        for each in given
        for audience in each["audiences"]
    )


def client_fields(request: Request, form: Mapping[str, str]) -> Mapping[str, str]:
    """Return a form with what the header ``Authorization`` says of the client, as RFC 6749 has it in section 2.3.1."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic" or "client_secret" in form:
        return form
    try:
        client_id, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except ValueError:
        return form
    return {**form, "client_id": unquote_plus(client_id), "client_secret": unquote_plus(secret)}


def _names_certificate(assertion: str) -> bool:
    """Return whether a statement names the certificate of its key, as those of other issuers do not."""
    try:
        header = jwt.get_unverified_header(assertion)
    except (jwt.PyJWTError, UnicodeEncodeError):
        return False
    return ("x5t" in header or "x5t#S256" in header) and "kid" not in header
