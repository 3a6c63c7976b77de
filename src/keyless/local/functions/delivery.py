"""Delivers events to the functions of a host, as Event Grid does: at least once, and again where that failed.

Source: https://learn.microsoft.com/en-us/azure/event-grid/delivery-and-retry
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from http import HTTPStatus
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httptools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from keyless.local.azure.event_grid import EventGrid, VaultEvent
    from keyless.local.functions.endpoint import FunctionEndpoint

    Functions = Callable[[], Mapping[str, FunctionEndpoint]]

# Event Grid waits as long for an answer, and then 10 s, 30 s, 1 min ...: a person who watches has less patience.
_ANSWER_SECONDS = 30.0
_PAUSES = (0.5, 1.0, 2.0, 4.0)
# Seconds between two looks at whether a host that is being started again listens again.
_AWAY_SECONDS = 0.2
_HANG_UP_SECONDS = 0.1
# Beyond this number the oldest events that wait for a function are forgotten.
_MOST_WAITING = 10_000
_NOBODY = 0


@contextmanager
def delivered(events: EventGrid, functions: Functions) -> Iterator[None]:
    """Deliver events until the end: anyone who sets a secret waits for nobody.

    Each function gets them one after the other, in the order in which they happened, from a thread of its own; none waits for
    another function. What is under way at the end is given up.

    Args:
        events: Where they come from.
        functions: Says which functions take them, and where; asked again each time, since an app can be loaded again.
    """
    deliveries: dict[str, _Delivery] = {}

    def take(event: VaultEvent) -> None:
        for name in functions():
            if name not in deliveries:
                deliveries[name] = _Delivery(name, events, functions)
            deliveries[name].take(event)

    try:
        with events.subscribed(take):
            yield
    finally:
        for delivery in deliveries.values():
            delivery.stop()


class _Delivery:
    """The events that wait for one function, and the thread that delivers them."""

    def __init__(self, name: str, events: EventGrid, functions: Functions) -> None:
        self._name = name
        self._events = events
        self._functions = functions
        self._waiting: Queue[VaultEvent | None] = Queue(_MOST_WAITING)
        self._stopping = threading.Event()
        self._host = _Host()
        self._thread = threading.Thread(target=self._deliver_all, name="keyless-event-grid", daemon=True)
        self._thread.start()

    def take(self, event: VaultEvent | None) -> None:
        """Have an event delivered; None wakes the thread up."""
        while True:
            try:
                return self._waiting.put_nowait(event)
            except Full:
                with suppress(Empty):
                    self._waiting.get_nowait()

    def stop(self) -> None:
        """Give up what is under way."""
        self._stopping.set()
        self.take(None)
        while self._thread.is_alive():  # It may be about to ask.
            self._host.hang_up()
            self._thread.join(_HANG_UP_SECONDS)

    def _deliver_all(self) -> None:
        while not self._stopping.is_set():
            event = self._waiting.get()
            if event is not None:
                self._deliver(event)
        self._host.close()

    def _deliver(self, event: VaultEvent) -> None:
        for attempt, pause in enumerate((*_PAUSES, None)):
            status = self._send(event, attempt)
            while status == _NOBODY:
                if self._stopping.wait(_AWAY_SECONDS):
                    return
                status = self._send(event, attempt)
            # What the function refuses, it would refuse again.
            if status < HTTPStatus.INTERNAL_SERVER_ERROR or pause is None or self._stopping.wait(pause):
                return

    def _send(self, event: VaultEvent, attempt: int) -> int:
        """Send an event once; return the answer's status, or _NOBODY where no host listens."""
        end, started = self._functions().get(self._name), time.perf_counter()
        if end is None:  # An app that was loaded again has no such function any more.
            return HTTPStatus.NOT_FOUND
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "aeg-event-type": "Notification",
            "aeg-delivery-count": str(attempt),
            "aeg-data-version": "1",
            "aeg-metadata-version": "1",
            "x-functions-key": end.key or "",
        }
        try:
            status = self._host.post(end.url, event.body.encode(), headers)
        except TimeoutError:
            status = HTTPStatus.GATEWAY_TIMEOUT
        except (OSError, httptools.HttpParserError):
            return _NOBODY
        if not self._stopping.is_set():
            taken = "took" if status < HTTPStatus.MULTIPLE_CHOICES else "did not take"
            ms = (time.perf_counter() - started) * 1000
            self._events.note(event, status=status, reason=f"The function {self._name} {taken} the event.", ms=ms)
        return status


class _Answer:
    """The answer to one request, which the parser calls as it reads it."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.is_whole = self.keeps = False
        self.status = 0

    def read(self, data: bytes) -> None:
        """Take the next bytes; none means that nothing more comes.

        Raises:
            ConnectionResetError: If there are none.
            httptools.HttpParserError: If they are not HTTP.
        """
        if not data:
            raise ConnectionResetError
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Note what it was."""
        self.status, self.keeps, self.is_whole = self._parser.get_status_code(), self._parser.should_keep_alive(), True


class _Host:
    """A host of functions, over a connection that is kept."""

    def __init__(self) -> None:
        self._netloc = ""
        self._connection: socket.socket | None = None

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send a body, and return the status of the answer.

        Raises:
            TimeoutError: If no answer comes in time.
            OSError: If nobody listens.
            httptools.HttpParserError: If what answers does not speak HTTP.
        """
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        sent = {"Host": parts.netloc, **headers, "Content-Length": str(len(body))}
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
        request = "\r\n".join(lines).encode() + body
        if self._connection is not None and self._netloc == parts.netloc:
            try:
                return self._ask(self._connection, request)
            except ConnectionError:
                pass  # The host had closed it meanwhile.
        self.close()
        self._netloc = parts.netloc
        self._connection = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=_ANSWER_SECONDS)
        return self._ask(self._connection, request)

    def _ask(self, connection: socket.socket, request: bytes) -> int:
        answer = _Answer()
        try:
            connection.sendall(request)
            while not answer.is_whole:
                answer.read(connection.recv(65536))
        finally:
            if not (answer.is_whole and answer.keeps):
                self.close()
        return answer.status

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def hang_up(self) -> None:
        """End the wait for an answer, from another thread."""
        connection = self._connection
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
