"""Workload identity through MSAL's confidential client: a pod's own token is exchanged for one of Microsoft Entra."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msal

from keyless._identity.authority import AuthoritySession
from keyless._identity.msal_tokens import MsalTokens
from keyless._identity.workload_failures import explain_exchange, no_assertion

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless._wire.deadline import Deadline
    from keyless._wire.token import Token
    from keyless._wire.trust import Trust
    from keyless.workload_identity import WorkloadIdentity


class Workload:
    """One workload identity.

    Args:
        identity: Which one, with everything filled in.
        pause: Waits that many seconds; returns whether the wait was cut short.
        trust: What a connection trusts.
    """

    def __init__(self, identity: WorkloadIdentity, *, pause: Callable[[float], bool], trust: Trust) -> None:
        self._identity = identity
        self._session = AuthoritySession(pause=pause, trust=trust)
        self._msal = MsalTokens(self._session, self._made)

    def acquire(self, resource: str, deadline: Deadline, *, claims: str | None = None, patient: bool = True) -> Token:
        """Return a token, from MSAL's cache or from the authority.

        Raises:
            IdentityError: If there is none to be had; the subclass shows why.
            DeadlineExceededError: If the time runs out.
        """
        with self._session.until(deadline, patient=patient) as exchange:
            scopes = [f"{resource}/.default"]
            token, problem = self._msal.ask(
                lambda client: client.acquire_token_for_client(scopes=scopes, claims_challenge=claims)
            )
        # Raised here, outside an except block: an error in its context could hold the assertion or the token.
        if token is None or not token.can_be_sent:
            raise explain_exchange(self._identity, exchange, problem)
        return token

    def forget(self) -> None:
        """Forget every token."""
        self._msal.forget()

    def close(self) -> None:
        """Close the connections, and forget every token."""
        self._msal.close()

    def _made(self, answers: dict[object, object]) -> msal.ConfidentialClientApplication:
        identity = self._identity
        return msal.ConfidentialClientApplication(
            identity.client_id,
            client_credential={"client_assertion": self._assertion},
            authority=f"{str(identity.authority_host).rstrip('/')}/{identity.tenant_id}",
            # The pod's own variables name the authority: there is no need to ask the public cloud about it.
            instance_discovery=False,
            http_client=self._session,
            http_cache=answers,
        )

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
