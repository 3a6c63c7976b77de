"""At most one piece of work a key at a time."""

import asyncio
import threading

import pytest

from keyless._reading.flight import Flight, SingleFlight, Ticket
from keyless._wire.deadline import Deadline
from keyless.errors import ReaderClosedError, SecretNotFoundError

FAR = Deadline(1000.0, lambda: 0.0)


def not_found() -> SecretNotFoundError:
    return SecretNotFoundError("what.", cause="cause.", remedy="remedy.", code="SecretNotFound", status=404)


def boarded(flight: Flight[int], ticket: Ticket[int] | None = None) -> Ticket[int]:
    ticket = ticket or Ticket()
    flight.board(ticket)
    return ticket


def test_only_the_first_opens_a_flight_and_all_get_its_result() -> None:
    flights: SingleFlight[int] = SingleFlight()
    first, opened = flights.join("a", FAR)
    second, opened_again = flights.join("a", FAR)
    assert (opened, opened_again) == (True, False)
    waiting = boarded(second)
    flights.run("a", first, lambda: 42)
    assert waiting.wait(0)
    assert waiting.outcome() == boarded(second).outcome() == 42, "who comes late has it, too"
    assert flights.join("a", FAR)[1], "a flight that has ended is over"


def test_each_who_waits_raises_an_error_of_its_own() -> None:
    flights: SingleFlight[int] = SingleFlight()
    flight, _ = flights.join("a", FAR)
    tickets, cause = [boarded(flight), boarded(flight)], not_found()

    def work() -> int:
        raise cause

    flights.run("a", flight, work)
    caught = []
    for ticket in tickets:
        with pytest.raises(SecretNotFoundError) as info:
            ticket.outcome()
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
    assert boarded(old).outcome() == 1
    assert flights.is_current("a", new), "the old flight's end leaves the new one alone"


def test_close_ends_every_flight_with_an_error_drops_a_late_result_and_opens_none() -> None:
    flights: SingleFlight[int] = SingleFlight()
    flight, _ = flights.join("a", FAR)
    flights.close()
    flights.run("a", flight, lambda: 1)
    with pytest.raises(ReaderClosedError):
        boarded(flight).outcome()
    with pytest.raises(ReaderClosedError):
        flights.join("b", FAR)


async def test_a_cancelled_task_leaves_the_flight_to_the_others() -> None:
    flights: SingleFlight[int] = SingleFlight()
    flight, _ = flights.join("a", FAR)
    tickets = [boarded(flight, Ticket.in_loop()) for _ in range(2)]
    cancelled, waiting = [asyncio.create_task(ticket.awaited(10.0)) for ticket in tickets]
    await asyncio.sleep(0)
    cancelled.cancel()
    threading.Thread(target=flights.run, args=("a", flight, lambda: 7)).start()
    assert await waiting
    assert tickets[1].outcome() == 7
    with pytest.raises(asyncio.CancelledError):
        await cancelled


async def test_a_flight_that_takes_too_long_is_not_there_in_time() -> None:
    flights: SingleFlight[int] = SingleFlight()
    flight, _ = flights.join("a", FAR)
    assert not await boarded(flight, Ticket.in_loop()).awaited(0.0)
    assert not boarded(flight).wait(0.0)


def test_an_overdue_flight_is_joined_no_more() -> None:
    flights, now = SingleFlight[int](), [0.0]
    due = Deadline(5.0, lambda: now[0])
    first, _ = flights.join("a", due)
    now[0] = 4.9
    assert flights.join("a", due) == (first, False)
    assert flights.has("a")
    now[0] = 5.0
    assert not flights.has("a")
    second, opened = flights.join("a", Deadline(10.0, lambda: now[0]))
    assert opened
    assert second is not first


def test_a_forgotten_flight_is_ended_by_close_too() -> None:
    flights: SingleFlight[int] = SingleFlight()
    flight, _ = flights.join("a", FAR)
    flights.forget("a")
    flights.close()
    with pytest.raises(ReaderClosedError):
        boarded(flight).outcome()
