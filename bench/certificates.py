"""The cost of certificates through a vault, as a ratio to the bare calls of ``cryptography``, and what making them costs others.

Run as ``python -m bench.certificates``.
"""

import itertools
import os
import resource
import sys
from datetime import UTC, datetime, timedelta
from functools import partial

from bench.crypto_vault import Client, clients, per_second, rates, weight, while_made
from bench.results import alternate, keep, met
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat, pkcs12

from keyless.local import LocalAzure

CERTIFICATES, LARGE_CERTIFICATES = 1000, 50
GOAL = 3.0
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "contoso.com")])
USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
PEM = {"contentType": "application/x-pem-file"}


def policy(kty: str, size: int | None = None) -> dict[str, object]:
    """Return the policy of a certificate that is signed with its own key."""
    return {
        "key_props": {"kty": kty, **({"key_size": size} if size else {})},
        "x509_props": {"subject": "CN=contoso.com"},
        "issuer": {"name": "Self"},
    }


def make_bare() -> bytes:
    """Make what a vault makes of an order: a key, a request, a certificate with its extensions, and a PFX."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    x509.CertificateSigningRequestBuilder(NAME).add_extension(USAGE, critical=True).sign(key, hashes.SHA256())
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    leaf = (
        x509.CertificateBuilder(NAME, NAME, key.public_key(), x509.random_serial_number(), now, now + timedelta(365))
        .add_extension(USAGE, critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=False)
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    encryption = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(2000)
        .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .hmac_hash(hashes.SHA1())
        .build(b"-")
    )
    leaf.public_bytes(Encoding.DER)
    return pkcs12.serialize_key_and_certificates(None, key, leaf, None, encryption)


def weigh(kty: str) -> None:
    """Print how many MiB a thousand certificates take, with their keys and secrets."""
    with LocalAzure() as azure:
        vault = azure.vault("contoso-kv")
        # One certificate under all names where its key is of RSA: to make as many would take minutes, and weighs the same.
        first = policy(kty) | {"secret_props": PEM}
        vault.create_certificate("first", "CN=contoso.com", policy=first)
        pem = vault.get_secret("first").value
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(CERTIFICATES):
            if kty == "EC":
                vault.create_certificate(f"web-{number}", "CN=contoso.com", policy=policy(kty))
            else:
                vault.import_certificate(f"web-{number}", pem)
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def measure(straight: Client, proxied: Client) -> dict[str, dict[str, list[float]]]:
    """Return how often a second each way makes a certificate that is signed with its own key."""
    numbers, order = itertools.count(), {"policy": policy("EC")}

    def make(client: Client) -> None:
        # It is there once it is asked for.
        name = f"certificates/web-{next(numbers)}"
        client.ask("POST", f"{name}/create", order)
        client.ask("GET", name)

    ways = {"bare": make_bare, "straight": partial(make, straight), "proxied": partial(make, proxied)}
    return {"create and get": alternate({way: partial(per_second, do) for way, do in ways.items()})}


def report(measured: dict[str, dict[str, list[float]]], reads: dict[str, float], mib: dict[str, float]) -> str:
    slower = reads["busy"] / reads["idle"]
    return f"""
`python -m bench.certificates`: P-256, signed with its own key, there at once (`issuance_seconds` 0), two requests on one kept connection beside
the bare calls: key, request, certificate and PFX. Median of 7 alternating rounds, the local Azure in a process of its own. The machine had other
work at the time (load {os.getloadavg()[1]:.0f} on {os.cpu_count()} cores).

{rates(measured)}

* While {LARGE_CERTIFICATES} certificates with keys of 4,096 bits were made, in {reads["seconds"]:.0f} s, a get took {reads["busy"]:.1f} ms (p99); idle, it took {reads["idle"]:.1f} ms: {slower:.1f} times
  as long; goal: {met(slower, GOAL)}.
* {CERTIFICATES:,} certificates, with their keys and secrets, take {mib["EC"]:.0f} MiB (P-256, PFX) or {mib["RSA"]:.0f} MiB (RSA of 2,048 bits, PEM).
"""


def main() -> None:
    large = {"policy": policy("RSA", 4096)}
    with clients() as (straight, proxied, other):
        measured = measure(straight, proxied)
        reads = while_made(
            straight,
            "certificates/bench-web",
            lambda number: other.ask("POST", f"certificates/large-{number}/create", large),
            LARGE_CERTIFICATES,
        )
    mib = {kty: weight("bench.certificates", kty) for kty in ("EC", "RSA")}
    keep("certificates", {"per_second": measured, "get_p99_ms": reads, "mib": mib}, report(measured, reads, mib))


if __name__ == "__main__":
    weigh(sys.argv[2]) if sys.argv[1:] else main()
