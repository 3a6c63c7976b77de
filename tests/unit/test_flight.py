"""At most one piece of work a key at a time."""

import asyncio
import threading

import pytest

from keyless.deadline import Deadline
from keyless.errors import SecretNotFoundError
from keyless.flight import SingleFlight, arrival, landed

FAR = Deadline(1000.0, lambda: 0.0)


def not_found() -> SecretNotFoundError:
    return SecretNotFoundError("what.", cause="cause.", remedy="remedy.", code="SecretNotFound", status=404)


def test_only_the_first_opens_a_flight_and_all_get_its_result() -> None:
    flights: SingleFlight[int] = SingleFlight()
    first, opened = flights.board("a", FAR)
    second, opened_again = flights.board("a", FAR)
    assert (opened, opened_again) == (True, False)
    flights.fly("a", first, lambda: 42)
    assert landed(second) == 42
    assert flights.board("a", FAR)[1], "a landed flight is over"


def test_each_who_waits_raises_an_error_of_its_own() -> None:
    flights: SingleFlight[int] = SingleFlight()
    flight, _ = flights.board("a", FAR)
    cause = not_found()

    def work() -> int:
        raise cause

    flights.fly("a", flight, work)
    caught = []
    for _ in range(2):
        with pytest.raises(SecretNotFoundError) as info:
            landed(flight)
        caught.append(info.value)
    assert caught[0] is not caught[1]
    assert caught[0].status == 404
    assert cause.__traceback__ is None, "the frames of the work hold tokens"


def test_a_forgotten_flight_still_lands_for_those_aboard_and_is_not_current() -> None:
    flights: SingleFlight[int] = SingleFlight()
    old, _ = flights.board("a", FAR)
    flights.forget("a")
    new, opened = flights.board("a", FAR)
    assert opened
    assert new is not old
    assert not flights.is_current("a", old)
    flights.fly("a", old, lambda: 1)
    assert landed(old) == 1
    assert flights.is_current("a", new), "the old flight's landing leaves the new one alone"


def test_abandoned_flights_land_with_the_error_and_a_late_result_is_dropped() -> None:
    flights: SingleFlight[int] = SingleFlight()
    flight, _ = flights.board("a", FAR)
    flights.abandon(not_found())
    flights.fly("a", flight, lambda: 1)
    with pytest.raises(SecretNotFoundError):
        landed(flight)


async def test_a_cancelled_task_leaves_the_flight_to_the_others() -> None:
    flights: SingleFlight[int] = SingleFlight()
    flight, _ = flights.board("a", FAR)
    cancelled = asyncio.create_task(arrival(flight, 10.0))
    waiting = asyncio.create_task(arrival(flight, 10.0))
    await asyncio.sleep(0)
    cancelled.cancel()
    threading.Thread(target=flights.fly, args=("a", flight, lambda: 7)).start()
    assert await waiting
    assert landed(flight) == 7
    with pytest.raises(asyncio.CancelledError):
        await cancelled


async def test_an_arrival_that_takes_too_long_is_said_to_be_late() -> None:
    flights: SingleFlight[int] = SingleFlight()
    flight, _ = flights.board("a", FAR)
    assert not await arrival(flight, 0.0)


def test_an_overdue_flight_is_joined_no_more() -> None:
    flights, now = SingleFlight[int](), [0.0]
    due = Deadline(5.0, lambda: now[0])
    first, _ = flights.board("a", due)
    now[0] = 4.9
    assert flights.board("a", due) == (first, False)
    now[0] = 5.0
    second, opened = flights.board("a", Deadline(10.0, lambda: now[0]))
    assert opened
    assert second is not first


def test_a_forgotten_flight_is_landed_by_abandon_too() -> None:
    flights: SingleFlight[int] = SingleFlight()
    flight, _ = flights.board("a", FAR)
    flights.forget("a")
    flights.abandon(not_found())
    with pytest.raises(SecretNotFoundError):
        landed(flight)
