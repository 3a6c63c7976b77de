"""The names of subjects and issuers, as Windows writes them and policies have them: ``CN=contoso.com, O=Contoso, C=US``.

https://learn.microsoft.com/en-us/windows/win32/api/wincrypt/nf-wincrypt-certstrtonamew
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.x509.name import _ASN1Type  # The public names choose UTF8String, where Azure has PrintableString.
from cryptography.x509.oid import NameOID

from keyless.local.azure.keyvault.certificates.refusal import RefusedCertificateError

if TYPE_CHECKING:
    from collections.abc import Mapping

_OIDS: Final[Mapping[str, x509.ObjectIdentifier]] = MappingProxyType(
    {
        "CN": NameOID.COMMON_NAME,
        "C": NameOID.COUNTRY_NAME,
        "L": NameOID.LOCALITY_NAME,
        "O": NameOID.ORGANIZATION_NAME,
        "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
        "S": NameOID.STATE_OR_PROVINCE_NAME,
        "STREET": NameOID.STREET_ADDRESS,
        "DC": NameOID.DOMAIN_COMPONENT,
        "E": NameOID.EMAIL_ADDRESS,
        "G": NameOID.GIVEN_NAME,
        "SN": NameOID.SURNAME,
        "T": NameOID.TITLE,
        "SERIALNUMBER": NameOID.SERIAL_NUMBER,
    }
)
_OTHER_NAMES: Final = MappingProxyType(
    {"ST": "S", "EMAIL": "E", "EMAILADDRESS": "E", "GN": "G", "GIVENNAME": "G", "TITLE": "T"}
)
_WRITTEN: Final = MappingProxyType({oid: name for name, oid in _OIDS.items()})
_PART: Final = re.compile(
    r"\s*(?P<name>[A-Za-z]+|(?:OID\.)?\d+(?:\.\d+)+)\s*=\s*"
    r"(?P<value>\"(?:[^\"]|\"\")*\"|[^\",;+]*?)\s*(?P<end>[,;+]|$)"
)
_PRINTABLE: Final = re.compile(r"[A-Za-z0-9 '()+,\-./:=?]+")
_NEEDS_QUOTES: Final = re.compile(r'[,+="\n<>#;]|^\s|\s$')
# These have a type of their own in every certificate.
_OF_FIXED_TYPE: Final = frozenset({NameOID.COUNTRY_NAME, NameOID.DOMAIN_COMPONENT, NameOID.EMAIL_ADDRESS})


def read_name(text: str) -> x509.Name:
    """Return the name that a policy gives, its parts in the order of the text.

    Raises:
        RefusedCertificateError: If it is none.
    """
    found: list[list[x509.NameAttribute[str]]] = [[]]
    position, end = 0, ","
    while end:
        part = _PART.match(text, position)
        if part is None:
            raise _no_name()
        found[-1].append(_attribute(part["name"], part["value"]))
        position, end = part.end(), part["end"]
        if end and end != "+":
            found.append([])
    try:
        return x509.Name([x509.RelativeDistinguishedName(attributes) for attributes in found])
    except ValueError:
        raise _no_name() from None


def write_name(name: x509.Name) -> str:
    """Write a name as Windows shows it, the most special part first: ``CN=contoso.com, O=Contoso, C=US``."""
    return ", ".join(" + ".join(map(_written, part)) for part in reversed(name.rdns))


def _attribute(name: str, text: str) -> x509.NameAttribute[str]:
    key = name.upper()
    value = text[1:-1].replace('""', '"') if text.startswith('"') else text
    try:
        known = _OIDS.get(_OTHER_NAMES.get(key, key))
        oid = known or x509.ObjectIdentifier(key.removeprefix("OID."))
        if oid in _OF_FIXED_TYPE:
            return x509.NameAttribute(oid, value)
        kind = _ASN1Type.PrintableString if _PRINTABLE.fullmatch(value) else _ASN1Type.UTF8String
        return x509.NameAttribute(oid, value, kind)
    except ValueError:
        raise _no_name() from None


def _written(attribute: x509.NameAttribute[str | bytes]) -> str:
    name = _WRITTEN.get(attribute.oid, f"OID.{attribute.oid.dotted_string}")
    value = attribute.value if isinstance(attribute.value, str) else attribute.value.hex()
    if _NEEDS_QUOTES.search(value):
        value = '"' + value.replace('"', '""') + '"'
    return f"{name}={value}"


def _no_name() -> RefusedCertificateError:
    """Recorded."""
    return RefusedCertificateError(
        "The subject is not an X.500 name.",
        allowed="a subject such as CN=contoso.com, O=Contoso, C=US",
        message="Property policy.x509_props has invalid value. Invalid X.500 distinguished name\r\n",
    )
