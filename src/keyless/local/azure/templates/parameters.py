"""The parameters of a template: what each may be, and what it is.

https://learn.microsoft.com/en-us/azure/azure-resource-manager/templates/parameters
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from keyless.local.azure.templates.errors import TemplateError, not_valid
from keyless.local.azure.templates.evaluation import value_of
from keyless.local.azure.templates.expressions import is_expression
from keyless.local.azure.templates.functions.function import kind
from keyless.local.azure.templates.unresolved import Unresolved, is_unresolved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.local.azure.templates.scope import Json, Scope

SECURE: Final = frozenset({"securestring", "secureobject"})
SPELLED: Final[Mapping[str, str]] = {
    "string": "String",
    "securestring": "SecureString",
    "int": "Int",
    "bool": "Bool",
    "array": "Array",
    "object": "Object",
    "secureobject": "SecureObject",
}
"""The types, as answers spell them."""
_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "securestring": (str,),
    "int": (int,),
    "bool": (bool,),
    "array": (list,),
    "object": (dict,),
    "secureobject": (dict,),
}
_WORDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("string", "securestring"), "String, Uri"),
    "int": "Integer",
    "bool": "Boolean",
    "array": "Array",
    **dict.fromkeys(("object", "secureobject"), "Object"),
}
_DEEPEST: Final = 20


class Parameters(Mapping[str, Any]):
    """The values of a template's parameters, each worked out when it is first asked for.

    Args:
        declared: The parameters as the template declares them.
        definitions: The types that it declares, to which ``$ref`` leads.
        given: What the deployment gives, by name; each is a value, not an object around one.
        scope: What their defaults can ask for.
        hides: Whether the value of a secure parameter is not to be seen, as in a prediction.

    Raises:
        TemplateError: If one is given that is not declared, is missing, or cannot have its value.
    """

    def __init__(
        self, declared: Mapping[str, Json], definitions: Json, given: Mapping[str, Any], scope: Scope, *, hides: bool
    ) -> None:
        self._declared = {name: resolved(each, definitions) for name, each in declared.items()}
        self._given = _spelled(given, self._declared)
        self._scope = replace(scope, parameters=self)
        self._hides = hides
        self._known: dict[str, Any] = {}
        self._open: list[str] = []

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            if name in self._open:
                raise TemplateError(f"The default of the template parameter '{name}' needs its own value.")
            self._open.append(name)
            try:
                self._known[name] = self._value(name, self._declared[name])
            finally:
                self._open.remove(name)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def __len__(self) -> int:
        return len(self._declared)

    def type_of(self, name: str) -> str:
        """Return the type of a parameter, in lower case."""
        found: str = self._declared[name]["type"].lower()
        return found

    def is_given(self, name: str) -> bool:
        """Return whether the deployment gives it."""
        return self._given.get(name) is not None

    def _value(self, name: str, declared: Json) -> Any:
        given, nullable = self._given.get(name), declared.get("nullable") is True
        if given is None and "defaultValue" not in declared:
            if not nullable:
                raise not_valid(
                    f"The value for the template parameter '{name}' is not provided. Please see "
                    "https://aka.ms/arm-create-parameter-file for usage details."
                )
            return None
        default = declared.get("defaultValue")
        found = value_of(default, self._scope) if given is None else given
        if not (found is None and nullable):
            _check(name, declared, found)
        secure = self._hides and self.type_of(name) in SECURE
        is_written = given is None and isinstance(default, str) and is_expression(default)
        if secure and found and not is_written and not isinstance(found, Unresolved):
            return Unresolved(f"parameters('{name}')", is_empty=False)
        return found


def resolved(declared: Any, definitions: Json, depth: int = 0) -> Json:
    """Return a declaration with the type to which its ``$ref`` leads.

    Raises:
        TemplateError: If there is no such type, or the declaration has none.
    """
    if not isinstance(declared, dict):
        raise not_valid("A declaration must be an object with a type.")
    reference = declared.get("$ref")
    if reference is not None:
        name = str(reference).removeprefix("#/definitions/")
        if name not in definitions or depth > _DEEPEST:
            raise not_valid(f"The type '{reference}' is not defined in the template.")
        if not isinstance(definitions[name], dict):
            raise not_valid(f"The type '{reference}' must be an object.")
        rest = {key: value for key, value in declared.items() if key != "$ref"}
        return resolved({**definitions[name], **rest}, definitions, depth + 1)
    type_ = declared.get("type")
    if not isinstance(type_, str) or type_.lower() not in SPELLED:
        raise not_valid(f"The type '{type_}' is not one of '{', '.join(SPELLED.values())}'.")
    return declared


def _spelled(given: Mapping[str, Any], declared: Mapping[str, Json]) -> dict[str, Any]:
    names = {name.lower(): name for name in declared}
    extra = [name for name in given if name.lower() not in names]
    if extra:
        raise not_valid(
            f"The template parameters '{', '.join(extra)}' in the parameters file are not valid; they are not present in the "
            "original template and can therefore not be provided at deployment time. The only supported parameters for this "
            f"template are '{', '.join(declared)}'. Please see https://aka.ms/arm-pass-parameter-values for usage details."
        )
    return {names[name.lower()]: value for name, value in given.items()}


def _check(name: str, declared: Json, value: Any) -> None:
    type_ = declared["type"].lower()
    if isinstance(value, Unresolved):
        return
    if not isinstance(value, _KINDS[type_]) or (type_ == "int" and isinstance(value, bool)):
        raise _refused(
            name,
            f"Template parameter JToken type is not valid. Expected '{_WORDS[type_]}'. Actual '{kind(value)}'. "
            "Please see https://aka.ms/arm-parameter-file for usage details.",
        )
    allowed = declared.get("allowedValues")
    if allowed is not None and not isinstance(allowed, list):
        raise not_valid(f"The allowed values of the template parameter '{name}' must be an array")
    if allowed is not None and not is_unresolved(value) and not _is_allowed(value, allowed):
        which = "" if type_ in SECURE else f" '{value}'"
        raise not_valid(
            f"The provided value{which} for the template parameter '{name}' is not valid. The parameter value is not part of "
            f"the allowed value(s): '{','.join(str(each) for each in allowed)}'."
        )
    _check_bounds(name, declared, value)


def _is_allowed(value: Any, allowed: list[Any]) -> bool:
    if isinstance(value, list):
        return value in allowed or all(each in allowed for each in value)
    if isinstance(value, str):
        return value.lower() in (each.lower() for each in allowed if isinstance(each, str))
    return value in allowed


def _check_bounds(name: str, declared: Json, value: Any) -> None:
    is_int = isinstance(value, int) and not isinstance(value, bool)
    size = value if is_int else len(value) if isinstance(value, str | list) else None
    if size is None:
        return
    least, most = ("minValue", "maxValue") if is_int else ("minLength", "maxLength")
    what = "The value" if is_int else "Length of the value"
    bounds = (("greater", declared.get(least), 1), ("less", declared.get(most), -1))
    for word, limit, sign in bounds:
        if isinstance(limit, int) and (size - limit) * sign < 0:
            raise _refused(name, f"{what} should be {word} than or equal to '{limit}'.")


def _refused(name: str, problem: str) -> TemplateError:
    return not_valid(f"The provided value for the template parameter '{name}' is not valid. {problem}")
