"""The extensions of certificates and of requests for them, as policies name them."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from keyless.local.azure.keyvault.certificates.refusal import RefusedCertificateError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# In the order of their bits: https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.3
KEY_USAGES: Final = (
    *("digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement"),
    *("keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"),
)
_UPN: Final = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
_UTF8_STRING: Final = 0x0C
_SHORT: Final = 128
Extension = tuple[x509.ExtensionType, bool]


def extensions_of(said: Mapping[str, Any]) -> dict[str, Extension]:
    """Return the extensions that a policy asks for by their names, and whether each is critical."""
    found: dict[str, Extension] = {"constraints": (x509.BasicConstraints(_is_ca(said), path_length=None), False)}
    if said["key_usage"]:
        found["usage"] = (_key_usage(said["key_usage"]), True)
    if said["ekus"]:
        found["purposes"] = (x509.ExtendedKeyUsage([x509.ObjectIdentifier(each) for each in said["ekus"]]), False)
    names = read_sans(said.get("sans") or {})
    if names:
        found["names"] = (x509.SubjectAlternativeName(names), not said["subject"])
    return found


def described(certificate: x509.Certificate) -> dict[str, Any]:
    """Return the contents of a certificate's extensions, in the words of a policy."""
    found = certificate.extensions
    names = _names_in(found)
    return {
        **({"sans": names} if names else {}),
        "ekus": [each.dotted_string for each in _value(found, x509.ExtendedKeyUsage) or ()],
        "key_usage": _usages_in(_value(found, x509.KeyUsage)),
        "basic_constraints": {"ca": bool(getattr(_value(found, x509.BasicConstraints), "ca", False))},
    }


def read_sans(names: Mapping[str, Sequence[str]]) -> list[x509.GeneralName]:
    """Return the alternative names of a subject.

    Raises:
        RefusedCertificateError: If one of them cannot be written into a certificate.
    """
    try:
        return [
            *(x509.RFC822Name(each) for each in names.get("emails", ())),
            *(x509.DNSName(each) for each in names.get("dns_names", ())),
            *(x509.OtherName(_UPN, _utf8_string(each)) for each in names.get("upns", ())),
            *(x509.UniformResourceIdentifier(each) for each in names.get("uris", ())),
            *(x509.IPAddress(ipaddress.ip_address(each)) for each in names.get("ipAddresses", ())),
        ]
    except ValueError:
        raise RefusedCertificateError(
            "One of the sans is not such a name.",
            allowed="names of hosts, mailboxes, users, URIs and addresses, in ASCII",
            message="Property policy.x509_props has invalid value\r\n",
        ) from None


def _is_ca(said: Mapping[str, Any]) -> bool:
    return bool(said["basic_constraints"]["ca"])


def _key_usage(usages: Sequence[str]) -> x509.ExtensionType:
    # cryptography makes no decipherOnly without keyAgreement, which Azure does, as recorded.
    bits = "".join("1" if usage in usages else "0" for usage in KEY_USAGES).rstrip("0")
    unused = -len(bits) % 8
    content = int(bits.ljust(len(bits) + unused, "0"), 2).to_bytes((len(bits) + unused) // 8)
    return x509.UnrecognizedExtension(ExtensionOID.KEY_USAGE, bytes((3, len(content) + 1, unused)) + content)


def _usages_in(found: x509.KeyUsage | None) -> list[str]:
    if found is None:
        return []
    agrees = found.key_agreement
    bits = (
        *(found.digital_signature, found.content_commitment, found.key_encipherment, found.data_encipherment, agrees),
        *(found.key_cert_sign, found.crl_sign, agrees and found.encipher_only, agrees and found.decipher_only),
    )
    return [usage for usage, is_set in zip(KEY_USAGES, bits, strict=True) if is_set]


def _names_in(found: x509.Extensions) -> dict[str, list[str]]:
    names = _value(found, x509.SubjectAlternativeName)
    if names is None:
        return {}
    users = [each.value[2:] for each in names.get_values_for_type(x509.OtherName) if each.type_id == _UPN]
    by_kind = {
        "emails": names.get_values_for_type(x509.RFC822Name),
        "dns_names": names.get_values_for_type(x509.DNSName),
        "upns": [each.decode("utf-8", "replace") for each in users],
        "uris": names.get_values_for_type(x509.UniformResourceIdentifier),
        "ipAddresses": [str(each) for each in names.get_values_for_type(x509.IPAddress)],
    }
    return {kind: values for kind, values in by_kind.items() if values}


def _value(found: x509.Extensions, kind: Any) -> Any:
    try:
        return found.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _utf8_string(text: str) -> bytes:
    content = text.encode()
    if len(content) >= _SHORT:
        raise ValueError("a user's name is longer than its length can be written in one byte")
    return bytes((_UTF8_STRING, len(content))) + content
