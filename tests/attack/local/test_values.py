"""Values that dates, SQLite or JSON cannot hold are refused when they are set, and a clock that is set back harms nobody."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.attack.local.started import up

from keyless.errors import ConfigurationError
from keyless.local.azure.azure import Azure
from keyless.local.azure.identities.tokens import Claims, Rejection

if TYPE_CHECKING:
    from pathlib import Path

HUGE = int("9" * 400)
SECRET = "vaults/contoso-kv/secrets/s"
REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("PUT", SECRET, {"value": "x", "expires_on": "9999-12-31T23:59:59-23:59"}),
    ("PUT", SECRET, {"value": "x", "expires_on": "0001-01-01T00:00:00+23:59"}),
    ("PUT", SECRET, {"value": "\ud800"}),
    ("PUT", SECRET, {"value": "x", "tags": {"\ud800": "x"}}),
    ("POST", "configuration", {"role_propagation_seconds": HUGE}),
    ("POST", "configuration", {"token_lifetimes": {"imds": HUGE}}),
    ("POST", "configuration", {"vaults": {"\u212aontoso-k": {}}}),
    ("POST", "configuration", {"identities": {"../x": {}}}),
    ("POST", "clock", {"days": 1e300}),
    ("POST", "clock", {"days": HUGE}),
    ("POST", "identities", {"name": "../../PWNED"}),
    ("POST", "identities", {"name": "x\0"}),
    ("POST", "identities", {"name": "a" * 100_000}),
    ("POST", "identities", {"name": "a", "client_id": "../../x"}),
    ("POST", "identities", {"name": "b", "resource_id": "x"}),
    ("POST", "roles", {"identity": "system", "role": "\ud800", "on": "contoso-kv"}),
    ("POST", "faults", {"name": "throttled", "headers": {"Content-Type": "text/html"}}),
    ("POST", "faults", {"name": "throttled", "headers": {"Transfer-Encoding": "chunked"}}),
    ("POST", "faults", {"name": "throttled", "headers": {"Content-Length": "3"}}),
]


def test_the_control_api_refuses_what_nothing_can_hold_and_goes_on(tmp_path: Path) -> None:
    with up(folder=tmp_path) as found:
        for method, path, body in REFUSED:
            answer = found.ask(method, path, data=json.dumps(body))
            assert answer.status_code == 400, (method, path)
            assert answer.json()["error"]["remedy"]
        encoded = found.ask("POST", "clock", data=b"abc", headers={"Content-Encoding": "gzip"})
        assert encoded.status_code == 400
        for path in (
            "clock",
            "sources",
            "identities",
            "journal",
            "configuration?values=true",
            "vaults/contoso-kv/secrets",
        ):
            assert found.ask("GET", path).status_code == 200, path
        assert found.stop() == 0
        assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    "wrong", [{"name": "../x"}, {"name": "a", "client_id": "x"}, {"name": "a", "resource_id": "x"}, {"name": "\ud800"}]
)
def test_python_is_refused_what_a_keyless_toml_is(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="Allowed"):
        Azure().add_identity(**wrong)


@pytest.mark.parametrize("hours", [1, 24])
def test_tokens_of_before_and_of_now_are_good_where_the_machine_s_clock_is_set_back(
    hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    azure, real = Azure(), time.time
    identity = azure.identity("system")
    before = azure.tokens.issue(identity, "https://vault.azure.net")
    monkeypatch.setattr(time, "time", lambda: real() - 3600 * hours)
    now = azure.tokens.issue(identity, "https://vault.azure.net", bypass_cache=True)
    for token in (before, now):
        found = azure.tokens.verify(token.text, audiences=("https://vault.azure.net",), tenant_id=azure.tenant_id)
        assert isinstance(found, Claims)
    at = azure.clock.now()
    azure.clock.advance(minutes=10)
    assert azure.clock.now() - at == pytest.approx(600, abs=1)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": "1"},
        {"exp": [1]},
        {"exp": float("inf")},
        {"exp": 10**40},
        {"exp": True},
        {"nbf": "x"},
        {"oid": "\ud800"},
        {"oid": None},
        {"appid": 1},
        {"iss": "\ud800"},
        {"aud": [[1]]},
    ],
)
def test_a_claim_of_the_wrong_type_is_a_refusal(claims: dict[str, object]) -> None:
    azure = Azure()
    identity, now = azure.identity("system"), int(azure.clock.now())
    good: dict[str, object] = {
        "aud": "https://vault.azure.net",
        "iss": f"https://sts.windows.net/{azure.tenant_id}/",
        "exp": now + 100,
        "nbf": now - 10,
        "oid": identity.object_id,
        "appid": identity.client_id,
    }
    for signed, expected in ((good, Claims), ({**good, **claims}, Rejection)):
        token = azure.tokens.sign(signed)
        found = azure.tokens.verify(token, audiences=("https://vault.azure.net",), tenant_id=azure.tenant_id)
        assert isinstance(found, expected)
