"""An application that signs in by itself: a service principal of Microsoft Entra ID, with what it shows to sign in.

https://learn.microsoft.com/en-us/entra/identity-platform/app-objects-and-service-principals
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from keyless.local.azure.identities.managed_identity import derived_guid
from keyless.local.azure.identities.principal import Principal
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509

    from keyless.local.azure.authorization.role_assignments import RoleAssignments
    from keyless.local.azure.authorization.roles import AnyScope, HasScope
    from keyless.local.azure.identities.federated_credential import FederatedCredential

FOREVER: Final = float("inf")


class ClientSecret(Record, frozen=True):
    """A client secret, which no representation shows.

    Attributes:
        id: Its GUID, which is not a secret.
        value: The secret.
        expires_on: When it ends, in Unix seconds.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"value"})

    id: str
    value: str
    expires_on: float = FOREVER


class Application(Principal):
    """An application and its service principal.

    Attributes:
        client_id: Its client id (``appid``).
        resource_id: Empty: no resource of Azure has it.
        certificates: With the key of one of them it may sign that it is itself.
        federated: Whose tokens show that it is itself.
        secrets: Its client secrets.
    """

    resource_id: Final = ""

    def __init__(
        self,
        name: str,
        *,
        client_id: str | None,
        object_id: str | None,
        role_assignments: RoleAssignments,
        scope: Callable[[HasScope | str], AnyScope],
    ) -> None:
        super().__init__(
            name,
            object_id=object_id or derived_guid("service principal", name),
            role_assignments=role_assignments,
            scope=scope,
        )
        self.client_id = client_id or derived_guid("application", name)
        self.certificates: tuple[x509.Certificate, ...] = ()
        self.federated: tuple[FederatedCredential, ...] = ()
        self.secrets: tuple[ClientSecret, ...] = ()

    def __repr__(self) -> str:
        return f"Application({self.name!r}, client_id={self.client_id!r})"

    def add_secret(self, value: str | None = None, *, expires_on: float = FOREVER) -> str:
        """Give it one more client secret.

        Args:
            value: The secret; None makes one.
            expires_on: When it ends, in Unix seconds; never unless given.

        Returns:
            The secret.
        """
        made = secrets.token_urlsafe(30) if value is None else value
        self.secrets = (*self.secrets, ClientSecret(secrets.token_hex(16), made, expires_on))
        return made

    def judge_secret(self, shown: str, *, now: float) -> Literal["right", "wrong", "expired"]:
        """Return what a secret is that a client shows, in a time that does not depend on how much of it was right."""
        same = [
            each for each in self.secrets if hmac.compare_digest(each.value.encode(), shown.encode("utf-8", "replace"))
        ]
        if any(now < each.expires_on for each in same):
            return "right"
        return "expired" if same else "wrong"
