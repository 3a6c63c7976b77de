"""The secrets that may fill a settings model: its fields' names, aliases, prefix and nested models."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, get_args

from pydantic import AliasChoices, AliasPath, BaseModel

from keyless.secret_id import SECRET_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo
    from pydantic_settings import BaseSettings

# As in ASP.NET: https://learn.microsoft.com/en-us/aspnet/core/security/key-vault-configuration
_LEVEL = "--"


class Wanted(NamedTuple):
    """A field that a secret may fill.

    Attributes:
        path: The keys that lead to its model in what pydantic is given.
        name: The field's name.
        field: The field.
        choices: Under which keys pydantic takes it, each with the secret of that name; the first one that exists counts.
        dotted: The field, with the fields that lead to it, such as ``sql_server.password``.
    """

    path: tuple[str, ...]
    name: str
    field: FieldInfo
    choices: tuple[tuple[str, str], ...]
    dotted: str


def wanted_fields(settings: type[BaseSettings], given: Mapping[str, object]) -> Iterator[Wanted]:
    """Return the fields that have no value yet, each before those in it.

    A field whose name can be no secret's is left out: it falls to the other sources and its default.

    Args:
        settings: The settings model.
        given: What the sources before have given.
    """
    config = settings.model_config
    target = config.get("env_prefix_target", "variable")
    prefix = config.get("env_prefix", "")
    names = prefix if target != "alias" else ""
    aliases = prefix if target != "variable" else ""
    yield from _fields(settings, given, prefixes=(names, aliases), path=(), above="", models=(settings,))


def nested_model(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model that a field holds, if it is one, or one or None."""
    kinds = [kind for kind in (get_args(field.annotation) or (field.annotation,)) if kind is not type(None)]
    only = kinds[0] if len(kinds) == 1 else None
    return only if isinstance(only, type) and issubclass(only, BaseModel) else None


def has_field(settings: type[BaseModel], dotted: str) -> bool:
    """Return whether a model has a field, such as ``password``, or ``sql_server.password`` in a model of its own."""
    name, _, rest = dotted.partition(".")
    field = settings.model_fields.get(name)
    if field is None or not rest:
        return field is not None
    inner = nested_model(field)
    return inner is not None and has_field(inner, rest)


def _fields(
    model: type[BaseModel],
    given: Mapping[str, object],
    *,
    prefixes: tuple[str, str],
    path: tuple[str, ...],
    above: str,
    models: tuple[type[BaseModel], ...],
) -> Iterator[Wanted]:
    for name, field in model.model_fields.items():
        keys = _keys(model, name, field)
        found = next((given[key] for key in (*keys, name) if key in given), None)
        inner = nested_model(field)
        if found is not None and not (inner and isinstance(found, dict)):
            continue
        labels = [(key, prefixes[0] + key if key == name else prefixes[1] + key) for key in keys]
        secrets = [(key, _secret_name(label)) for key, label in labels]
        dotted = f"{above}.{name}" if above else name
        choices = tuple((key, secret) for key, secret in secrets if re.fullmatch(SECRET_NAME, secret))
        if choices and found is None:
            yield Wanted(path, name, field, choices, dotted)
        # A model that holds itself has no end.
        if inner is not None and inner not in models:
            key, label = labels[0]
            yield from _fields(
                inner,
                found if isinstance(found, dict) else {},
                prefixes=(f"{label}{_LEVEL}", f"{label}{_LEVEL}"),
                path=(*path, key),
                above=dotted,
                models=(*models, inner),
            )


def _keys(model: type[BaseModel], name: str, field: FieldInfo) -> list[str]:
    """Return the keys under which pydantic takes a field's value, in its order."""
    alias = field.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [] if alias is None else [alias]
    keys = [choice if isinstance(choice, str) else str(choice.path[0]) for choice in choices if _is_key(choice)]
    by_name = model.model_config.get("populate_by_name") or model.model_config.get("validate_by_name")
    return keys + [name] * (not keys or (bool(by_name) and name not in keys))


def _is_key(choice: str | AliasPath) -> bool:
    # What is further down a path is in no secret of its own.
    return isinstance(choice, str) or len(choice.path) == 1


def _secret_name(label: str) -> str:
    return label.replace("_", "-")
