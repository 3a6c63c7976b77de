"""Any order of requests, and any time between them, against a plain model of what a vault holds."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import requests
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import Config
from keyless.local.azure.keyvault.settings import VaultSettings
from keyless.local.clock import Clock
from keyless.local.wire.keyvault import vault_app

if TYPE_CHECKING:
    from tests.local.conftest import Serve

DELAY, DAY = 4, 86_400
RUNS = 1000 if os.environ.get("KEYLESS_LONG_TESTS") else 100
NAMES = st.sampled_from(["a", "A", "b-1", "B-1", "Zeta", "restore"])
FIRST_NAMES = ("a", "b-1", "Zeta", "restore")
VALUES = st.text(st.characters(codec="utf-8"), max_size=20)
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "contentType": st.text(st.characters(codec="utf-8"), max_size=20),
        "tags": st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
        "attributes": st.fixed_dictionaries(
            {}, optional={"enabled": st.booleans(), "nbf": st.integers(-(2**31), 2**33), "exp": st.integers(0, 2**33)}
        ),
    },
).filter(lambda body: json.dumps(body, ensure_ascii=False).isprintable())


class StandingClock(Clock):
    """Moves only when it is advanced, so that the model knows the time to the second."""

    def now(self) -> float:
        return 1_700_000_000 + self._offset


@dataclass
class Kept:
    """A secret as the model knows it: its versions in JSON, the latest last, and where it is in its life."""

    name: str
    versions: list[dict[str, Any]]
    state: str = "active"
    settles_on: float = 0
    purge_on: float = float("inf")
    deleted: dict[str, Any] = field(default_factory=dict)


class SecretMachine(RuleBasedStateMachine):
    """One vault, asked over HTTP, and the model beside it."""

    def __init__(self, azure: Azure, address: str) -> None:
        super().__init__()
        self.azure = azure
        self.address = address
        self.session = requests.Session()
        self.secrets: dict[str, Kept] = {}
        self.backups: list[tuple[str, Kept]] = []

    @initialize(
        days=st.sampled_from([7, 90]),
        protected=st.booleans(),
        delay=st.sampled_from([0, DELAY]),
        there=st.sets(st.sampled_from(FIRST_NAMES)),
        deleted=st.sets(st.sampled_from(FIRST_NAMES)),
    )
    def make_the_vault(self, days: int, *, protected: bool, delay: int, there: set[str], deleted: set[str]) -> None:
        self.days, self.protected, self.delay = days, protected, delay
        self.vault = self.azure.add_vault(
            f"vault-{len(self.azure.vaults)}",
            VaultSettings(
                soft_delete_days=days, purge_protection=protected, deletion_seconds=delay, recovery_seconds=delay
            ),
        )
        self.azure.identity("system").grant("Key Vault Secrets Officer", on=self.vault)
        for name in sorted(there | deleted):
            self.set_it(name, f"first value of {name}", {})
        for name in sorted(deleted):
            self.delete_it(name)
        self.let_time_pass(DELAY)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        token = self.azure.tokens.issue(self.azure.identity("system"), "https://vault.azure.net").text
        answer = self.session.request(
            method,
            f"{self.address}{path}{'&' if '?' in path else '?'}api-version=7.6",
            headers={"Host": self.vault.host, "Authorization": f"Bearer {token}"},
            data=None if body is None else json.dumps(body),
            timeout=30,
        )
        return answer.status_code, answer.json() if answer.content else {}

    @property
    def now(self) -> int:
        return int(self.azure.clock.now())

    def known(self, name: str) -> Kept | None:
        return self.secrets.get(name.lower())

    def where(self, name: str) -> str:
        """Say where a secret is in its life."""
        kept = self.known(name)
        if kept is None:
            return "absent"
        on_the_way = {"active": "recovering", "deleted": "deleting", "purged": "purging"}
        return kept.state if kept.settles_on <= self.now else on_the_way[kept.state]

    def refused(self, answer: tuple[int, dict[str, Any]], status: int, code: str, inner: str | None = None) -> None:
        error = answer[1]["error"]
        assert (answer[0], error["code"], error.get("innererror", {}).get("code")) == (status, code, inner)

    @rule(name=NAMES, value=VALUES, properties=PROPERTIES)
    def set_it(self, name: str, value: str, properties: dict[str, Any]) -> None:
        answer = self.ask("PUT", f"/secrets/{name}", {"value": value, **properties})
        codes = {
            "deleting": "ObjectIsBeingDeleted",
            "purging": "ObjectIsBeingDeleted",
            "deleted": "ObjectIsDeletedButRecoverable",
            "recovering": "ObjectIsBeingRecovered",
        }
        if code := codes.get(self.where(name)):
            self.refused(answer, 409, "Conflict", code)
            return
        kept = self.secrets.setdefault(name.lower(), Kept(name, []))
        level = f"{'' if self.days == 90 else 'Customized'}Recoverable{'' if self.protected else '+Purgeable'}"
        version = answer[1]["id"].rpartition("/")[2]
        times = {"created": self.now, "updated": self.now, "recoveryLevel": level, "recoverableDays": self.days}
        tags = properties.get("tags")
        expected = {
            "value": value,
            **({"contentType": properties["contentType"]} if "contentType" in properties else {}),
            "id": f"https://{self.vault.host}/secrets/{kept.name}/{version}",
            "attributes": {"enabled": True, **properties.get("attributes", {}), **times},
            **({"tags": tags} if tags else {}),
        }
        assert answer == (200, expected)
        kept.versions.append(expected)

    @rule(name=NAMES, index=st.integers(-1, 3))
    def get_it(self, name: str, index: int) -> None:
        kept = self.known(name)
        if kept is None or self.where(name) != "active":
            self.refused(self.ask("GET", f"/secrets/{name}"), 404, "SecretNotFound")
            return
        index = min(index, len(kept.versions) - 1)
        version = kept.versions[index]
        answer = self.ask("GET", f"/secrets/{name}/{'' if index == -1 else version['id'].rpartition('/')[2]}")
        if version["attributes"]["enabled"]:
            assert answer == (200, version)
        else:
            self.refused(answer, 403, "Forbidden", "SecretDisabled")

    @rule(name=NAMES, properties=PROPERTIES)
    def update_it(self, name: str, properties: dict[str, Any]) -> None:
        answer = self.ask("PATCH", f"/secrets/{name}/", properties)
        kept = self.known(name)
        if kept is None or self.where(name) != "active":
            self.refused(answer, 404, "SecretNotFound")
            return
        before = kept.versions[-1]
        attributes = {**before["attributes"], **properties.get("attributes", {}), "updated": self.now}
        after = {**before, **properties, "attributes": attributes}
        if not after.get("tags"):
            after.pop("tags", None)
        kept.versions[-1] = after
        assert answer == (200, {key: each for key, each in after.items() if key != "value"})

    @rule(name=NAMES)
    def delete_it(self, name: str) -> None:
        answer, kept, where = self.ask("DELETE", f"/secrets/{name}"), self.known(name), self.where(name)
        if kept is None or where != "active":
            recovering = where == "recovering"
            self.refused(
                answer, *((409, "Conflict", "ObjectIsBeingRecovered") if recovering else (404, "SecretNotFound"))
            )
            return
        kept.state, kept.settles_on, kept.purge_on = "deleted", self.now + self.delay, self.now + self.days * DAY
        kept.deleted = {
            "recoveryId": f"https://{self.vault.host}/deletedsecrets/{kept.name}",
            "deletedDate": self.now,
            "scheduledPurgeDate": kept.purge_on,
            **{key: each for key, each in kept.versions[-1].items() if key != "value"},
        }
        assert answer == (200, kept.deleted)

    @rule(name=NAMES)
    def recover_it(self, name: str) -> None:
        answer, kept, where = self.ask("POST", f"/deletedsecrets/{name}/recover"), self.known(name), self.where(name)
        if kept is None or where != "deleted":
            self.not_deleted(answer, where)
            return
        kept.state, kept.settles_on, kept.purge_on = "active", self.now + self.delay, float("inf")
        assert answer == (200, {key: each for key, each in kept.versions[-1].items() if key != "value"})

    @rule(name=NAMES)
    def purge_it(self, name: str) -> None:
        answer, kept, where = self.ask("DELETE", f"/deletedsecrets/{name}"), self.known(name), self.where(name)
        if kept is None or where != "deleted":
            self.not_deleted(answer, where)
        elif self.protected:
            self.refused(answer, 403, "Forbidden")
        else:
            assert answer == (204, {})
            kept.state, kept.versions = "purged", []
            kept.settles_on = kept.purge_on = self.now + self.delay
            self.forget()

    def not_deleted(self, answer: tuple[int, dict[str, Any]], where: str) -> None:
        codes = {"deleting": "ObjectIsBeingDeleted", "recovering": "ObjectIsBeingRecovered"}
        if code := codes.get(where):
            self.refused(answer, 409, "Conflict", code)
        else:
            self.refused(answer, 404, "SecretNotFound")

    @rule(name=NAMES)
    def back_it_up(self, name: str) -> None:
        answer, kept, where = self.ask("POST", f"/secrets/{name}/backup"), self.known(name), self.where(name)
        if kept is not None and where == "active":
            assert answer[0] == 200
            self.backups.append((answer[1]["value"], Kept(kept.name, list(kept.versions))))
        else:
            assert answer[0] == (409 if where == "recovering" else 404)

    @rule(index=st.integers(-3, -1))
    def restore_it(self, index: int) -> None:
        if len(self.backups) < -index:
            return
        blob, kept = self.backups[index]
        answer = self.ask("POST", "/secrets/restore", {"value": blob})
        if self.where(kept.name) != "absent":
            self.refused(answer, 409, "Conflict")
            return
        assert answer == (200, {key: each for key, each in kept.versions[-1].items() if key != "value"})
        self.secrets[kept.name.lower()] = Kept(kept.name, list(kept.versions))

    @rule(seconds=st.sampled_from([1, DELAY, 7 * DAY - 1, 7 * DAY, 90 * DAY]))
    def let_time_pass(self, seconds: int) -> None:
        self.azure.clock.advance(seconds=seconds)
        self.forget()

    def forget(self) -> None:
        self.secrets = {name: kept for name, kept in self.secrets.items() if kept.purge_on > self.now}

    def listed(self, path: str, size: int) -> list[dict[str, Any]]:
        items, link = [], f"{path}?maxresults={size}"
        while link:
            status, page = self.ask("GET", link.replace("api-version=7.6&", ""))
            assert status == 200
            assert len(page["value"]) <= size
            items += page["value"]
            link = (page["nextLink"] or "").removeprefix(f"https://{self.vault.host}:443")
        return items

    def expected(self, where: str) -> list[Kept]:
        return [kept for name, kept in sorted(self.secrets.items()) if self.where(name) == where]

    @rule(size=st.integers(1, 4))
    def list_the_deleted(self, size: int) -> None:
        expected = [{**kept.deleted, "id": kept.deleted["id"].rpartition("/")[0]} for kept in self.expected("deleted")]
        assert self.listed("/deletedsecrets", size) == expected

    @rule(name=NAMES, size=st.integers(1, 4))
    def list_its_versions(self, name: str, size: int) -> None:
        kept = self.known(name)
        versions = kept.versions if kept and self.where(name) == "active" else []
        expected = [{key: each for key, each in version.items() if key != "value"} for version in versions]
        assert self.listed(f"/secrets/{name}/versions", size) == sorted(expected, key=lambda item: str(item["id"]))

    @invariant()
    def the_list_is_right(self) -> None:
        if not hasattr(self, "vault"):
            return
        listed = self.listed("/secrets", 3)
        expected = [
            {**kept.versions[-1], "id": kept.versions[-1]["id"].rpartition("/")[0]} for kept in self.expected("active")
        ]
        assert listed == [{key: each for key, each in item.items() if key != "value"} for item in expected]

    def teardown(self) -> None:
        self.session.close()


def test_a_vault_does_what_the_model_says(serve: Serve) -> None:
    azure = Azure(Config(), clock=StandingClock())
    azure.add_identity("system")
    address = serve(vault_app(azure))
    run_state_machine_as_test(
        cast(type[RuleBasedStateMachine], partial(SecretMachine, azure, address)),
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
