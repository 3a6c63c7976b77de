"""Secrets in clear text. A value is looked at here and goes no further."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyless.audit.checks.releases import settings_of
from keyless.audit.facts import Place
from keyless.audit.finding import found
from keyless.audit.readers.secret_names import names_secret
from keyless.audit.rules.rule import rule
from keyless.audit.values import Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.audit.facts import Parameter, Resource, Setting
    from keyless.audit.finding import Finding
    from keyless.audit.values import Value

_SECURE: Final = {
    "bicep": "`@secure()` above it",
    "arm": '`"type": "securestring"`',
    "terraform": "`sensitive = true` in it",
}
_REFERENCE: Final = "`@Microsoft.KeyVault(SecretUri=...)`, or the secret's name alone, and read it in code"
_ELSEWHERE: Final = {
    "bicep": "a parameter with `@secure()`",
    "arm": 'a parameter with `"type": "securestring"`',
    "terraform": "a variable with `sensitive = true`, or `value_wo`",
    "azapi": "a variable with `sensitive = true`",
    "az": "`--file`, or a variable that the pipeline keeps secret",
    "powershell": "`Read-Host -AsSecureString`, or a variable that the pipeline keeps secret",
}
_KEPT: Final = {
    "yaml": "`${{ secrets.NAME }}`, or the pipeline's secret variable",
    "script": "a variable that the caller sets, or a read from the vault",
}
# What nobody takes for a secret: an example's place, an expression, a reference.
_PLACEHOLDER: Final = re.compile(
    r"""(?ix)^\s*$ | ^<.*>$ | ^\{\{.*\}\}$ | ^\#\{.*\}\#?$ | ^__.*__$ | ^\*+$ | ^x+$ | ^\.\.\.$ | ^-+$ | \$[({] | ^\$ |
    ^(change[-_ ]?me|todo|tbd|none|null|true|false|example|placeholder|dummy|redacted|replace[-_ ].*|your[-_ ].*|insert[-_ ].*|
    enter[-_ ].*|set[-_ ].*|not[-_ ]?set|n/a|\d{1,3}|optional|required|default|empty)$ |
    ^@microsoft\.keyvault\( | ^https?://[^?]*$ | ^GEN-UNIQUE"""
)
# In a text of several parts, which part is secret.
_PART: Final = re.compile(
    r"(?i)(password|pwd|accountkey|sharedaccesskey|sharedsecret|accesskey|sig|client_?secret)\s*=\s*(?P<value>[^;&]+)"
)
_KEY_TEXT: Final = re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----")


def check_parameter(parameter: Parameter) -> Iterator[Finding]:
    """Yield a parameter for a secret that is not marked, or that has a value in the file."""
    if parameter.secure:
        if parameter.has_default:
            what = f"The secure parameter {parameter.name} has its value in the file"
            yield found(rule("KA-502"), parameter.place, what, "no default, so that each deployment gives it")
    elif parameter.takes_text:
        what = f"The parameter {parameter.name} is not marked as a secret"
        yield found(rule("KA-501"), parameter.place, what, _SECURE.get(parameter.dialect, "that it is one"))


def check_resource(resource: Resource) -> Iterator[Finding]:
    """Yield a secret of a vault whose value is in the file, and settings of an app that are secrets."""
    if resource.has_type("Microsoft.KeyVault/vaults/secrets"):
        value = resource.body.get("properties.value")
        if _is_plain(value):
            what = "The value of the vault's secret is written here"
            yield found(
                rule("KA-502"), _at(value, resource.place), what, _ELSEWHERE.get(resource.dialect, "a parameter")
            )
    if resource.type.lower().startswith("microsoft.web/sites"):
        for name, setting in settings_of(resource).items():
            if is_secret(name, setting):
                what = f"The setting {name} is written in clear text"
                yield found(rule("KA-503"), _at(setting, resource.place), what, _REFERENCE)


def check_setting(setting: Setting) -> Iterator[Finding]:
    """Yield a variable of a workflow, or the value of a parameter, that is a secret."""
    if is_secret(setting.name, setting.value):
        what = f"{setting.name} is written in clear text"
        write = _KEPT.get(setting.dialect, "a reference to a vault's secret")
        yield found(rule("KA-503"), setting.place, what, write)


def is_secret(name: str, value: Value) -> bool:
    """Return whether a setting holds a secret in clear text: by its name, or by the form of its value."""
    if not isinstance(value, Scalar) or not isinstance(value.value, str) or not _is_plain(value):
        return False
    text = value.value
    part = _PART.search(text)
    if _KEY_TEXT.search(text) or (part is not None and not _PLACEHOLDER.search(part["value"].strip())):
        return True
    # A connection string without such a part opens nothing by itself.
    return (
        names_secret(name) and not re.search(r"(?i)connection_?-?string", name) and not re.search(r"[=;]\w+=|\s", text)
    )


def _is_plain(value: Value | None) -> bool:
    text = value.value if isinstance(value, Scalar) else None
    return isinstance(text, str) and not _PLACEHOLDER.search(text)


def _at(value: Value | None, place: Place) -> Place:
    return Place(place.path, value.line, place.block or place.line) if value is not None else place
