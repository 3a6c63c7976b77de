"""Options that make an unmodified program for Java use the local Azure: it reads neither HTTPS_PROXY nor files of certificates.

Source: https://docs.oracle.com/en/java/javase/17/docs/specs/man/java.html (JAVA_TOOL_OPTIONS)
"""

from __future__ import annotations

import re
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.x509 import Certificate

VARIABLE: Final = "JAVA_TOOL_OPTIONS"

# A trust store holds nothing secret. This is the password that Java's own has; without one Java skips what it cannot read.
_STORE_PASSWORD: Final = "changeit"  # noqa: S105


def java_options(folder: Path, *, bundle_file: Path, proxy_url: str, no_proxy: str, before: str) -> str:
    """Write a trust store and return the options with which Java uses it and the proxy.

    The proxy's password is left out: Java prints these options, and takes no such password from them.

    Args:
        folder: Where to write the trust store.
        bundle_file: The certificates to trust, as PEM.
        proxy_url: The proxy.
        no_proxy: What NO_PROXY holds.
        before: What JAVA_TOOL_OPTIONS holds already. Where Java gets an option twice, it takes the last.
    """
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption  # noqa: PLC0415 (completion in a shell loads this module)
    from cryptography.hazmat.primitives.serialization.pkcs12 import (  # noqa: PLC0415 (as above)
        PKCS12Certificate,
        serialize_java_truststore,
    )

    store = folder / "truststore.p12"
    roots = _certificates(bundle_file.read_bytes())
    entries = [PKCS12Certificate(root, f"keyless-{number}".encode()) for number, root in enumerate(roots)]
    store.write_bytes(serialize_java_truststore(entries, BestAvailableEncryption(_STORE_PASSWORD.encode())))
    proxy = urlsplit(proxy_url)
    options = {
        "javax.net.ssl.trustStore": store,
        "javax.net.ssl.trustStoreType": "PKCS12",
        "javax.net.ssl.trustStorePassword": _STORE_PASSWORD,
        **{f"{scheme}.proxyHost": proxy.hostname for scheme in ("http", "https")},
        **{f"{scheme}.proxyPort": proxy.port for scheme in ("http", "https")},
        "http.nonProxyHosts": _java_patterns(no_proxy),
        # Without this an Authenticator of the program's own is not asked for the proxy's password.
        "jdk.http.auth.tunneling.disabledSchemes": "",
    }
    ours = " ".join(_quoted(f"-D{name}={value}") for name, value in options.items())
    return f"{before} {ours}".strip()


def spring_variables(*, proxy_url: str, no_proxy: str) -> dict[str, str]:
    """Return the settings by which Spring Cloud Azure uses the proxy: it looks at none of Java's.

    Args:
        proxy_url: The proxy.
        no_proxy: What NO_PROXY holds.

    Source: https://learn.microsoft.com/en-us/azure/developer/java/spring-framework/configuration-properties-all
    """
    proxy = urlsplit(proxy_url)
    return {
        "SPRING_CLOUD_AZURE_PROXY_TYPE": "http",
        "SPRING_CLOUD_AZURE_PROXY_HOSTNAME": str(proxy.hostname),
        "SPRING_CLOUD_AZURE_PROXY_PORT": str(proxy.port),
        "SPRING_CLOUD_AZURE_PROXY_HTTP_NONPROXYHOSTS": _java_patterns(no_proxy),
    }


def _certificates(bundle_pem: bytes) -> list[Certificate]:
    """Return a bundle's certificates, but for those that are too wrongly made to be read."""
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415 (completion in a shell loads this module)

    found = []
    for each in re.findall(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", bundle_pem, re.DOTALL):
        # Some public roots have serial numbers that today's rules forbid.
        with warnings.catch_warnings(), suppress(ValueError):
            warnings.simplefilter("ignore")
            found.append(load_pem_x509_certificate(each))
    return found


def _java_patterns(no_proxy: str) -> str:
    return "|".join(_java_pattern(entry) for entry in no_proxy.split(","))


def _java_pattern(entry: str) -> str:
    """Return an entry of NO_PROXY as Java writes it: an asterisk stands for what is before a domain."""
    if ":" in entry and not entry.startswith("["):
        return f"[{entry}]"
    return f"*{entry}" if entry.startswith(".") else entry


def _quoted(option: str) -> str:
    """Return an option as JAVA_TOOL_OPTIONS takes it: spaces part options unless they are quoted.

    A quotation mark of one kind is quoted by the other; the rest of an option may be in either.

    Source: https://docs.oracle.com/en/java/javase/17/docs/api/jvmti.html (The JAVA_TOOL_OPTIONS Environment Variable)
    """
    if not any(character in option for character in " \t\r\n\v\f|'\""):
        return option
    return "".join(f"'{part}'" if part == '"' else f'"{part}"' for part in re.split('(")', option) if part)
