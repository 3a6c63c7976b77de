"""A credential of the Azure SDK in a managed identity's place: it gives the tokens, and the reader does the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keyless._identity.credential_failures import explain_credential, no_token
from keyless._wire.token import Token
from keyless.errors import KeylessError

if TYPE_CHECKING:
    from keyless._identity.loops import Loops
    from keyless._wire.deadline import Deadline


class AzureCredential:
    """An ``azure.core.credentials.TokenCredential``, or its asynchronous counterpart; azure-core need not be there.

    It keeps its own tokens and connections, and its owner closes it.

    Args:
        credential: The credential.
        name: Its class.
        loops: Where it is asked if it is asynchronous.
    """

    def __init__(self, credential: Any, *, name: str, loops: Loops | None) -> None:
        self._credential = credential
        self._name = name
        self._loops = loops

    def acquire(
        self,
        resource: str,
        deadline: Deadline,
        *,
        claims: str | None = None,
        patient: bool = True,  # noqa: ARG002 (the Azure SDK asks again by itself)
    ) -> Token:
        """Return a token from the credential, which may have it in memory.

        Raises:
            IdentityError: If it gives none; the subclass shows why.
            DeadlineExceededError: If the time runs out.
        """
        problem: Exception
        try:
            asked = self._ask(f"{resource}/.default", claims)
            found = asked if self._loops is None else self._loops.run(asked, deadline)
            token = Token(str(found.token), int(found.expires_on), getattr(found, "refresh_on", None))
        except KeylessError:
            raise
        except Exception as error:  # noqa: BLE001 (a credential can be anybody's)
            problem = error
        else:
            if token.can_be_sent:
                return token
            raise no_token(self._name)
        # Raised outside the except block: an error in its context could hold an answer, and so a token.
        raise explain_credential(self._name, problem, deadline)

    def forget(self) -> None:
        """Do nothing: a credential has no way to drop a token."""

    def close(self) -> None:
        """Leave the credential to its owner, unless its connections belong to a loop of the reader's own."""
        if self._loops is not None:
            self._loops.close(self._credential)

    def _ask(self, scope: str, claims: str | None) -> Any:
        with_info = getattr(self._credential, "get_token_info", None)
        if with_info is not None:
            return with_info(scope, options={"claims": claims, "enable_cae": True} if claims else None)
        return self._credential.get_token(scope, **({"claims": claims, "enable_cae": True} if claims else {}))
