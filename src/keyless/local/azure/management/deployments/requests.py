"""The making of a deployment's resources: by the requests that a client would send, with the rights of who deploys."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from keyless.local.azure.management.bodies import Body


class Forbidden(NamedTuple):
    """An action that no role of the caller allows.

    Attributes:
        action: The action.
        scope: The ARM id where it would be needed.
    """

    action: str
    scope: str


class Requests(Protocol):
    """Sends requests to the management plane in the name of a caller."""

    @property
    def object_id(self) -> str:
        """The object id of the caller."""

    @property
    def client_id(self) -> str:
        """The client id of the caller."""

    def forbidden(self, method: str, resource_id: str, api_version: str) -> Forbidden | None:
        """Return why a request would not be let in; None where it would.

        Raises:
            ArmError: If there is no such operation, or the API does not know the version.
        """

    def send(self, method: str, resource_id: str, api_version: str, body: Body | None = None) -> tuple[int, Body]:
        """Send a request, and return the status and the body of the answer.

        Raises:
            ArmError: If it is refused.
        """
