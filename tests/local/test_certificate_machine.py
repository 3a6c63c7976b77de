"""Any order of requests about certificates, and any time between them, against a plain model of what a vault holds."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from tests.local.object_machine import DELAY, VaultMachine, run_machine

from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import Config
from keyless.local.azure.keyvault.keys.material import make_key
from keyless.local.azure.keyvault.settings import VaultSettings

if TYPE_CHECKING:
    from tests.local.conftest import Serve

RUNS = 300 if os.environ.get("KEYLESS_LONG_TESTS") else 12
NAMES = st.sampled_from(["a", "A", "b-1"])
EVERYWHERE = ("certificates", "keys", "secrets")


@dataclass
class Kept:
    """A certificate as the model knows it: its versions, the latest last, and the order that it has."""

    versions: list[str] = field(default_factory=list)
    state: str = "active"
    enabled: bool = True
    order: str | None = None
    issuer: str = "Self"
    due: float = float("inf")


class CertificateMachine(VaultMachine):
    """One vault, and beside it the model of its certificates, which are ordered and have a key and a secret."""

    def __init__(self, azure: Azure, address: str, pem: str) -> None:
        super().__init__(azure, address)
        self.pem = pem
        self.authority = make_key("EC")
        self.wanted: dict[str, bool] = {}
        self.known: dict[str, Kept] = {}

    @initialize()
    def make_the_vault(self) -> None:
        self.azure.reset(Config())
        delays = VaultSettings(deletion_seconds=0, recovery_seconds=0, issuance_seconds=DELAY)
        self.vault = self.azure.add_vault("machine-kv", delays)
        self.azure.add_identity("system").grant("Key Vault Administrator", on=self.vault)

    def kept(self, name: str) -> Kept | None:
        """Return a certificate that is there, or on its way."""
        found = self.known.get(name.lower())
        return found if found and found.state == "active" else None

    def is_deleted(self, name: str) -> bool:
        found = self.known.get(name.lower())
        return found is not None and found.state == "deleted"

    def complete(self, kept: Kept, version: str) -> None:
        kept.versions.append(version)
        kept.order, kept.due = "completed", float("inf")

    @rule(name=NAMES, issuer=st.sampled_from(["Self", "Unknown"]), enabled=st.booleans())
    def order_it(self, name: str, issuer: str, *, enabled: bool) -> None:
        policy: dict[str, Any] = {
            "key_props": {"kty": "EC"},
            "x509_props": {"subject": "CN=a"},
            "issuer": {"name": issuer},
        }
        policy["lifetime_actions"] = [
            {"trigger": {"lifetime_percentage": 80}, "action": {"action_type": "EmailContacts"}}
        ]
        policy["secret_props"] = {"contentType": "application/x-pem-file"}
        body = {"policy": policy, "attributes": {"enabled": enabled}}
        status, _ = self.ask("POST", f"/certificates/{name}/create", body)
        if self.is_deleted(name):
            assert status == 409
            return
        kept = self.known.setdefault(name.lower(), Kept())
        if kept.order == "inProgress":
            assert status == 409
            return
        assert status == 202
        kept.order, kept.issuer = "inProgress", issuer
        kept.due = self.azure.clock.now() + DELAY if issuer == "Self" else float("inf")
        self.wanted[name.lower()] = enabled

    @rule(name=NAMES)
    def import_it(self, name: str) -> None:
        status, answer = self.ask("POST", f"/certificates/{name}/import", {"value": self.pem})
        kept = self.known.get(name.lower())
        if self.is_deleted(name) or (kept and kept.order == "inProgress"):
            assert status == 409
            return
        assert status == 200
        kept = self.known.setdefault(name.lower(), Kept())
        self.complete(kept, answer["id"].rpartition("/")[2])
        kept.order, kept.enabled = None, True

    @rule(name=NAMES)
    def merge_it(self, name: str) -> None:
        kept = self.kept(name)
        pending, order = self.ask("GET", f"/certificates/{name}/pending")
        csr = base64.b64decode(order["csr"]) if pending == 200 else b""
        status, answer = self.ask(
            "POST", f"/certificates/{name}/pending/merge", {"x5c": [_issued(csr, self.authority)]}
        )
        if kept is None or kept.order != "inProgress":
            assert (status, answer["error"]["code"]) == (404, "PendingCertificateNotFound")
        elif kept.issuer == "Self":
            assert status == 403
        else:
            assert status == 201
            self.complete(kept, answer["id"].rpartition("/")[2])
            kept.enabled = self.wanted[name.lower()]

    @rule(name=NAMES)
    def cancel_it(self, name: str) -> None:
        status, answer = self.ask("PATCH", f"/certificates/{name}/pending", {"cancellation_requested": True})
        kept = self.kept(name)
        if kept is None or kept.order is None:
            assert status == 404
        elif kept.order != "inProgress":
            assert status == 400
        else:
            assert (status, answer["status"]) == (200, "inProgress")
            kept.due, kept.issuer = self.azure.clock.now() + DELAY, "cancelled"

    @rule(name=NAMES)
    def forget_its_order(self, name: str) -> None:
        status, answer = self.ask("DELETE", f"/certificates/{name}/pending")
        kept = self.kept(name)
        if kept is None or kept.order is None:
            assert status == 404
            return
        assert (status, answer["status"]) == (200, kept.order)
        kept.order, kept.due = None, float("inf")

    @rule(name=NAMES, enabled=st.booleans())
    def enable_it(self, name: str, *, enabled: bool) -> None:
        status, answer = self.ask("PATCH", f"/certificates/{name}", {"attributes": {"enabled": enabled}})
        kept = self.kept(name)
        assert status == (404 if kept is None else 200)
        if kept and kept.versions:
            kept.enabled = enabled
            assert answer["attributes"]["enabled"] is enabled

    @rule(name=NAMES)
    def delete_it(self, name: str) -> None:
        status, _ = self.ask("DELETE", f"/certificates/{name}")
        kept = self.kept(name)
        assert status == (404 if kept is None else 200)
        if kept:
            kept.state = "deleted"

    @rule(name=NAMES)
    def recover_it(self, name: str) -> None:
        status, _ = self.ask("POST", f"/deletedcertificates/{name}/recover")
        assert status == (200 if self.is_deleted(name) else 404)
        if self.is_deleted(name):
            self.known[name.lower()].state = "active"
            self.let_time_pass(0)

    @rule(name=NAMES)
    def purge_it(self, name: str) -> None:
        status, _ = self.ask("DELETE", f"/deletedcertificates/{name}")
        assert status == (204 if self.is_deleted(name) else 404)
        if self.is_deleted(name):
            del self.known[name.lower()]

    @rule(seconds=st.sampled_from([0, 1, DELAY]))
    def let_time_pass(self, seconds: int) -> None:
        self.azure.clock.advance(seconds=seconds)
        for name, kept in self.known.items():
            if kept.state != "active" or kept.due > self.azure.clock.now():
                continue
            kept.due = float("inf")
            if kept.issuer == "cancelled":
                kept.order = "cancelled"
            else:
                found = self.vault.certificates.find(name)
                assert found is not None
                self.complete(kept, found.version)
                kept.enabled = self.wanted[name]

    @invariant()
    def all_three_are_as_the_model_says(self) -> None:
        for name in ("a", "b-1") if hasattr(self, "vault") else ():
            kept = self.kept(name)
            status, certificate = self.ask("GET", f"/certificates/{name}")
            assert status == (404 if kept is None else 200)
            versions = kept.versions if kept else []
            assert ("x5t" in certificate) is bool(versions)
            listed = self.ask("GET", f"/certificates/{name}/versions")[1]["value"]
            assert {each["id"].rpartition("/")[2] for each in listed if "x5t" in each} == set(versions)
            pending = self.ask("GET", f"/certificates/{name}/pending")
            assert pending[1].get("status") == (kept.order if kept else None)
            key, secret = (self.ask("GET", f"/{where}/{name}") for where in ("keys", "secrets"))
            if kept is None or not versions:
                assert (key[0], secret[0]) == (404, 404)
                continue
            assert certificate["id"].rpartition("/")[2] == key[1]["key"]["kid"].rpartition("/")[2] == versions[-1]
            assert certificate["attributes"]["enabled"] is key[1]["attributes"]["enabled"] is kept.enabled
            assert secret[0] == (200 if kept.enabled else 403)
            leaf = x509.load_der_x509_certificate(base64.b64decode(certificate["cer"]))
            assert not kept.enabled or x509.load_pem_x509_certificates(secret[1]["value"].encode())[0] == leaf

    @invariant()
    def what_is_deleted_is_deleted_everywhere(self) -> None:
        for name in ("a", "b-1") if hasattr(self, "vault") else ():
            kept = self.known.get(name)
            for where in EVERYWHERE:
                is_there = self.is_deleted(name) and (where == "certificates" or bool(kept and kept.versions))
                assert self.ask("GET", f"/deleted{where}/{name}")[0] == (200 if is_there else 404)


def _pem() -> str:
    """Return a certificate with its key, as a client brings it."""
    vault = Azure().vault("contoso-kv")
    pem = {"key_props": {"kty": "EC"}, "secret_props": {"contentType": "application/x-pem-file"}}
    vault.create_certificate("x", "CN=x", policy=pem)
    return vault.get_secret("x").value


def _issued(csr: bytes, authority: Any) -> str:
    """Return what an authority makes of a request; of none, a certificate of its own."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority")])
    public = x509.load_der_x509_csr(csr).public_key() if csr else authority.public_key()
    times = datetime(2023, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, cast("Any", public), 7, *times)
    return base64.b64encode(builder.sign(authority, hashes.SHA256()).public_bytes(Encoding.DER)).decode()


def test_a_vault_does_with_certificates_what_the_model_does(serve: Serve) -> None:
    pem = _pem()
    run_machine(lambda azure, address: CertificateMachine(azure, address, pem), serve, steps=15, runs=RUNS)
