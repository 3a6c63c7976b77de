"""What every client of certificates goes through. A program orders ``NAME``, or downloads it with its private key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.clients.scenarios import VAULT, Asked, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.local.server import LocalAzure

_EC: Final = {"key_props": {"kty": "EC"}}


def _order(azure: LocalAzure) -> Asked:
    vault = azure.vault(VAULT)
    vault.settings = replace(vault.settings, issuance_seconds=1)
    azure.identity("system").grant("Key Vault Certificates Officer", on=VAULT)
    return Asked(action="order", arguments=("new",))


def _download(*, enabled: bool = True, role: str = "Key Vault Certificate User") -> Callable[[LocalAzure], Asked]:
    def prepare(azure: LocalAzure) -> Asked:
        vault = azure.vault(VAULT)
        vault.create_certificate("web", "CN=contoso.com", policy=_EC, enabled=enabled)
        azure.identity("system").revoke("Key Vault Secrets User", on=VAULT)
        azure.identity("system").grant(role, on=VAULT)
        return Asked(action="download", arguments=("web",))

    return prepare


def _missing(azure: LocalAzure) -> Asked:
    azure.identity("system").grant("Key Vault Certificate User", on=VAULT)
    return Asked(action="download", arguments=("absent",))


def _ordered(azure: LocalAzure) -> bool:
    found = azure.vault(VAULT).certificates.find("new")
    return found is not None and bool(found.facts)


CERTIFICATE_SCENARIOS: Final = (
    Scenario(name="certificates: order, list", prepare=_order, names=("new",), seen=_ordered),
    Scenario(
        name="certificates: download", prepare=_download(), values=("CN=contoso.com", "application/x-pkcs12", "True")
    ),
    Scenario(name="certificates: not found", prepare=_missing, error="CertificateNotFound|was not found", status=404),
    Scenario(
        name="certificates: disabled", prepare=_download(enabled=False), error="disabled secret|disabled", status=403
    ),
    Scenario(
        name="certificates: no role on the secret",
        prepare=_download(role="Key Vault Certificates Officer"),
        error="not authorized|ForbiddenByRbac",
        status=403,
    ),
)
