"""A function, and what its arguments must be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from keyless.local.azure.templates.errors import TemplateError, cannot_evaluate
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

MANY: Final = 1_000
"""As many arguments as one likes."""
_LARGEST: Final = 4 * 1024 * 1024
_BIGGEST: Final = 2**63


class Function(Record, frozen=True):
    """A function of the language.

    Attributes:
        name: Its name.
        least: How many arguments it takes at least.
        most: How many it takes at most.
        act: What it does.
        unknown: Where a value may be that is not known yet: in no argument, inside one, or as one.
    """

    name: str
    least: int
    most: int
    act: Callable[..., Any]
    unknown: Literal["nowhere", "inside", "anywhere"] = "nowhere"

    def __call__(self, *arguments: Any) -> Any:
        """Return its value.

        Raises:
            TemplateError: If there are too few or too many arguments, or one is of another type than it must be.
        """
        expect_count(self.name, len(arguments), self.least, self.most)
        try:
            found = self.act(*arguments)
        except TemplateError as error:
            raise cannot_evaluate(self.name, error.message) from None
        except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError):
            raise cannot_evaluate(
                self.name, "an argument is not of the type or size that the function takes."
            ) from None
        if isinstance(found, str | list | dict):
            try:
                expect_size(len(found))
            except TemplateError as error:
                raise cannot_evaluate(self.name, error.message) from None
        if isinstance(found, int) and not -_BIGGEST <= found < _BIGGEST:
            raise cannot_evaluate(self.name, "the value is not an integer of 64 bits.")
        return found


def expect_count(name: str, found: int, least: int, most: int) -> None:
    """Refuse too few or too many arguments.

    Raises:
        TemplateError: If there are.
    """
    if not least <= found <= most:
        wanted = str(least) if least == most else f"at least {least}" if most == MANY else f"{least} to {most}"
        raise cannot_evaluate(name, f"it takes {wanted} argument(s), and has {found}.")


def expect_size(size: int) -> None:
    """Refuse a value that would be too large.

    Raises:
        TemplateError: If it would be.
    """
    if size > _LARGEST:
        raise TemplateError("the value is larger than 4 MB.")


def text(value: Any) -> str:
    """Return an argument that must be a text.

    Raises:
        TemplateError: If it is something else.
    """
    if not isinstance(value, str):
        raise TemplateError(f"it takes a string, not {kind(value)}.")
    return value


def number(value: Any) -> int:
    """Return an argument that must be a whole number.

    Raises:
        TemplateError: If it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not -_BIGGEST <= value < _BIGGEST:
        raise TemplateError(f"it takes an integer of 64 bits, not {kind(value)}.")
    return value


def flag(value: Any) -> bool:
    """Return an argument that must be true or false.

    Raises:
        TemplateError: If it is something else.
    """
    if not isinstance(value, bool):
        raise TemplateError(f"it takes true or false, not {kind(value)}.")
    return value


def kind(value: Any) -> str:
    """Return the type of a value, as errors name it."""
    match value:
        case None:
            return "Null"
        case bool():
            return "Boolean"
        case int():
            return "Integer"
        case float():
            return "Float"
        case str():
            return "String"
        case list():
            return "Array"
    return "Object"
