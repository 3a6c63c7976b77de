"""Works out the values that a template writes as expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from keyless.local.azure.templates.errors import TemplateError
from keyless.local.azure.templates.expressions import Access, Call, Literal, is_expression, parse, plain
from keyless.local.azure.templates.forms import FORMS, texts
from keyless.local.azure.templates.functions import FUNCTIONS
from keyless.local.azure.templates.functions.collections import get
from keyless.local.azure.templates.functions.function import expect_count
from keyless.local.azure.templates.scope import Looped
from keyless.local.azure.templates.unresolved import Unresolved, is_unresolved, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.local.azure.templates.expressions import Expression
    from keyless.local.azure.templates.functions.function import Function
    from keyless.local.azure.templates.scope import Scope

MOST_TURNS: Final = 800
"""How often a loop may run, as in Azure."""
_DEEPEST_CALL: Final = 20


def value_of(raw: Any, scope: Scope) -> Any:
    """Return the value of something that a template holds, with every expression in it worked out.

    Raises:
        TemplateError: If one has no value.
    """
    match raw:
        case str():
            return evaluate(parse(raw), scope) if is_expression(raw) else plain(raw)
        case list():
            return [value_of(each, scope) for each in raw]
        case dict():
            found = {_key(name, scope): value_of(each, scope) for name, each in raw.items() if name != "copy"}
            loops = raw.get("copy")
            if isinstance(loops, list):
                return {**found, **dict(_looped(loops, scope))}
            return found if loops is None else {**found, "copy": value_of(loops, scope)}
        case Looped(loop=loop):
            return dict(_looped([loop], scope))[loop["name"]]
    return raw


def turns(loop: Any, scope: Scope, *, named: str) -> Iterator[Scope]:
    """Go through the turns of a loop.

    Args:
        loop: The loop as it is written, with its ``count``.
        scope: What is around it.
        named: The loop's name, by which ``copyIndex`` finds it.

    Raises:
        TemplateError: If it does not say how many turns there are, or too many.
    """
    count = value_of(loop.get("count"), scope) if isinstance(loop, dict) else None
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MOST_TURNS:
        raise TemplateError(f"The count of the copy loop '{named}' must be an integer from 0 to {MOST_TURNS}.")
    for at in range(count):
        scope.budget.spend(None)
        yield scope.within(named, at)


def evaluate(expression: Expression, scope: Scope) -> Any:
    """Return the value of an expression.

    Raises:
        TemplateError: If it has none.
    """
    match expression:
        case Literal(value=value):
            return value
        case Access(of=of, key=key, safe=safe):
            return _accessed(evaluate(of, scope), evaluate(key, scope), safe=safe)
        case Call():
            try:
                found = _called(expression, scope)
            except RecursionError:
                raise TemplateError("The expressions of the template are nested too deeply.") from None
            scope.budget.spend(found)
            return found


def _accessed(held: Any, key: Any, *, safe: bool) -> Any:
    try:
        return None if safe and held is None else get(held, key)
    except TemplateError:
        if safe:
            return None
        raise


def _called(call: Call, scope: Scope) -> Any:
    name = call.name.lower()
    if name == "variables":
        expect_count(call.name, len(call.arguments), 1, 1)
        return scope.variables.get(
            texts(call, scope, evaluate)[0], lambda raw: value_of(raw, replace(scope, indexes={}, locals={}))
        )
    if name in FORMS:
        form = FORMS[name]
        expect_count(call.name, len(call.arguments), form.least, form.most)
        return form.act(call, scope, evaluate)
    arguments = [evaluate(each, scope) for each in call.arguments]
    if name in scope.functions:
        return _own(call, scope, arguments)
    function = FUNCTIONS.get(name)
    if function is None:
        raise TemplateError(
            f"The template function '{call.name}' is not valid. Please see https://aka.ms/arm-functions for usage details."
        )
    if any(_blocks(each, function) for each in arguments):
        known = getattr(arguments[0], "is_empty", None) if name == "empty" else None
        return Unresolved(f"{call.name}({', '.join(map(written, arguments))})") if known is None else known
    return function(*arguments)


def _blocks(argument: Any, function: Function) -> bool:
    """Return whether a function has no value yet because an argument has none."""
    if function.unknown == "nowhere":
        return is_unresolved(argument)
    return function.unknown == "inside" and isinstance(argument, Unresolved)


def _own(call: Call, scope: Scope, arguments: list[Any]) -> Any:
    """Call a function that the template declares."""
    declared = scope.functions[call.name.lower()]
    names = [each["name"] for each in declared.get("parameters") or []]
    expect_count(call.name, len(arguments), len(names), len(names))
    depth = scope.locals.get("", 0)
    if depth >= _DEEPEST_CALL:
        raise TemplateError(f"The template function '{call.name}' calls functions more than {_DEEPEST_CALL} deep.")
    inside = replace(scope, parameters=dict(zip(names, arguments, strict=True)), indexes={}, locals={"": depth + 1})
    return value_of(declared["output"]["value"], inside)


def _key(name: str, scope: Scope) -> str:
    if not is_expression(name):
        return plain(name)
    found = evaluate(parse(name), scope)
    if isinstance(found, Unresolved):
        return f"[{found.text}]"
    if not isinstance(found, str):
        raise TemplateError(f"The name '{name}' of a property is not a string.")
    return found


def _looped(loops: list[Any], scope: Scope) -> Iterator[tuple[str, list[Any]]]:
    """Return the lists that the loops beside the properties of an object make."""
    for loop in loops:
        if not isinstance(loop, dict) or not isinstance(loop.get("name"), str) or "input" not in loop:
            raise TemplateError("A copy loop has a name, a count and an input.")
        yield loop["name"], [value_of(loop["input"], turn) for turn in turns(loop, scope, named=loop["name"])]
