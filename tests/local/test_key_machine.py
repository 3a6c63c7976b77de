"""Any order of requests for keys, and any time between them, against a plain model of what a vault holds and does with it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from hypothesis import strategies as st
from hypothesis.stateful import rule
from tests.local.object_machine import DAY, FIRST_NAMES, NAMES, START, Json, Kept, ObjectMachine, Reply, run_machine

from keyless.local.azure.keyvault.backup.jwe import from_base64url, to_base64url

if TYPE_CHECKING:
    from tests.local.conftest import Serve

    from keyless.local.azure.azure import Azure

CURVES: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-521": ec.SECP521R1()}
OPERATIONS = {"EC": ["sign", "verify"], "RSA": ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]}
DIGEST = hashlib.sha256(b"message").digest()
LONG_DIGEST = hashlib.sha512(b"message").digest()
# Around the moments that the clock comes to.
MOMENTS = st.sampled_from([0, START + 5, START + 8 * DAY, START + 100 * DAY, START + 1000 * DAY])
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
        "attributes": st.fixed_dictionaries({}, optional={"enabled": st.booleans(), "nbf": MOMENTS, "exp": MOMENTS}),
    },
)
KEY_OPS = st.sampled_from([None, [], ["sign"], ["verify", "sign"], ["unwrapKey", "wrapKey", "sign"]])
INDEXES = st.integers(-1, 3)
WHICH = st.integers(0, 11)
# How long after its creation a policy rotates a version, in days, and how long the next one is good for.
POLICIES = st.sampled_from([(60, None, None), (90, None, 200), (None, 30, 90), (None, None, 90)])


class KeyMachine(ObjectMachine):
    """The keys of a vault. What is signed and wrapped along the way is verified and unwrapped at the end of it."""

    kind = "keys"
    not_found = "KeyNotFound"
    role = "Key Vault Crypto Officer"

    def __init__(self, azure: Azure, address: str, imported: rsa.RSAPrivateKey) -> None:
        super().__init__(azure, address)
        self.imported = imported
        self.signatures: list[tuple[Kept, str, Json]] = []
        self.wrapped: list[tuple[Kept, str, Json]] = []

    def make(self, name: str) -> None:
        """Make a key of a kind by its name, with a policy or without, and use it."""
        if name == "b-1":
            self.import_it(name, None, hsm=False, properties={})
        else:
            off = {"attributes": {"enabled": False}} if name == "restore" else {}
            self.create_it(name, "P-521" if name == "Zeta" else "P-256", None, off)
        if name != "a":
            self.set_policy(name, (60, None, 90))
        self.sign_with(name, -1)
        self.wrap_with(name, -1)

    def id_of(self, version: Json) -> str:
        return str(version["key"]["kid"])

    def whole(self, version: Json) -> Json:
        return version

    def item(self, version: Json, identifier: str) -> Json:
        return {"kid": identifier, **{name: each for name, each in version.items() if name != "key"}}

    def some(self, which: int) -> tuple[str, Kept | None]:
        """Return a key that is active, and now and then a name that may be none's."""
        active = [kept for kept in self.objects.values() if self.where(kept.name) == "active"]
        if which < 10 and active:
            return active[which % len(active)].name, active[which % len(active)]
        return FIRST_NAMES[which % len(FIRST_NAMES)], self.active(FIRST_NAMES[which % len(FIRST_NAMES)])

    def note(self, answer: Reply, name: str, key: Json, properties: Json) -> None:
        """Note a new version, whose id and public members are the vault's to choose."""
        if self.name_is_in_use(answer, name):
            return
        kept = self.objects.setdefault(name.lower(), Kept(name, []))
        made = answer[1]["key"]
        hsm_platform = "2" if key["kty"].endswith("-HSM") else "0"
        attributes = {"enabled": True, **properties.get("attributes", {}), **self.new_attributes}
        expected = {
            "key": {**{member: made[member] for member in ("kid", "n", "e", "x", "y") if member in made}, **key},
            "attributes": {**attributes, "exportable": False, "hsmPlatform": hsm_platform},
            **({"tags": properties["tags"]} if "tags" in properties else {}),
        }
        assert answer == (200, expected)
        assert made["kid"].rpartition("/")[0] == f"https://{self.vault.host}/keys/{kept.name}"
        assert made["kid"] not in {self.id_of(version) for version in kept.versions}
        kept.versions.append(expected)

    @rule(name=NAMES, curve=st.sampled_from(sorted(CURVES)), key_ops=KEY_OPS, properties=PROPERTIES)
    def create_it(self, name: str, curve: str, key_ops: list[str] | None, properties: Json) -> None:
        given = {} if key_ops is None else {"key_ops": key_ops}
        answer = self.ask("POST", f"/keys/{name}/create", {"kty": "EC", "crv": curve, **given, **properties})
        self.note(answer, name, {"kty": "EC", "crv": curve, "key_ops": key_ops or OPERATIONS["EC"]}, properties)

    @rule(name=NAMES, key_ops=KEY_OPS, hsm=st.booleans(), properties=PROPERTIES)
    def import_it(self, name: str, key_ops: list[str] | None, *, hsm: bool, properties: Json) -> None:
        numbers = self.imported.private_numbers()
        public = {"n": numbers.public_numbers.n, "e": numbers.public_numbers.e}
        members = {**public, "d": numbers.d, "p": numbers.p, "q": numbers.q}
        jwk = {member: to_base64url(value.to_bytes(-(-value.bit_length() // 8))) for member, value in members.items()}
        given = {} if key_ops is None else {"key_ops": key_ops}
        body = {"key": {"kty": "RSA", **given, **jwk}, "Hsm": hsm, **properties}
        known = {
            "kty": "RSA-HSM" if hsm else "RSA",
            "key_ops": key_ops or OPERATIONS["RSA"],
            "n": jwk["n"],
            "e": "AQAB",
        }
        self.note(self.ask("PUT", f"/keys/{name}", body), name, known, properties)

    @rule(which=WHICH, index=INDEXES)
    def get_it(self, which: int, index: int) -> None:
        name, kept = self.some(which)
        if kept is None:
            self.refused(self.ask("GET", f"/keys/{name}"), 404, "KeyNotFound")
            return
        assert self.ask("GET", f"/keys/{self.path(kept, index)}") == (200, self.version(kept, index))

    @rule(which=WHICH, index=INDEXES, key_ops=KEY_OPS, properties=PROPERTIES)
    def update_it(self, which: int, index: int, key_ops: list[str] | None, properties: Json) -> None:
        body = properties if key_ops is None else {"key_ops": key_ops, **properties}
        name, kept = self.some(which)
        if kept is None:
            self.refused(self.ask("PATCH", f"/keys/{name}/", body), 404, "KeyNotFound")
            return
        before = self.version(kept, index)
        after = {
            **before,
            "attributes": {**before["attributes"], **properties.get("attributes", {}), "updated": self.now},
        }
        if "tags" in properties:
            after["tags"] = properties["tags"]
        if key_ops is not None:
            after["key"] = {**before["key"], "key_ops": key_ops}
        assert self.ask("PATCH", f"/keys/{self.path(kept, index)}", body) == (200, after)
        kept.versions[kept.versions.index(before)] = after

    @rule(which=WHICH, index=INDEXES)
    def sign_it(self, which: int, index: int) -> None:
        self.sign_with(self.some(which)[0], index)

    def sign_with(self, name: str, index: int) -> None:
        kept = self.active(name)
        if kept is None:
            self.refused(self.ask("POST", f"/keys/{name}/sign", {"alg": "ES256", "value": "YQ"}), 404, "KeyNotFound")
            return
        version, path = self.version(kept, index), self.path(kept, index)
        algorithm, digest = ("ES512", LONG_DIGEST) if version["key"].get("crv") == "P-521" else ("ES256", DIGEST)
        algorithm = "PS256" if "n" in version["key"] else algorithm
        answer = self.ask("POST", f"/keys/{path}/sign", {"alg": algorithm, "value": to_base64url(digest)})
        if not self.usable(answer, version, "sign"):
            return
        assert answer == (200, {"kid": self.id_of(version), "value": answer[1]["value"]})
        verify(version["key"], digest, from_base64url(answer[1]["value"]))
        signed = {"alg": algorithm, "digest": to_base64url(digest), "value": answer[1]["value"]}
        self.signatures.append((kept, self.id_of(version), signed))

    @rule()
    def verify_and_unwrap(self) -> None:
        """Use what was made before, the latest first, wherever the keys are in their lives by now."""
        for signed in self.signatures[-3:]:
            if found := self.used(signed, "verify"):
                assert found == (200, {"value": True})
        for sealed in self.wrapped[-3:]:
            if found := self.used(sealed, "unwrapKey"):
                assert found == (200, {"kid": sealed[1], "value": "YWJj"})

    @rule(which=WHICH, index=INDEXES)
    def wrap_it(self, which: int, index: int) -> None:
        self.wrap_with(self.some(which)[0], index)

    def wrap_with(self, name: str, index: int) -> None:
        kept = self.active(name)
        if kept is None or "n" not in self.version(kept, index)["key"]:
            return
        version = self.version(kept, index)
        answer = self.ask("POST", f"/keys/{self.path(kept, index)}/wrapkey", {"alg": "RSA-OAEP-256", "value": "YWJj"})
        if self.usable(answer, version, "wrapKey"):
            sealed = {"alg": "RSA-OAEP-256", "value": answer[1]["value"]}
            self.wrapped.append((kept, self.id_of(version), sealed))

    @rule(which=WHICH)
    def rotate_it(self, which: int) -> None:
        name, kept = self.some(which)
        answer = self.ask("POST", f"/keys/{name}/rotate")
        if kept is None:
            self.nothing_active(answer, name)
            return
        expected = self.rotated(kept, self.now)
        assert answer == (200, self.with_material(expected, answer[1]))
        kept.versions.append(answer[1])

    @rule(which=WHICH, policy=POLICIES)
    def set_its_policy(self, which: int, policy: tuple[int | None, int | None, int | None]) -> None:
        self.set_policy(self.some(which)[0], policy)

    def set_policy(self, name: str, policy: tuple[int | None, int | None, int | None]) -> None:
        after, before, life = policy
        attributes = {} if life is None else {"expiryTime": f"P{life}D"}
        trigger = {"timeAfterCreate": f"P{after}D"} if after else {"timeBeforeExpiry": f"P{before}D"}
        actions = [{"trigger": trigger, "action": {"type": "Rotate"}}] if after or before else []
        body = {"lifetimeActions": actions, "attributes": attributes}
        answer, kept = self.ask("PUT", f"/keys/{name}/rotationpolicy", body), self.active(name)
        if kept is None:
            self.refused(answer, 404, "KeyNotFound")
            return
        notify = [{"trigger": {"timeBeforeExpiry": "P30D"}, "action": {"type": "Notify"}}] if actions else []
        created = kept.policy["attributes"]["created"] if kept.policy else self.now
        kept.policy = {
            "id": f"https://{self.vault.host}/keys/{name}/rotationpolicy",
            "lifetimeActions": [*actions, *notify],
            "attributes": {**attributes, "created": created, "updated": self.now},
        }
        assert answer == (200, kept.policy)

    def age(self) -> None:
        """Rotate what its policy says, at the moments that it says."""
        for name, kept in self.objects.items():
            if self.where(name) != "active":
                continue
            due: list[Json] = []
            while (moment := self.next_rotation(kept, due[-1] if due else kept.versions[-1])) is not None:
                due.append(self.rotated(kept, moment))
            ids = {self.id_of(version) for version in kept.versions}
            new = [item["kid"] for item in self.listed(f"/keys/{name}/versions", 25) if item["kid"] not in ids]
            bundles = [self.ask("GET", identifier.removeprefix(f"https://{self.vault.host}"))[1] for identifier in new]
            bundles.sort(key=lambda bundle: int(bundle["attributes"]["created"]))
            assert len(bundles) == len(due)
            assert bundles == [self.with_material(one, bundle) for one, bundle in zip(due, bundles, strict=True)]
            kept.versions.extend(bundles)

    def next_rotation(self, kept: Kept, latest: Json) -> int | None:
        if not latest["attributes"]["enabled"] or kept.policy is None or kept.policy["lifetimeActions"] == []:
            return None
        trigger = kept.policy["lifetimeActions"][0]["trigger"]
        made, expires = latest["attributes"]["created"], latest["attributes"].get("exp")
        if after := trigger.get("timeAfterCreate"):
            due = made + days(after)
        elif expires is None:
            return None
        else:
            due = expires - days(trigger["timeBeforeExpiry"])
        return int(due) if made < due <= self.now else None

    def rotated(self, kept: Kept, moment: int) -> Json:
        """Return the version that a rotation makes of the latest one, but for its id and its public members."""
        latest = kept.versions[-1]
        attributes = {name: each for name, each in latest["attributes"].items() if name not in {"nbf", "exp"}}
        life = (kept.policy or {"attributes": {}})["attributes"].get("expiryTime")
        expires = {"exp": moment + days(life)} if life else {}
        return {
            **latest,
            "attributes": {**attributes, "enabled": True, "created": moment, "updated": moment, **expires},
        }

    def with_material(self, expected: Json, answer: Json) -> Json:
        """Return a version that is expected, with what the vault chose; of an imported key, a rotation changes ``n``."""
        key = answer["key"]
        assert key["kid"] != expected["key"]["kid"]
        changed = {member: key[member] for member in ("kid", "n", "x", "y") if member in expected["key"]}
        assert not {member for member in changed if changed[member] == expected["key"][member]}
        return {**expected, "key": {**expected["key"], **changed}}

    def version(self, kept: Kept, index: int) -> Json:
        return kept.versions[min(index, len(kept.versions) - 1)]

    def path(self, kept: Kept, index: int) -> str:
        """Return the path to a version; -1 leaves the version out, which means the latest."""
        version = "" if index == -1 else self.id_of(self.version(kept, index)).rpartition("/")[2]
        return f"{kept.name}/{version}"

    def usable(self, answer: Reply, version: Json, operation: str) -> bool:
        """Say whether a version does an operation now, and check that the vault refuses it where not."""
        attributes, inner = version["attributes"], None
        if not attributes["enabled"]:
            inner = "KeyDisabled"
        elif operation not in version["key"]["key_ops"]:
            inner = "KeyOperationForbidden"
        elif operation in {"sign", "wrapKey"} and self.now < attributes.get("nbf", 0):
            inner = "KeyNotYetValid"
        elif operation in {"sign", "wrapKey"} and self.now >= attributes.get("exp", float("inf")):
            inner = "KeyExpired"
        if inner is not None:
            self.refused(answer, 403, "Forbidden", inner)
        return inner is None

    def used(self, made: tuple[Kept, str, Json], operation: str) -> Reply | None:
        """Return the vault's answer to what a version of a key made; None where the vault rightly refuses."""
        former, identifier, body = made
        path = identifier.removeprefix(f"https://{self.vault.host}")
        answer, kept = self.ask("POST", f"{path}/{operation.lower()}", body), self.active(former.name)
        version = next((each for each in kept.versions if self.id_of(each) == identifier), None) if kept else None
        if version is None:
            self.refused(answer, 404, "KeyNotFound")
            return None
        return answer if self.usable(answer, version, operation) else None


def days(duration: str) -> int:
    return int(duration.removeprefix("P").removesuffix("D")) * DAY


def verify(key: Json, digest: bytes, signature: bytes) -> None:
    """Verify a signature as any library would, with what the vault says of the key."""
    numbers = {name: int.from_bytes(from_base64url(key[name])) for name in ("n", "e", "x", "y") if name in key}
    if "n" in numbers:
        public = rsa.RSAPublicNumbers(numbers["e"], numbers["n"]).public_key()
        pad = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32)
        public.verify(signature, digest, pad, utils.Prehashed(hashes.SHA256()))
        return
    size, hashed = (66, hashes.SHA512()) if key["crv"] == "P-521" else (32, hashes.SHA256())
    r, s = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
    point = ec.EllipticCurvePublicNumbers(numbers["x"], numbers["y"], CURVES[key["crv"]]).public_key()
    point.verify(utils.encode_dss_signature(r, s), digest, ec.ECDSA(utils.Prehashed(hashed)))


def test_a_vault_does_what_the_model_says(serve: Serve) -> None:
    imported = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    run_machine(lambda azure, address: KeyMachine(azure, address, imported), serve, steps=30)
