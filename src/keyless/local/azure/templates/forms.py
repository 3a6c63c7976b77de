"""The functions that need more than their arguments' values: what is around them, or not every argument worked out."""

from __future__ import annotations

from functools import cmp_to_key
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from keyless.local.azure.templates import ids
from keyless.local.azure.templates.errors import TemplateError, cannot_evaluate
from keyless.local.azure.templates.expressions import Call, Expression, Literal
from keyless.local.azure.templates.functions.function import MANY, flag
from keyless.local.azure.templates.unresolved import Unresolved, is_unresolved, written
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.azure.templates.scope import Outside, Place, References, Scope

    Evaluate = Callable[[Expression, Scope], Any]


class Form(Record, frozen=True):
    """A function that is given the call and what is around it."""

    least: int
    most: int
    act: Callable[[Call, Scope, Evaluate], Any]


def texts(call: Call, scope: Scope, evaluate: Evaluate) -> list[str]:
    """Return the arguments of a call that takes nothing but strings.

    Raises:
        TemplateError: If one is something else.
    """
    found = [evaluate(each, scope) for each in call.arguments]
    if not all(isinstance(each, str) for each in found):
        raise cannot_evaluate(call.name, "its argument must be a string.")
    return found


def _if(call: Call, scope: Scope, evaluate: Evaluate) -> Any:
    condition, yes, no = call.arguments
    held = evaluate(condition, scope)
    if isinstance(held, Unresolved):
        return Unresolved(f"{call.name}({', '.join(written(evaluate(each, scope)) for each in call.arguments)})")
    return evaluate(yes if _flag(call, held) else no, scope)


def _flag(call: Call, value: Any) -> bool:
    try:
        return flag(value)
    except TemplateError as error:
        raise cannot_evaluate(call.name, error.message) from None


def _until(*, stops: bool) -> Callable[[Call, Scope, Evaluate], Any]:
    """Return ``and`` or ``or``: the first argument that settles it is the last that is worked out."""

    def act(call: Call, scope: Scope, evaluate: Evaluate) -> Any:
        unknown = []
        for each in call.arguments:
            found = evaluate(each, scope)
            if isinstance(found, Unresolved):
                unknown.append(found)
            elif _flag(call, found) is stops:
                return stops
        return Unresolved(f"{call.name}({', '.join(map(written, unknown))})") if unknown else not stops

    return act


def _coalesce(call: Call, scope: Scope, evaluate: Evaluate) -> Any:
    for at, each in enumerate(call.arguments):
        found = evaluate(each, scope)
        if isinstance(found, Unresolved):
            rest = [found, *(evaluate(other, scope) for other in call.arguments[at + 1 :])]
            return Unresolved(f"{call.name}({', '.join(map(written, rest))})")
        if found is not None:
            return found
    return None


def _parameters(call: Call, scope: Scope, evaluate: Evaluate) -> Any:
    (name,) = texts(call, scope, evaluate)
    found = next((key for key in scope.parameters if key.lower() == name.lower()), None)
    if found is None:
        raise TemplateError(
            f"The template parameter '{name}' is not found. Please see https://aka.ms/arm-syntax-parameters for usage details."
        )
    return scope.parameters[found]


def _copy_index(call: Call, scope: Scope, evaluate: Evaluate) -> Any:
    arguments = [evaluate(each, scope) for each in call.arguments]
    name = arguments.pop(0) if arguments and isinstance(arguments[0], str) else None
    offset = arguments[0] if arguments else 0
    if not scope.indexes or (name is not None and name not in scope.indexes):
        raise cannot_evaluate(call.name, "it is inside no copy loop of that name.")
    return (scope.indexes[name] if name is not None else list(scope.indexes.values())[-1]) + offset


def _of_place(name: str) -> Form:
    def act(_: Call, scope: Scope, __: Evaluate) -> Any:
        return getattr(scope.place, name)

    return Form(0, 0, act)


def _id_by(make: Callable[[Place, tuple[Any, ...]], str]) -> Form:
    def act(call: Call, scope: Scope, evaluate: Evaluate) -> Any:
        arguments = tuple(evaluate(each, scope) for each in call.arguments)
        if any(is_unresolved(each) for each in arguments):
            return ids.unresolved(scope.place, call.name, arguments)
        try:
            return make(scope.place, arguments)
        except (TemplateError, ValueError, IndexError) as error:
            raise cannot_evaluate(call.name, str(error)) from None

    return Form(1, MANY, act)


def _references(call: Call, scope: Scope) -> References:
    if scope.references is None:
        raise TemplateError(
            f"The template function '{call.name}' is not expected at this location. "
            "Please see https://aka.ms/arm-functions for usage details."
        )
    return scope.references


def _reference(call: Call, scope: Scope, evaluate: Evaluate) -> Any:
    held = _references(call, scope)
    return held.reference(tuple(evaluate(each, scope) for each in call.arguments))


def _all_references(call: Call, scope: Scope, evaluate: Evaluate) -> Any:
    symbol, *rest = texts(call, scope, evaluate)
    return _references(call, scope).references(symbol, full=[each.lower() for each in rest] == ["full"])


def _outside(call: Call, scope: Scope) -> Outside:
    if scope.outside is None:
        raise TemplateError(
            f"The template function '{call.name}' is not expected at this location. It can be only used in the default value "
            "of a parameter."
        )
    return scope.outside


def _new_guid(call: Call, scope: Scope, _: Evaluate) -> Any:
    return _outside(call, scope).new_guid()


def _utc_now(call: Call, scope: Scope, evaluate: Evaluate) -> Any:
    form = texts(call, scope, evaluate)
    return _outside(call, scope).utc_now(form[0] if form else "yyyyMMddTHHmmssZ")


def _lambda_variable(call: Call, scope: Scope, evaluate: Evaluate) -> Any:
    (name,) = texts(call, scope, evaluate)
    if name.lower() not in scope.locals:
        raise cannot_evaluate(call.name, f"there is no lambda variable '{name}' here.")
    return scope.locals[name.lower()]


def _over(
    act: Callable[[Any, Callable[..., Any], list[Any]], Any],
) -> Callable[[Call, Scope, Evaluate], Any]:
    """Return a function over a list and a lambda."""

    def form(call: Call, scope: Scope, evaluate: Evaluate) -> Any:
        held = evaluate(call.arguments[0], scope)
        lambdas = [_lambda(each, scope, evaluate) for each in call.arguments[1:] if _is_lambda(each)]
        rest = [evaluate(each, scope) for each in call.arguments[1:] if not _is_lambda(each)]
        if isinstance(held, Unresolved):
            raise cannot_evaluate(call.name, "its array is not known before the deployment runs.")
        if not lambdas or not isinstance(held, list | dict):
            raise cannot_evaluate(call.name, "it takes an array and a lambda.")
        try:
            return act(held, lambdas[0], [*lambdas[1:], *rest])
        except (TypeError, AttributeError, ValueError):
            raise cannot_evaluate(call.name, "an argument is not of the type that the function takes.") from None

    return form


def _is_lambda(expression: Expression) -> bool:
    return isinstance(expression, Call) and expression.name.lower() == "lambda"


def _lambda(expression: Expression, scope: Scope, evaluate: Evaluate) -> Callable[..., Any]:
    if not isinstance(expression, Call):
        raise TemplateError("A lambda is missing.")
    *names, body = expression.arguments

    def call(*values: Any) -> Any:
        scope.budget.spend(None)
        given = {
            str(each.value).lower(): value
            for each, value in zip(names, values, strict=False)
            if isinstance(each, Literal)
        }
        return evaluate(body, replace(scope, locals={**scope.locals, **given}))

    return call


def _reduced(held: Any, step: Callable[..., Any], rest: list[Any]) -> Any:
    found = rest[0] if rest else None
    for at, each in enumerate(held):
        found = step(found, each, at)
    return found


def _by_key(held: Any, key: Callable[..., Any], rest: list[Any]) -> dict[str, Any]:
    value: Callable[..., Any] = rest[0] if rest else lambda each: each
    return {key(each): value(each) for each in held}


def _grouped(held: Any, key: Callable[..., Any], _: list[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for each in held:
        found.setdefault(key(each), []).append(each)
    return found


FORMS: Final[Mapping[str, Form]] = MappingProxyType(
    {
        "if": Form(3, 3, _if),
        "and": Form(1, MANY, _until(stops=False)),
        "or": Form(1, MANY, _until(stops=True)),
        "coalesce": Form(1, MANY, _coalesce),
        "parameters": Form(1, 1, _parameters),
        "copyindex": Form(0, 2, _copy_index),
        "deployment": Form(0, 0, lambda _, scope, __: scope.deployment),
        "resourcegroup": _of_place("group"),
        "subscription": _of_place("subscription"),
        "tenant": _of_place("tenant"),
        "environment": _of_place("environment"),
        "deployer": _of_place("deployer"),
        "resourceid": _id_by(ids.resource_id),
        "subscriptionresourceid": _id_by(ids.subscription_resource_id),
        "tenantresourceid": _id_by(ids.tenant_resource_id),
        "extensionresourceid": _id_by(ids.extension_resource_id),
        "reference": Form(1, 3, _reference),
        "references": Form(1, 2, _all_references),
        "newguid": Form(0, 0, _new_guid),
        "utcnow": Form(0, 1, _utc_now),
        "lambdavariables": Form(1, 1, _lambda_variable),
        "map": Form(2, 2, _over(lambda held, act, _: [act(each, at) for at, each in enumerate(held)])),
        "filter": Form(2, 2, _over(lambda held, act, _: [each for at, each in enumerate(held) if act(each, at)])),
        "sort": Form(
            2,
            2,
            _over(
                lambda held, act, _: sorted(
                    held, key=cmp_to_key(lambda a, b: -1 if act(a, b) else int(bool(act(b, a))))
                )
            ),
        ),
        "reduce": Form(3, 3, _over(_reduced)),
        "toobject": Form(2, 3, _over(_by_key)),
        "groupby": Form(2, 2, _over(_grouped)),
        "mapvalues": Form(2, 2, _over(lambda held, act, _: {name: act(value) for name, value in held.items()})),
    }
)
