"""The answers by which the management plane refuses, in its own words.

The words are those of public issues and documents as far as they are known; `docs/fidelity.md` counts them as guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keyless.local.operations.codes import ManagementCode


class ArmError(Exception):
    """A refusal, on its way to the wire.

    Attributes:
        status: The HTTP status.
        code: The error's code.
        message: The error's message.
        details: The errors that led to it.
        target: The ARM id of what it is about; empty where it is about the request.
    """

    def __init__(
        self,
        status: int,
        code: ManagementCode,
        message: str,
        *,
        details: tuple[ArmError, ...] = (),
        target: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.target = target

    def body(self) -> dict[str, Any]:
        """Return it as answers hold it."""
        target: dict[str, Any] = {"target": self.target} if self.target else {}
        found = {"code": self.code, **target, "message": self.message}
        return {**found, "details": [each.body() for each in self.details]} if self.details else found


def bad_request(message: str) -> ArmError:
    """400, with the words of the service."""
    return ArmError(400, "BadRequest", message)


def invalid_content(problem: str) -> ArmError:
    """400: the body is not what it must be."""
    return ArmError(
        400, "InvalidRequestContent", f"The request content was invalid and could not be deserialized: '{problem}'."
    )


def location_required() -> ArmError:
    """400: a new resource must be somewhere."""
    return ArmError(400, "LocationRequired", "The location property is required for this definition.")


def no_subscription(subscription: str) -> ArmError:
    """404."""
    return ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")


def no_group(group: str) -> ArmError:
    """404."""
    return ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def no_resource(type_and_name: str, group: str) -> ArmError:
    """404."""
    return ArmError(
        404,
        "ResourceNotFound",
        f"The Resource '{type_and_name}' under resource group '{group}' was not found. For more details please go to "
        "https://aka.ms/ARMResourceNotFoundFix",
    )


def not_registered(namespace: str) -> ArmError:
    """409: a service that the local Azure does not have answers as one that the subscription is not registered for."""
    return ArmError(
        409,
        "MissingSubscriptionRegistration",
        f"The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for how to "
        "register subscriptions.",
    )


def no_type(namespace: str, kind: str) -> ArmError:
    """404."""
    return ArmError(
        404, "InvalidResourceType", f"The resource type '{kind}' could not be found in the namespace '{namespace}'."
    )


def location_differs(name: str, group: str, *, here: str, wanted: str) -> ArmError:
    """409: a resource cannot move to another region."""
    return ArmError(
        409,
        "InvalidResourceLocation",
        f"The resource '{name}' already exists in location '{here}' in resource group '{group}'. A resource with the same "
        f"name cannot be created in location '{wanted}'. Please select a new resource name.",
    )
