"""A small fleet, simulated, keeps what the documents promise of large ones."""

from bench.fleet_simulation import Fleet, fixed_ttl, keyless
from bench.fleet_vault import LIMIT, Account, Scene

INSTANCES = 60
OUTAGE = Scene(name="outage", seconds=3000, waves=3, outage=(600.0, 2400.0))


def run(scene: Scene) -> Account:
    return Fleet(keyless(), scene, INSTANCES).run()


def test_no_answer_is_lost_in_half_an_hour_of_outage_and_all_is_well_a_minute_after_it() -> None:
    account = run(OUTAGE)
    assert account.lost == 0
    assert account.stale > 0
    assert account.recovered_at <= 2400 + 61
    assert account.oldest <= 1800 + 360 + 61


def test_a_rotation_is_seen_by_all_after_the_longest_ttl_and_one_read() -> None:
    account = run(Scene(name="rotation", seconds=1500, waves=3, rotations=(700.0,)))
    assert len(account.seen_after) == INSTANCES
    assert max(account.seen_after) <= 300 * 1.2 + 2
    assert account.lost == account.stale == 0


def test_instances_that_start_in_an_outage_ask_less_than_a_thirtieth_of_a_request_a_second_each() -> None:
    account = run(Scene(name="cold", seconds=1800, outage=(0.0, 1500.0)))
    assert sum(account.requests[300:1500]) < 1200 * INSTANCES / 30
    assert account.recovered_at <= 1500 + 61


def test_a_tenth_of_the_largest_fleet_asks_for_less_than_a_tenth_of_the_limit() -> None:
    scene = Scene(name="short outage", seconds=1500, waves=10, outage=(1000.0, 1300.0))
    account = Fleet(keyless(), scene, 1000).run()
    assert account.throttled == account.lost == 0
    assert account.most_in_window < LIMIT / 10


def test_ten_thousand_cold_starts_at_once_wait_their_turn_and_lose_no_answer() -> None:
    account = Fleet(keyless(), Scene(name="restart", seconds=45), 10_000).run()
    assert account.throttled > 0
    assert account.lost == 0
    assert account.recovered_at < 30


def test_the_same_seed_gives_the_same_account_and_a_cache_that_forgets_failures_asks_twenty_times_as_much() -> None:
    assert run(OUTAGE) == run(OUTAGE)
    rival = Fleet(fixed_ttl(keeps=False), OUTAGE, INSTANCES).run()
    assert rival.lost > 0
    assert sum(rival.requests[600:2400]) > 20 * sum(run(OUTAGE).requests[600:2400])
