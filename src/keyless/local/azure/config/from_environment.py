"""Values of secrets that a keyless.toml takes from environment variables, so that the file itself holds none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keyless.local.azure.config.declaration import EnvironmentValue
from keyless.local.azure.config.declared import read_declared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.errors import ConfigurationError
    from keyless.local.azure.config.declared import Wrong


def with_values(values: dict[str, Any], *, environment: Mapping[str, str], wrong: Wrong) -> dict[str, Any]:
    """Return the tables with each ``value = { env = "NAME" }`` of a secret replaced by what the variable holds.

    Args:
        values: The tables of a keyless.toml, not checked yet: what has another shape stays as it is.
        environment: The variables.
        wrong: Makes the error about a path.

    Raises:
        ConfigurationError: If a variable is not set and no default is given.
    """
    made = dict(values)
    for vault, table in _tables(values, "vaults"):
        secrets = {
            name: {
                **secret,
                "value": _value(secret["value"], ("vaults", vault, "secrets", name, "value"), environment, wrong),
            }
            for name, secret in _tables(table, "secrets")
            if isinstance(secret.get("value"), dict)
        }
        if secrets:
            made["vaults"] = {**made["vaults"], vault: {**table, "secrets": {**table["secrets"], **secrets}}}
    return made


def _tables(values: dict[str, Any], key: str) -> list[tuple[str, dict[str, Any]]]:
    found = values.get(key)
    return [(name, each) for name, each in found.items() if isinstance(each, dict)] if isinstance(found, dict) else []


def _value(said: dict[str, Any], place: tuple[str, ...], environment: Mapping[str, str], wrong: Wrong) -> str:
    def within(path: tuple[str, ...], problem: str, allowed: str) -> ConfigurationError:
        return wrong((*place, *path), problem, allowed)

    asked = read_declared(EnvironmentValue, said, wrong=within)
    found = environment.get(asked.env, asked.default)
    if found is None:
        problem = f"the environment variable {asked.env} is not set"
        raise wrong(place, problem, f'a variable that is set, or a default: {{ env = "{asked.env}", default = "..." }}')
    return found
