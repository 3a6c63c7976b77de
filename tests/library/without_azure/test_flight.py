"""At most one piece of work a key at a time."""

import asyncio
import threading

import pytest

from keyless._reading.flight import SingleFlight, done_in, result_of
from keyless._wire.deadline import Deadline
from keyless.errors import ReaderClosedError, SecretNotFoundError

FAR = Deadline(1000.0, lambda: 0.0)


def not_found() -> SecretNotFoundError:
    return SecretNotFoundError("what.", cause="cause.", remedy="remedy.", code="SecretNotFound", status=404)


def test_only_the_first_opens_a_flight_and_all_get_its_result() -> None:
    flights: SingleFlight[int] = SingleFlight()
    first, opened = flights.join("a", FAR)
    second, opened_again = flights.join("a", FAR)
    assert (opened, opened_again) == (True, False)
    flights.run("a", first, lambda: 42)
    assert result_of(second) == 42
    assert flights.join("a", FAR)[1], "a flight that has ended is over"


def test_each_who_waits_raises_an_error_of_its_own() -> None:
    flights: SingleFlight[int] = SingleFlight()
    flight, _ = flights.join("a", FAR)
    cause = not_found()

    def work() -> int:
        raise cause

    flights.run("a", flight, work)
    caught = []
    for _ in range(2):
        with pytest.raises(SecretNotFoundError) as info:
            result_of(flight)
        caught.append(info.value)
    assert caught[0] is not caught[1]
    assert caught[0].status == 404
    assert cause.__traceback__ is None, "the frames of the work hold tokens"


def test_a_forgotten_flight_still_ends_for_those_who_joined_it_and_is_not_current() -> None:
    flights: SingleFlight[int] = SingleFlight()
    old, _ = flights.join("a", FAR)
    flights.forget("a")
    new, opened = flights.join("a", FAR)
    assert opened
    assert new is not old
    assert not flights.is_current("a", old)
    flights.run("a", old, lambda: 1)
    assert result_of(old) == 1
    assert flights.is_current("a", new), "the old flight's end leaves the new one alone"


def test_close_ends_every_flight_with_an_error_drops_a_late_result_and_opens_none() -> None:
    flights: SingleFlight[int] = SingleFlight()
    flight, _ = flights.join("a", FAR)
    flights.close()
    flights.run("a", flight, lambda: 1)
    with pytest.raises(ReaderClosedError):
        result_of(flight)
    with pytest.raises(ReaderClosedError):
        flights.join("b", FAR)


async def test_a_cancelled_task_leaves_the_flight_to_the_others() -> None:
    flights: SingleFlight[int] = SingleFlight()
    flight, _ = flights.join("a", FAR)
    cancelled = asyncio.create_task(done_in(flight, 10.0))
    waiting = asyncio.create_task(done_in(flight, 10.0))
    await asyncio.sleep(0)
    cancelled.cancel()
    threading.Thread(target=flights.run, args=("a", flight, lambda: 7)).start()
    assert await waiting
    assert result_of(flight) == 7
    with pytest.raises(asyncio.CancelledError):
        await cancelled


async def test_a_flight_that_takes_too_long_is_not_done_in_time() -> None:
    flights: SingleFlight[int] = SingleFlight()
    flight, _ = flights.join("a", FAR)
    assert not await done_in(flight, 0.0)


def test_an_overdue_flight_is_joined_no_more() -> None:
    flights, now = SingleFlight[int](), [0.0]
    due = Deadline(5.0, lambda: now[0])
    first, _ = flights.join("a", due)
    now[0] = 4.9
    assert flights.join("a", due) == (first, False)
    now[0] = 5.0
    second, opened = flights.join("a", Deadline(10.0, lambda: now[0]))
    assert opened
    assert second is not first


def test_a_forgotten_flight_is_ended_by_close_too() -> None:
    flights: SingleFlight[int] = SingleFlight()
    flight, _ = flights.join("a", FAR)
    flights.forget("a")
    flights.close()
    with pytest.raises(ReaderClosedError):
        result_of(flight)
