"""The kinds of values in a keyless.toml: their types, their bounds, and the words for what is allowed.

A description says what is allowed, as an error ends with it; ``problem`` says what is wrong with a value of the right type.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta

from keyless.local.azure.keyvault.keys.material import RSA_SIZES
from keyless.local.azure.keyvault.settings import RETENTION_DAYS
from keyless.secret_id import SECRET_NAME, VAULT_NAME

_LONGEST: Final = 1_000_000_000  # Seconds: thirty years.
_FIRST_DAY, _LAST_DAY = RETENTION_DAYS[0], RETENTION_DAYS[-1]


def _text(pattern: str, allowed: str, problem: str, **extra: bool) -> Meta:
    return Meta(pattern=f"^{pattern}$", description=allowed, extra={"problem": problem, **extra})


def _any_case(text: str) -> str:
    return "".join(f"[{letter.lower()}{letter.upper()}]" if letter.isalpha() else letter for letter in text)


_GUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_GROUP = f"{_any_case('/subscriptions/')}{_GUID}{_any_case('/resourcegroups/')}[^/?#\\s]+"

Guid = Annotated[str, _text(_GUID, "a GUID such as 00001111-aaaa-2222-bbbb-3333cccc4444", "it is not a GUID")]
ResourceId = Annotated[
    str,
    _text(
        rf"{_GROUP}{_any_case('/providers/')}[^/?#\s]+/[^/?#\s]+/[^/?#\s]+",
        "/subscriptions/GUID/resourceGroups/GROUP/providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME",
        "it is not an ARM resource id",
    ),
]
# Names that differ in case alone are one name to Azure.
VaultName = Annotated[
    str,
    _text(
        VAULT_NAME,
        "3 to 24 letters, digits and single hyphens, starting with a letter",
        "not a name that a vault can have",
        caseless=True,
    ),
]
SecretName = Annotated[
    str,
    _text(SECRET_NAME, "1 to 127 letters, digits and hyphens", "not a name that a secret can have", caseless=True),
]
IdentityName = Annotated[
    str,
    _text(
        "[0-9A-Za-z][0-9A-Za-z_-]{0,127}",
        "1 to 128 letters, digits, hyphens and underscores, starting with a letter or digit",
        "not a name that an identity can have",
        caseless=True,
    ),
]
SettingName = Annotated[
    str, _text("[^=\\x00]+", "a name without = and NUL", "not a name that an environment variable can have")
]
SettingValue = Annotated[str, _text("[^\\x00]*", "a string without NUL", "it holds a character NUL")]
RoleName = Annotated[str, Meta(description="the name of a role", extra={"caseless": True})]
Texts = Annotated[str | list[str], Meta(description="a string, or a list of strings")]
Moment = Annotated[
    datetime,
    Meta(
        tz=True,
        description="a date and time with its zone, such as 2030-01-31T12:00:00Z",
        extra={"problem": "the time has no zone"},
    ),
]
Lifetime = Annotated[int, Meta(ge=1, le=_LONGEST, description="a whole number of seconds, 1 or more")]
Delay = Annotated[float, Meta(ge=0, le=_LONGEST, description="a number of seconds, from 0")]
RetentionDays = Annotated[
    int,
    Meta(
        ge=0,
        le=_LAST_DAY,
        description=f"a whole number from {_FIRST_DAY} to {_LAST_DAY}, or 0 for no soft delete",
        extra_json_schema={"anyOf": [{"const": 0}, {"minimum": _FIRST_DAY}]},
        extra={"or_from": _FIRST_DAY},
    ),
]
FROM_ENVIRONMENT: Final = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {"env": {"type": "string"}, "default": {"type": "string"}},
            "required": ["env"],
            "additionalProperties": False,
        },
    ]
}
NETWORKS: Final = "a string, or a list of strings: addresses and ranges, such as 203.0.113.0/24"
NetworkAccess = Annotated[
    bool | Literal["perimeter"],
    Meta(
        title="Whether the vault is open to the public network.",
        description='true, false or "perimeter"',
        extra={"problem": "it is {value!r}"},
    ),
]
RsaSize = Annotated[
    int,
    Meta(
        ge=RSA_SIZES[0],
        le=RSA_SIZES[-1],
        title="Of an RSA key, in bits.",
        description="2048, 3072 or 4096",
        extra_json_schema={"enum": list(RSA_SIZES)},
    ),
]
KeyType = Literal["RSA", "RSA-HSM", "EC", "EC-HSM"]
KeyOperation = Literal["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey", "import", "export"]
Cloud = Literal["AZURE_PUBLIC_CLOUD", "AZURE_CHINA", "AZURE_GOVERNMENT"]
