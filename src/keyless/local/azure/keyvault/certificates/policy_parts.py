"""The parts of a certificate's policy, read from what a client gives: checked, completed, and in the recorded order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from cryptography import x509

from keyless.local.azure.keyvault.certificates.extensions import KEY_USAGES, read_sans
from keyless.local.azure.keyvault.certificates.names import read_name
from keyless.local.azure.keyvault.certificates.refusal import RefusedCertificateError
from keyless.local.azure.keyvault.keys.material import RSA_SIZES, check_type, curve_named

if TYPE_CHECKING:
    from collections.abc import Mapping

PKCS12: Final = "application/x-pkcs12"
PEM: Final = "application/x-pem-file"
_SANS: Final = ("emails", "dns_names", "upns", "uris", "ipAddresses")
_SIZES: Final = {256: "P-256", 384: "P-384", 521: "P-521"}
_EKUS: Final = ("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2")
_MONTHS: Final = range(1201)
_PERCENT: Final = range(1, 100)
_DAYS_A_MONTH: Final = 27
_DEFAULT_PERCENT: Final = 80
_DEFAULT_MONTHS: Final = 12
_T = TypeVar("_T")


def table_of(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a part that is an object; an empty one where it is not given."""
    return field_of(given, name, dict) or {}


def field_of(given: Mapping[str, Any], name: str, kind: type[_T]) -> _T | None:
    """Return a field; None where it is not given.

    Raises:
        RefusedCertificateError: If it is of another type.
    """
    found = given.get(name)
    if found is not None and (not isinstance(found, kind) or (kind is int and isinstance(found, bool))):
        raise RefusedCertificateError(f"{name} is of the wrong type.", allowed=f"a {kind.__name__} there")
    return found


def key_type(given: Mapping[str, Any]) -> str:
    """Return the type of key that a client wants: RSA unless something speaks of a curve."""
    return check_type(field_of(given, "kty", str) or ("EC" if field_of(given, "crv", str) else "RSA"))


def read_key(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the key is to be."""
    kty, curve, size = key_type(given), field_of(given, "crv", str), field_of(given, "key_size", int)
    is_hsm = kty.endswith("-HSM")
    exportable = field_of(given, "exportable", bool)
    found: dict[str, Any] = {
        "exportable": not is_hsm if exportable is None else exportable,
        "kty": kty,
        "key_size": size,
        "reuse_key": bool(field_of(given, "reuse_key", bool)),
    }
    if is_hsm and found["exportable"]:
        raise RefusedCertificateError("A key of an HSM is to be exportable.", allowed="exportable false with an HSM")
    if kty.startswith("RSA"):
        found["key_size"] = size or RSA_SIZES[0]
        _check_size(found["key_size"], RSA_SIZES)
        return found
    if size is not None:
        _check_size(size, tuple(_SIZES))
    found["crv"] = curve_named(curve or _SIZES[size or 256])
    found["key_size"] = next((bits for bits, name in _SIZES.items() if name == found["crv"]), 256)
    if size is not None and size != found["key_size"]:
        raise RefusedCertificateError("The size is not that of the curve.", allowed="the size of the curve, or none")
    return found


def read_secret(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the secret behind the certificate is written."""
    content_type = field_of(given, "contentType", str) or PKCS12
    if content_type not in {PKCS12, PEM}:
        raise RefusedCertificateError("The secret's contentType is unknown.", allowed=f"{PKCS12} and {PEM}")
    return {"contentType": content_type}


def read_x509(given: Mapping[str, Any], *, kty: str) -> dict[str, Any]:
    """Return the contents of the certificate."""
    subject = field_of(given, "subject", str)
    sans = field_of(given, "sans", dict)
    names = {} if sans is None else {name: _texts(sans, name) for name in _SANS if sans.get(name) is not None}
    if subject or not any(names.values()):
        read_name(subject or "")
    read_sans(names)
    usages = field_of(given, "key_usage", list)
    if usages is None:
        usages = ["digitalSignature", "keyEncipherment"] if kty.startswith("RSA") else ["digitalSignature"]
    if not all(isinstance(usage, str) and usage in KEY_USAGES for usage in usages):
        raise _bad_x509("A key_usage is unknown.", f"the usages {', '.join(KEY_USAGES)}")
    months = field_of(given, "validity_months", int)
    if months is not None and months not in _MONTHS:
        raise _bad_x509("validity_months is out of range.", f"0 to {_MONTHS[-1]} months")
    return {
        "subject": subject or "",
        **({} if sans is None else {"sans": names}),
        "ekus": _ekus(given),
        "key_usage": list(dict.fromkeys(usages)),
        "validity_months": _DEFAULT_MONTHS if months is None else months,
        "basic_constraints": {"ca": bool(table_of(given, "basic_constraints").get("ca"))},
    }


def read_actions(given: object, *, months: int, default: str) -> list[dict[str, Any]]:
    """Return what happens in the life of a version, and when.

    Args:
        given: What a client gives; nothing means that something happens at four fifths of its life.
        months: For how many months a version is good.
        default: What happens where nothing is said.
    """
    if not given:
        return [{"trigger": {"lifetime_percentage": _DEFAULT_PERCENT}, "action": {"action_type": default}}]
    if not isinstance(given, list):
        raise RefusedCertificateError("lifetime_actions is of the wrong type.", allowed="a list of them")
    return [_action(item, months=months) for item in given]


def read_issuer(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return who issues the certificate."""
    name = field_of(given, "name", str)
    if not name:
        raise RefusedCertificateError("The policy names no issuer.", allowed="Self, Unknown, or an issuer of the vault")
    kind, transparency = field_of(given, "cty", str), field_of(given, "cert_transparency", bool)
    return {
        "name": name,
        **({} if kind is None else {"cty": kind}),
        **({} if transparency is None else {"cert_transparency": transparency}),
    }


def read_platform(given: object) -> Mapping[str, Any] | None:
    """Return a policy's setting for the platform that manages the certificate, which no recording shows."""
    if given is None:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("certificateUsage"), str):
        raise RefusedCertificateError("platformManaged has no certificateUsage.", allowed="a certificateUsage in it")
    metadata = table_of(given, "metadata")
    return {"certificateUsage": given["certificateUsage"], **({"metadata": metadata} if metadata else {})}


def _action(item: object, *, months: int) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise RefusedCertificateError("A lifetime action is of the wrong type.", allowed="objects")
    kind = table_of(item, "action").get("action_type")
    # Not a set: what was sent may be a list, which no set can be asked for.
    if kind not in ("EmailContacts", "AutoRenew"):
        raise RefusedCertificateError("An action_type is unknown.", allowed="EmailContacts and AutoRenew")
    trigger = table_of(item, "trigger")
    percent, days = field_of(trigger, "lifetime_percentage", int), field_of(trigger, "days_before_expiry", int)
    if (percent is None) is (days is None):
        raise RefusedCertificateError(
            "A trigger has no time, or two.", allowed="lifetime_percentage or days_before_expiry"
        )
    if percent is not None:
        if percent not in _PERCENT:
            raise RefusedCertificateError("lifetime_percentage is out of range.", allowed="1 to 99 percent")
        return {"trigger": {"lifetime_percentage": percent}, "action": {"action_type": kind}}
    if days not in range(1, months * _DAYS_A_MONTH + 1):
        raise RefusedCertificateError(
            "days_before_expiry is out of range.", allowed=f"1 to {months * _DAYS_A_MONTH} days for {months} months"
        )
    return {"trigger": {"days_before_expiry": days}, "action": {"action_type": kind}}


def _ekus(given: Mapping[str, Any]) -> list[str]:
    found = field_of(given, "ekus", list)
    if found is None:
        return list(_EKUS)
    try:
        return [x509.ObjectIdentifier(each).dotted_string for each in found]
    except (ValueError, TypeError):
        raise _bad_x509("One of the ekus is not an object identifier.", "object identifiers such as 1.3.6.1") from None


def _texts(given: Mapping[str, Any], name: str) -> list[str]:
    found = field_of(given, name, list) or []
    if not all(isinstance(each, str) for each in found):
        raise _bad_x509(f"One of the {name} is not a string.", "strings there")
    return found


def _check_size(size: int, known: tuple[int, ...]) -> None:
    if size not in known:
        raise RefusedCertificateError(
            f"There is no such key of {size} bits in a vault.",
            allowed=f"keys of {', '.join(map(str, known))} bits",
            # Quoted: https://github.com/MicrosoftDocs/azure-docs/issues/88477
            message=f"Unsupported key size ({size}). Supported sizes are {list(known)}",
        )


def _bad_x509(what: str, allowed: str) -> RefusedCertificateError:
    return RefusedCertificateError(what, allowed=allowed, message="Property policy.x509_props has invalid value\r\n")
