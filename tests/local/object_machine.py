"""The life of the objects in a vault against a plain model: what is the same for secrets, keys and whatever else there is."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

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
    from collections.abc import Callable

    from tests.local.conftest import Serve

    from keyless.local.azure.keyvault.vault import Vault

START, DELAY, DAY = 1_700_000_000, 4, 86_400
RUNS = 1000 if os.environ.get("KEYLESS_LONG_TESTS") else 100
NAMES = st.sampled_from(["a", "A", "b-1", "B-1", "Zeta", "restore"])
FIRST_NAMES = ("a", "b-1", "Zeta", "restore")

Json = dict[str, Any]
Reply = tuple[int, Json]


class StandingClock(Clock):
    """Moves only when it is advanced, so that the model knows the time to the second."""

    def now(self) -> float:
        return START + self._offset


@dataclass
class Kept:
    """An object as the model knows it: its versions in JSON, the latest last, and where it is in its life."""

    name: str
    versions: list[Json]
    state: str = "active"
    settles_on: float = 0
    purge_on: float = float("inf")
    deleted: Json = field(default_factory=dict)
    policy: Json | None = None


class VaultMachine(RuleBasedStateMachine):
    """One vault, asked over HTTP."""

    vault: Vault

    def __init__(self, azure: Azure, address: str) -> None:
        super().__init__()
        self.azure = azure
        self.address = address
        self.session = requests.Session()

    def ask(self, method: str, path: str, body: Json | None = None) -> Reply:
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

    def teardown(self) -> None:
        self.session.close()


class ObjectMachine(VaultMachine):
    """One vault, and beside it the model of the objects in it.

    Attributes:
        kind: What the objects are, as the path has it.
        not_found: The code of what is not there.
        role: What may do everything with them.
    """

    kind: ClassVar[str]
    not_found: ClassVar[str]
    role: ClassVar[str]

    def __init__(self, azure: Azure, address: str) -> None:
        super().__init__(azure, address)
        self.objects: dict[str, Kept] = {}
        self.backups: list[tuple[str, Kept]] = []

    def make(self, name: str) -> None:
        """Make a version of an object, and note it."""
        raise NotImplementedError

    def id_of(self, version: Json) -> str:
        """Return the address of a version."""
        raise NotImplementedError

    def whole(self, version: Json) -> Json:
        """Return what a recovery, a restoration and a deletion show of a version."""
        raise NotImplementedError

    def item(self, version: Json, identifier: str) -> Json:
        """Return what a list shows of a version, under an address."""
        raise NotImplementedError

    @initialize(
        days=st.sampled_from([7, 90]),
        protected=st.booleans(),
        delay=st.sampled_from([0, DELAY]),
        there=st.sets(st.sampled_from(FIRST_NAMES)),
        deleted=st.sets(st.sampled_from(FIRST_NAMES)),
    )
    def make_the_vault(self, days: int, *, protected: bool, delay: int, there: set[str], deleted: set[str]) -> None:
        self.azure.reset(Config())
        self.days, self.protected, self.delay = days, protected, delay
        self.vault = self.azure.add_vault(
            "machine-kv",
            VaultSettings(
                soft_delete_days=days, purge_protection=protected, deletion_seconds=delay, recovery_seconds=delay
            ),
        )
        self.azure.add_identity("system").grant(self.role, on=self.vault)
        for name in sorted(there | deleted):
            self.make(name)
        for name in sorted(deleted):
            self.delete_it(name)
        self.let_time_pass(DELAY)

    @property
    def new_attributes(self) -> Json:
        """The attributes that a vault gives to what is made now."""
        level = f"{'' if self.days == 90 else 'Customized'}Recoverable{'' if self.protected else '+Purgeable'}"
        return {"created": self.now, "updated": self.now, "recoveryLevel": level, "recoverableDays": self.days}

    def known(self, name: str) -> Kept | None:
        return self.objects.get(name.lower())

    def where(self, name: str) -> str:
        """Say where an object is in its life."""
        kept = self.known(name)
        if kept is None:
            return "absent"
        on_the_way = {"active": "recovering", "deleted": "deleting", "purged": "purging"}
        return kept.state if kept.settles_on <= self.now else on_the_way[kept.state]

    def active(self, name: str) -> Kept | None:
        kept = self.known(name)
        return kept if kept is not None and self.where(name) == "active" else None

    def refused(self, answer: Reply, status: int, code: str, inner: str | None = None) -> None:
        error = answer[1]["error"]
        assert (answer[0], error["code"], error.get("innererror", {}).get("code")) == (status, code, inner)

    def name_is_in_use(self, answer: Reply, name: str) -> bool:
        """Say whether nothing can be made under a name, and check that the vault says so, too."""
        codes = {
            "deleting": "ObjectIsBeingDeleted",
            "purging": "ObjectIsBeingDeleted",
            "deleted": "ObjectIsDeletedButRecoverable",
            "recovering": "ObjectIsBeingRecovered",
        }
        if code := codes.get(self.where(name)):
            self.refused(answer, 409, "Conflict", code)
            return True
        return False

    def nothing_active(self, answer: Reply, name: str) -> None:
        if self.where(name) == "recovering":
            self.refused(answer, 409, "Conflict", "ObjectIsBeingRecovered")
        else:
            self.refused(answer, 404, self.not_found)

    @rule(name=NAMES)
    def delete_it(self, name: str) -> None:
        answer, kept = self.ask("DELETE", f"/{self.kind}/{name}"), self.active(name)
        if kept is None:
            self.nothing_active(answer, name)
            return
        kept.state, kept.settles_on, kept.purge_on = "deleted", self.now + self.delay, self.now + self.days * DAY
        kept.deleted = {
            "recoveryId": f"https://{self.vault.host}/deleted{self.kind}/{kept.name}",
            "deletedDate": self.now,
            "scheduledPurgeDate": kept.purge_on,
        }
        assert answer == (200, {**kept.deleted, **self.whole(kept.versions[-1])})

    @rule(name=NAMES)
    def recover_it(self, name: str) -> None:
        answer, kept = self.ask("POST", f"/deleted{self.kind}/{name}/recover"), self.known(name)
        if kept is None or self.where(name) != "deleted":
            self.not_deleted(answer, name)
            return
        kept.state, kept.settles_on, kept.purge_on = "active", self.now + self.delay, float("inf")
        assert answer == (200, self.whole(kept.versions[-1]))

    @rule(name=NAMES)
    def purge_it(self, name: str) -> None:
        answer, kept = self.ask("DELETE", f"/deleted{self.kind}/{name}"), self.known(name)
        if kept is None or self.where(name) != "deleted":
            self.not_deleted(answer, name)
        elif self.protected:
            self.refused(answer, 403, "Forbidden")
        else:
            assert answer == (204, {})
            kept.state, kept.versions = "purged", []
            kept.settles_on = kept.purge_on = self.now + self.delay
            self.forget()

    def not_deleted(self, answer: Reply, name: str) -> None:
        codes = {"deleting": "ObjectIsBeingDeleted", "recovering": "ObjectIsBeingRecovered"}
        if code := codes.get(self.where(name)):
            self.refused(answer, 409, "Conflict", code)
        else:
            self.refused(answer, 404, self.not_found)

    @rule(name=NAMES)
    def back_it_up(self, name: str) -> None:
        answer, kept = self.ask("POST", f"/{self.kind}/{name}/backup"), self.active(name)
        if kept is None:
            self.nothing_active(answer, name)
        else:
            assert answer[0] == 200
            self.backups.append((answer[1]["value"], Kept(kept.name, list(kept.versions))))

    @rule(index=st.integers(-3, -1))
    def restore_it(self, index: int) -> None:
        if len(self.backups) < -index:
            return
        blob, kept = self.backups[index]
        answer = self.ask("POST", f"/{self.kind}/restore", {"value": blob})
        if self.where(kept.name) != "absent":
            self.refused(answer, 409, "Conflict")
            return
        assert answer == (200, self.whole(kept.versions[-1]))
        self.objects[kept.name.lower()] = Kept(kept.name, list(kept.versions))

    @rule(seconds=st.sampled_from([1, DELAY, 7 * DAY - 1, 7 * DAY, 90 * DAY]))
    def let_time_pass(self, seconds: int) -> None:
        self.azure.clock.advance(seconds=seconds)
        self.forget()
        self.age()

    def forget(self) -> None:
        self.objects = {name: kept for name, kept in self.objects.items() if kept.purge_on > self.now}

    def age(self) -> None:
        """Do what falls due by now."""

    def listed(self, path: str, size: int) -> list[Json]:
        items, link = [], f"{path}?maxresults={size}"
        while link:
            status, page = self.ask("GET", link.replace("api-version=7.6&", ""))
            assert status == 200
            assert len(page["value"]) <= size
            items += page["value"]
            link = (page["nextLink"] or "").removeprefix(f"https://{self.vault.host}:443")
        return items

    def items(self, where: str) -> list[Json]:
        """Return what a list of all that are at one place in their lives shows."""
        return [
            {
                **(kept.deleted if where == "deleted" else {}),
                **self.item(kept.versions[-1], self.id_of(kept.versions[-1]).rpartition("/")[0]),
            }
            for name, kept in sorted(self.objects.items())
            if self.where(name) == where
        ]

    @rule(size=st.integers(1, 4))
    def list_the_deleted(self, size: int) -> None:
        assert self.listed(f"/deleted{self.kind}", size) == self.items("deleted")

    @rule(name=NAMES, size=st.integers(1, 4))
    def list_its_versions(self, name: str, size: int) -> None:
        kept = self.active(name)
        by_id = {self.id_of(version): version for version in kept.versions} if kept else {}
        expected = [self.item(by_id[identifier], identifier) for identifier in sorted(by_id)]
        assert self.listed(f"/{self.kind}/{name}/versions", size) == expected

    @invariant()
    def the_list_is_right(self) -> None:
        if hasattr(self, "vault"):
            assert self.listed(f"/{self.kind}", 3) == self.items("active")


def run_machine(machine: Callable[[Azure, str], VaultMachine], serve: Serve, *, steps: int, runs: int = RUNS) -> None:
    """Try a machine in many orders of requests."""
    azure = Azure(Config(), clock=StandingClock())
    address = serve(vault_app(azure))
    run_state_machine_as_test(
        cast(type[RuleBasedStateMachine], partial(machine, azure, address)),
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
