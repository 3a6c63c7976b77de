"""Check a function's parameters and annotations as the Python worker does: it loads none of an app with one that it refuses.

Source: ``functions.py`` of https://github.com/Azure/azure-functions-python-worker
"""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any

from azure.functions.meta import get_binding_registry

from keyless.errors import LocalAzureError

if TYPE_CHECKING:
    import azure.functions as func

_OUT = 1
_SPECIAL = (typing.Union, tuple, typing.ClassVar)
_RETURN = "$return"


def check_signature(function: func.Function) -> None:
    """Refuse a function that the worker refuses.

    Raises:
        LocalAzureError: If the worker would load none of the app.
    """
    bindings = {str(binding.name): binding for binding in function.get_bindings()}
    bound = {name: binding for name, binding in bindings.items() if name != _RETURN}
    annotations = _annotations(function)
    parameters = dict(inspect.signature(function.get_user_function()).parameters)
    if "context" in parameters and "context" not in bound:
        del parameters["context"]
        _check_context(function, annotations)
    if parameters.keys() != bound.keys():
        raise _refused(
            function,
            f"It takes {', '.join(sorted(parameters)) or 'nothing'}, and is given {', '.join(sorted(bound))}.",
            "Give both the same name: the parameter, and the decorator's argument for it (trigger_arg_name, arg_name).",
        )
    for name in parameters:
        if name in annotations:
            _check_parameter(function, name, bound[name], annotations[name])
    if _RETURN in bindings and "return" in annotations:
        _check_return(function, str(bindings[_RETURN].type), annotations["return"])


def is_plain(function: func.Function, parameter: str) -> bool:
    """Tell whether a parameter is annotated with ``str`` or ``bytes``: it then gets the text, and no object of the SDK."""
    return _annotations(function).get(parameter) in {str, bytes}


def converter_of(kind: str) -> Any:
    """Return the SDK's converter for a type of bindings; None where it has none."""
    return get_binding_registry().get(kind)  # type: ignore[no-untyped-call]


def _annotations(function: func.Function) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function.get_user_function())
    except NameError as error:
        raise _refused(
            function,
            f"An annotation of it cannot be evaluated: {error}.",
            "Import what annotations name where the program runs, and not under `if TYPE_CHECKING` alone.",
        ) from None


def _check_context(function: func.Function, annotations: dict[str, Any]) -> None:
    annotation = annotations.get("context")
    if annotation is not None and not (isinstance(annotation, type) and annotation.__name__ == "Context"):
        raise _refused(
            function, f"Its parameter context is annotated with {_named(annotation)}.", "Annotate it with func.Context."
        )


def _check_parameter(function: func.Function, name: str, binding: Any, annotation: Any) -> None:
    out = _is_out(annotation)
    if out != (int(binding.direction) == _OUT):
        raise _refused(
            function,
            f"Its parameter {name} is annotated with {_named(annotation)}, and its binding {binding.type} goes "
            f"{'out' if int(binding.direction) == _OUT else 'in'}.",
            "Annotate what goes out with func.Out[...], and nothing else.",
        )
    kind = typing.get_args(annotation)[0] if out and typing.get_args(annotation) else annotation
    converter = converter_of(str(binding.type))
    if kind in {str, bytes} or (out and converter is None):
        return
    fits = isinstance(kind, type) or _is_generic(kind)
    check = None if converter is None else getattr(converter, f"check_{'out' if out else 'in'}put_type_annotation")
    if not fits or check is None or not _passes(check, kind):
        raise _refused(
            function,
            f"Its parameter {name} is annotated with {_named(annotation)}, which is nothing that {binding.type} gives.",
            "Annotate it with the SDK's own class, such as func.HttpRequest or func.EventGridEvent, or not at all.",
        )


def _check_return(function: func.Function, kind: str, annotation: Any) -> None:
    converter = converter_of(kind)
    if converter is None or (
        isinstance(annotation, type) and _passes(converter.check_output_type_annotation, annotation)
    ):
        return
    raise _refused(
        function,
        f"Its return annotation is {annotation!r}, of which no answer is made.",
        "Return azure.functions.HttpResponse or str, and say so, or annotate nothing.",
    )


def _passes(check: Any, kind: Any) -> bool:
    try:
        return bool(check(kind))
    except TypeError:  # What is not a class cannot be a subclass; the worker fails there, too.
        return False


def _is_out(annotation: Any) -> bool:
    origin = typing.get_origin(annotation) or annotation
    return isinstance(origin, type) and origin.__name__ == "Out"


def _is_generic(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    return origin is not None and origin not in _SPECIAL and isinstance(origin, type)


def _named(annotation: Any) -> str:
    return annotation.__qualname__ if isinstance(annotation, type) else repr(annotation)


def _refused(function: func.Function, cause: str, remedy: str) -> LocalAzureError:
    what = f"The function {function.get_function_name()} cannot be loaded; Azure would load none of the app."
    return LocalAzureError(what, cause=cause, remedy=remedy)
