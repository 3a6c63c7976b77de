"""Workload identity through MSAL's confidential client: a pod's own token is exchanged for one of Microsoft Entra."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msal

from keyless._identity.authority import AuthoritySession
from keyless._identity.managed_identity import token_of
from keyless._identity.workload_failures import explain_exchange, no_assertion
from keyless.errors import KeylessError

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless._wire.deadline import Deadline
    from keyless._wire.gate import Gate
    from keyless._wire.token import Token
    from keyless.workload_identity import WorkloadIdentity


class Workload:
    """One workload identity.

    Args:
        identity: Which one, with everything filled in.
        pause: Waits that many seconds; returns whether the wait was cut short.
        gate: What work passes through that no fork may fall into.
    """

    def __init__(self, identity: WorkloadIdentity, *, pause: Callable[[float], bool], gate: Gate) -> None:
        self._identity = identity
        self._session = AuthoritySession(pause=pause, gate=gate)
        self._answers: dict[object, object] = {}
        self._client: msal.ConfidentialClientApplication | None = None

    def acquire(self, resource: str, deadline: Deadline, *, claims: str | None = None, patient: bool = True) -> Token:
        """Return a token, from MSAL's cache or from the authority.

        Raises:
            IdentityError: If there is none to be had; the subclass says why.
            DeadlineExceededError: If the time runs out.
        """
        token, problem = None, None
        # MSAL would replay a failed answer from memory for a time of its own; how long to remember is its caller's.
        self._answers.clear()
        with self._session.until(deadline, patient=patient) as exchange:
            try:
                scopes = [f"{resource}/.default"]
                token = token_of(self._asked().acquire_token_for_client(scopes=scopes, claims_challenge=claims))
            except KeylessError:
                raise
            except Exception as error:  # noqa: BLE001 (MSAL lets through whatever its parts raise)
                problem = error
        # Raised outside the except block: an error in its context could hold the assertion or the token.
        if token is None or not token.can_be_sent:
            raise explain_exchange(self._identity, exchange, problem)
        return token

    def forget(self) -> None:
        """Forget every token: MSAL has no way to drop one, so that another client is made for the next."""
        self._client = None

    def close(self) -> None:
        """Close the connections, and forget every token."""
        self._session.close()
        self._answers.clear()
        self.forget()

    def _asked(self) -> msal.ConfidentialClientApplication:
        client, identity = self._client, self._identity
        if client is None:
            client = msal.ConfidentialClientApplication(
                identity.client_id,
                client_credential={"client_assertion": self._assertion},
                authority=f"{str(identity.authority_host).rstrip('/')}/{identity.tenant_id}",
                # The pod's own variables name the authority: there is no need to ask the public cloud about it.
                instance_discovery=False,
                http_client=self._session,
                http_cache=self._answers,
            )
            self._client = client
        return client

    def _assertion(self) -> str:
        """Read the file, again for each token: the cluster replaces what is in it every hour."""
        failure: str
        try:
            found = Path(str(self._identity.token_file)).read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            failure = type(error).__name__
        else:
            if found:
                return found
            failure = "it is empty"
        raise no_assertion(self._identity, failure)
