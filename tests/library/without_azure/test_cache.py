"""The cache decides by the time that it is given, so every age of a value can be shown without waiting."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless._reading.cache import PINNED_TTL, Deny, Fetch, Renew, Revalidate, SecretCache, Serve
from keyless.errors import (
    AccessDeniedError,
    IdentityUnavailableError,
    KeylessError,
    SecretDisabledError,
    SecretNotFoundError,
    VaultThrottledError,
    VaultUnreachableError,
)
from keyless.secret import Secret

TTL, MAX_STALE, NEGATIVE_TTL = 300.0, 86_400.0, 5.0


def make(value: str = "s3cr3t") -> Secret:
    return Secret(
        value=value,
        name="db",
        version="0" * 32,
        vault_url="https://contoso-kv.vault.azure.net",
        retrieved_on=datetime(2026, 1, 1, tzinfo=UTC),
    )


def cache(*, chance: float = 0.5) -> SecretCache:
    return SecretCache(ttl=TTL, max_stale=MAX_STALE, negative_ttl=NEGATIVE_TTL, chance=lambda: chance)


def held(shelf: SecretCache) -> Secret:
    return shelf.entries["db/"].secret


def fresh(shelf: SecretCache, key: str, now: float) -> Secret | None:
    found = shelf.lookup(key, now)
    return found.secret if isinstance(found, Serve) else None


def error(kind: type[KeylessError], retry_after: float | None = None) -> KeylessError:
    return kind("what.", cause="cause.", remedy="remedy.", retry_after=retry_after)


def test_a_secret_that_was_never_read_is_waited_for() -> None:
    assert cache().lookup("db/", 0.0) == Fetch()


def test_a_fresh_value_is_served_and_says_that_it_comes_from_the_cache() -> None:
    shelf = cache()
    shelf.store("db/", make(), 0.0, pinned=False)
    found = fresh(shelf, "db/", TTL - 1)
    assert found is not None
    assert (found.value, found.source) == ("s3cr3t", "cache")


def test_a_revalidating_value_is_served_while_it_is_refreshed_and_a_due_one_is_waited_for() -> None:
    shelf = cache()
    shelf.store("db/", make(), 0.0, pinned=False)
    assert isinstance(shelf.lookup("db/", TTL - 1), Serve)
    assert isinstance(shelf.lookup("db/", TTL), Revalidate)
    assert shelf.lookup("db/", TTL * 1.5) == Renew(held(shelf), MAX_STALE)
    assert fresh(shelf, "db/", TTL) is None


@given(chance=st.floats(0, 1))
def test_the_ttl_is_spread_by_a_fifth_so_that_instances_do_not_ask_together(chance: float) -> None:
    shelf = cache(chance=chance)
    shelf.store("db/", make(), 0.0, pinned=False)
    assert fresh(shelf, "db/", TTL * 0.8 - 0.01) is not None
    assert fresh(shelf, "db/", TTL * 1.2 + 0.01) is None


def test_a_pinned_version_is_asked_for_again_only_after_an_hour() -> None:
    shelf = cache()
    shelf.store("db/0", make(), 0.0, pinned=True)
    assert fresh(shelf, "db/0", PINNED_TTL - 1) is not None
    assert fresh(shelf, "db/0", PINNED_TTL) is None


@pytest.mark.parametrize("kind", [VaultUnreachableError, VaultThrottledError, IdentityUnavailableError])
def test_an_outage_serves_the_old_value_marked_stale_up_to_the_bound_and_not_beyond(kind: type[KeylessError]) -> None:
    shelf = cache()
    shelf.store("db/", make(), 0.0, pinned=False)
    entry = shelf.fail("db/", error(kind), MAX_STALE - 1)
    assert entry is not None
    assert entry.stale is not None
    assert (entry.stale.value, entry.stale.is_stale) == ("s3cr3t", True)
    found = shelf.lookup("db/", MAX_STALE - 0.5)
    assert isinstance(found, Serve)
    assert found.secret is entry.stale
    assert shelf.lookup("db/", MAX_STALE) == Fetch()
    assert shelf.fail("db/", error(kind), MAX_STALE) is None


@pytest.mark.parametrize("kind", [AccessDeniedError, SecretNotFoundError, SecretDisabledError])
def test_a_revocation_drops_the_value_at_once_and_is_remembered_for_seconds(kind: type[KeylessError]) -> None:
    shelf = cache()
    shelf.store("db/", make(), 0.0, pinned=False)
    assert shelf.fail("db/", error(kind), 400.0) is None
    denied = shelf.lookup("db/", 400.0 + NEGATIVE_TTL - 0.1)
    assert isinstance(denied, Deny)
    assert isinstance(denied.error, kind)
    assert shelf.lookup("db/", 400.0 + NEGATIVE_TTL) == Fetch()


def test_during_an_outage_the_vault_is_asked_at_growing_intervals() -> None:
    shelf = cache(chance=1.0)
    shelf.store("db/", make(), 0.0, pinned=False)
    now, waits = 400.0, []
    for _ in range(8):
        shelf.fail("db/", error(VaultUnreachableError), now)
        start = now
        while isinstance(shelf.lookup("db/", now), Serve):
            now += 0.5
        assert isinstance(shelf.lookup("db/", now), Revalidate)
        waits.append(now - start)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_what_the_service_asks_to_wait_is_waited_with_a_value_and_without() -> None:
    shelf = cache()
    shelf.store("db/", make(), 0.0, pinned=False)
    for key in ("db/", "other/"):
        shelf.fail(key, error(VaultThrottledError, retry_after=30), 400.0)
    assert isinstance(shelf.lookup("db/", 430.0), Serve)
    assert isinstance(shelf.lookup("db/", 431.0), Revalidate)
    assert isinstance(shelf.lookup("other/", 430.0), Deny)
    assert shelf.lookup("other/", 431.0) == Fetch(once=True)


def test_instances_that_are_asked_to_wait_for_the_same_time_come_back_spread_above_it() -> None:
    back = []
    for chance in (0.0, 0.5, 1.0):
        shelf = cache(chance=chance)
        shelf.store("db/", make(), 0.0, pinned=False)
        entry = None
        for _ in range(4):
            entry = shelf.fail("db/", error(VaultThrottledError, retry_after=10), 400.0)
        assert entry is not None
        back.append(entry.retry_at - 400.0)
    assert back == [14.0, 16.0, 18.0]


def test_without_a_value_the_first_failure_is_not_held_against_the_next_reader() -> None:
    shelf = cache()
    assert shelf.fail("db/", error(VaultUnreachableError), 0.0) is None
    assert shelf.lookup("db/", 0.0) == Fetch(once=True), "the next attempt is a single one"


def test_without_a_value_repeated_failures_are_remembered_for_growing_times() -> None:
    shelf = cache(chance=1.0)
    now, waits = 0.0, []
    for _ in range(9):
        shelf.fail("db/", error(VaultUnreachableError), now)
        start = now
        while isinstance(shelf.lookup("db/", now), Deny):
            now += 0.5
        assert shelf.lookup("db/", now) == Fetch(once=True)
        waits.append(now - start)
    assert waits == [0, 1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize("after", ["a success", "a refusal", "an invalidation", "a long silence"])
def test_failures_without_a_value_are_forgotten_after(after: str) -> None:
    shelf, now = cache(), 10.0
    for _ in range(5):
        shelf.fail("db/", error(VaultUnreachableError), now)
    assert isinstance(shelf.lookup("db/", now), Deny)
    if after == "a success":
        shelf.store("db/", make(), now, pinned=False)
        now += MAX_STALE
    elif after == "a refusal":
        shelf.fail("db/", error(SecretNotFoundError), now)
        now += NEGATIVE_TTL
    elif after == "an invalidation":
        shelf.expire("db/", now)
    else:
        now += 3600
    assert shelf.lookup("db/", now) == Fetch()


def test_a_reader_that_slept_through_the_end_of_an_outage_waits_rather_than_serve_old_news() -> None:
    shelf = cache()
    shelf.store("db/", make(), 0.0, pinned=False)
    shelf.fail("db/", error(VaultUnreachableError), 400.0)
    assert isinstance(shelf.lookup("db/", 402.0), Revalidate)
    found = shelf.lookup("db/", 36_000.0)
    assert isinstance(found, Renew)
    assert found.secret.is_stale


def test_a_version_that_is_no_longer_in_hand_cannot_expire_its_successor_nor_twice() -> None:
    shelf = cache()
    shelf.store("db/", make(), 0.0, pinned=False)
    assert not shelf.expire("db/", 0.5, "f" * 32)
    assert isinstance(shelf.lookup("db/", 1.0), Serve)
    assert shelf.expire("db/", 0.5, "0" * 32)
    assert not shelf.expire("db/", 0.5, "0" * 32)
    assert isinstance(shelf.lookup("db/", 1.0), Renew)
    shelf.fail("db/", error(AccessDeniedError), 2.0)
    assert not shelf.expire("db/", 2.5, "0" * 32)
    assert isinstance(shelf.lookup("db/", 3.0), Deny), "many that hold it cause no more than one request"


def test_a_rejected_version_that_the_vault_has_just_confirmed_is_not_asked_for_again_at_once() -> None:
    shelf = cache()
    shelf.store("db/", make(), 0.0, pinned=False)
    assert shelf.expire("db/", 1.0, "0" * 32), "the first rejection may mean a rotation"
    shelf.store("db/", make(), 2.0, pinned=False)
    assert not shelf.expire("db/", 2.0 + NEGATIVE_TTL - 0.1, "0" * 32), (
        "a service that always says no costs few requests"
    )
    assert shelf.expire("db/", 2.5), "whoever does not name a version means it"
    shelf.store("db/", make(), 3.0, pinned=False)
    assert shelf.expire("db/", 3.0 + NEGATIVE_TTL, "0" * 32)


def test_after_expire_the_vault_is_waited_for_and_the_value_stays_in_hand() -> None:
    shelf = cache()
    shelf.store("db/", make(), 0.0, pinned=False)
    shelf.expire("db/", 0.5)
    assert shelf.lookup("db/", 1.0) == Renew(held(shelf), MAX_STALE)


def test_a_recovered_secret_is_fresh_and_no_longer_stale() -> None:
    shelf = cache()
    shelf.store("db/", make("old"), 0.0, pinned=False)
    shelf.fail("db/", error(VaultUnreachableError), 400.0)
    before = shelf.store("db/", make("new"), 410.0, pinned=False)
    assert before is not None
    assert before.stale is not None
    found = shelf.lookup("db/", 411.0)
    assert isinstance(found, Serve)
    assert (found.secret.value, found.secret.source) == ("new", "cache")


def test_with_no_ttl_every_read_waits_for_the_vault_even_of_a_pinned_version() -> None:
    shelf = SecretCache(ttl=0.0, max_stale=MAX_STALE, negative_ttl=0.0, chance=lambda: 0.5)
    shelf.store("db/0", make(), 0.0, pinned=True)
    assert isinstance(shelf.lookup("db/0", 0.0), Renew)


def test_refusals_of_endless_names_do_not_fill_the_memory() -> None:
    shelf = cache()
    for number in range(5000):
        shelf.fail(f"name-{number}/", error(SecretNotFoundError), float(number) / 1000)
    assert sum(isinstance(shelf.lookup(f"name-{number}/", 5.0), Deny) for number in range(5000)) <= 1024


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["store", "outage", "revoke", "expire", "read"]), st.floats(0, 50_000)), max_size=30
    )
)
def test_no_history_serves_a_value_older_than_the_bound_or_after_a_revocation(steps: list[tuple[str, float]]) -> None:
    shelf, now, stored_at, revoked = cache(), 0.0, None, True
    for step, elapsed in steps:
        now += elapsed
        if step == "store":
            shelf.store("db/", make(), now, pinned=False)
            stored_at, revoked = now, False
        elif step == "outage":
            shelf.fail("db/", error(VaultUnreachableError), now)
        elif step == "revoke":
            shelf.fail("db/", error(AccessDeniedError), now)
            revoked = True
        elif step == "expire":
            shelf.expire("db/", now)
        found = shelf.lookup("db/", now)
        if isinstance(found, Serve | Revalidate | Renew):
            assert not revoked
            assert stored_at is not None
            assert now - stored_at < MAX_STALE or (isinstance(found, Serve) and now - stored_at < TTL * 1.2)
