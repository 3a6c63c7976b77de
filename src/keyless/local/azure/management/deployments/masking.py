"""Keeps the values of secure parameters out of whatever is kept and shown of a deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.templates.parameters import SECURE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.local.azure.templates.run import Deployment

HIDDEN: Final = "*******"


class Secrets:
    """The secure values that a deployment has met. No representation shows them."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def meet(self, deployment: Deployment) -> None:
        """Note the secure values among the parameters of a deployment."""
        parameters = deployment.parameters
        if parameters is not None:
            for name in parameters:
                if parameters.type_of(name) in SECURE:
                    self._values.update(_texts(parameters[name]))

    def note(self, value: str) -> None:
        """Note a secret that a vault gave: no answer shows it, even where its parameter is not a secure one."""
        self._values.update(_texts(value))

    def masked(self, value: Any) -> Any:
        """Return a value with asterisks in the place of each secure one, also inside a longer text."""
        match value:
            case str():
                for each in sorted(self._values, key=len, reverse=True):
                    value = value.replace(each, HIDDEN)
                return value
            case list():
                return [self.masked(each) for each in value]
            case dict():
                return {self.masked(key): self.masked(each) for key, each in value.items()}
        return value


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str() if value:
            yield value
        case list():
            for each in value:
                yield from _texts(each)
        case dict():
            for each in value.values():
                yield from _texts(each)
