"""What goes wrong at each source, as a program that uses the library hears of it."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

import pytest

from keyless import SecretReader, SystemAssignedManagedIdentity
from keyless._identity.managed_identity import ManagedIdentity
from keyless._wire.deadline import Deadline
from keyless.errors import (
    DeadlineExceededError,
    IdentityError,
    IdentityRefusedError,
    IdentityServiceError,
    IdentityThrottledError,
    IdentityUnavailableError,
    KeylessError,
)
from keyless.local.pki.authority import self_signed

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("unreachable_vault")

# Seconds to the deadline: until the request has come, far more than a busy machine takes for one, and after that less
# than the first pause before another attempt, so that the first answer is the last.
TIMEOUT, LEFT = 30.0, 0.45
# Where no answer comes, the deadline is waited for.
SILENCE = 1.5
NAMES = {
    "app-service": "App Service",
    "imds": "virtual machine (IMDS)",
    "arc": "Azure Arc",
    "service-fabric": "Service Fabric",
    "machine-learning": "Azure Machine Learning",
}


class Fault(NamedTuple):
    """What an endpoint does to every request, and the error that it becomes."""

    error: type[KeylessError]
    status: int = 200
    body: str = ""
    headers: dict[str, str] = {}  # noqa: RUF012 (never written to)
    behaviour: str = "answer"


TOKEN = json.dumps(
    {
        "access_token": "a-token",
        "expires_on": str(int(time.time()) + 3600),
        "expires_in": "3600",
        "resource": "https://vault.azure.net",
        "token_type": "Bearer",
    }
)
ERROR = json.dumps({"error": "unknown", "error_description": "Something is wrong here"})
FAULTS = {
    "410": Fault(IdentityServiceError, 410, ERROR),
    "429": Fault(IdentityThrottledError, 429, ERROR),
    "429 and when to return": Fault(IdentityThrottledError, 429, ERROR, {"Retry-After": "7"}),
    "500": Fault(IdentityServiceError, 500, ERROR),
    "502 in HTML": Fault(IdentityServiceError, 502, "<html>Bad Gateway</html>", {"Content-Type": "text/html"}),
    "503": Fault(IdentityServiceError, 503, ERROR, {"Retry-After": "120"}),
    "400": Fault(IdentityRefusedError, 400, ERROR),
    "hang": Fault(DeadlineExceededError, behaviour="hang"),
    "reset": Fault(IdentityUnavailableError, behaviour="reset"),
    "HTML": Fault(IdentityServiceError, 200, "<html>Welcome to the hotel</html>", {"Content-Type": "text/html"}),
    "nothing": Fault(IdentityServiceError, 200, ""),
    "JSON without a token": Fault(IdentityServiceError, 200, "{}"),
}


class Endpoint:
    """An identity endpoint with a fault."""

    def __init__(self, fault: Fault, source: str, *, times: float = float("inf")) -> None:
        """Make one that does so for a number of times, and gives a token after that."""
        self.requests = 0
        self.over = threading.Event()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                endpoint.requests += 1
                if endpoint.requests > times:
                    self._answer(200, TOKEN, {})
                elif fault.behaviour == "hang":
                    endpoint.over.wait(30)
                    self.close_connection = True
                elif fault.behaviour == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.close_connection = True
                else:
                    self._answer(fault.status, fault.body, fault.headers)

            def _answer(self, status: int, body: str, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        scheme = "http"
        if source == "service-fabric":
            scheme, certificate = "https", self_signed()
            self.thumbprint = certificate.thumbprint
            context = certificate.server_context()
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def environment(source: str, endpoint: Endpoint) -> dict[str, str]:
    token = f"{endpoint.url}/metadata/identity/oauth2/token"
    match source:
        case "app-service":
            return {"IDENTITY_ENDPOINT": f"{endpoint.url}/msi/token", "IDENTITY_HEADER": "secret"}
        case "arc":
            return {"IDENTITY_ENDPOINT": token, "IMDS_ENDPOINT": endpoint.url}
        case "service-fabric":
            thumbprint = {"IDENTITY_SERVER_THUMBPRINT": endpoint.thumbprint}
            return {"IDENTITY_ENDPOINT": token, "IDENTITY_HEADER": "secret", **thumbprint}
        case "machine-learning":
            return {"MSI_ENDPOINT": f"{endpoint.url}/MSI/auth", "MSI_SECRET": "secret"}
    return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": endpoint.url}


@pytest.fixture
def endpoint(fault: str, source: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    endpoint = Endpoint(FAULTS[fault], source)
    for name, value in environment(source, endpoint).items():
        monkeypatch.setenv(name, value)
    yield endpoint
    endpoint.close()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("source", NAMES)
def test_every_fault_of_a_source_becomes_an_error_that_names_the_source_its_cause_and_the_remedy(
    endpoint: Endpoint, source: str, fault: str
) -> None:
    silent = FAULTS[fault].behaviour == "hang"
    timeout = SILENCE if silent else TIMEOUT
    clock = time.monotonic if silent else lambda: TIMEOUT - LEFT if endpoint.requests else 0.0
    started = time.monotonic()
    with (
        SecretReader("https://contoso-kv.vault.azure.net", timeout=timeout, clock=clock) as reader,
        pytest.raises((IdentityError, DeadlineExceededError)) as raised,
    ):
        reader.get("db-password")
    assert time.monotonic() - started < timeout + 1, "it took longer than the deadline allows"
    error = raised.value
    assert type(error) is FAULTS[fault].error, error
    assert error.cause
    assert error.remedy
    assert endpoint.requests == 1
    if not isinstance(error, DeadlineExceededError):
        assert NAMES[source] in error.what
    if isinstance(error, IdentityThrottledError):
        assert error.retry_after == (7 if "return" in fault else None)


@pytest.mark.parametrize("source", ["app-service", "imds", "service-fabric", "machine-learning"])
@pytest.mark.parametrize(
    ("fault", "asked"),
    [("503", 120), ("429 and when to return", 7), ("500", 0)],
)
def test_a_source_that_recovers_is_asked_again_when_it_says_so(
    monkeypatch: pytest.MonkeyPatch, source: str, fault: str, asked: float
) -> None:
    seconds, pauses = [1000.0], list[float]()

    def pause(wait: float) -> bool:
        pauses.append(wait)
        seconds[0] += wait
        return False

    endpoint = Endpoint(FAULTS[fault], source, times=2)
    for name, value in environment(source, endpoint).items():
        monkeypatch.setenv(name, value)
    identity = ManagedIdentity(SystemAssignedManagedIdentity(), pause=pause, clock=lambda: seconds[0])
    try:
        token = identity.acquire("https://vault.azure.net", Deadline.after(600, lambda: seconds[0]))
    finally:
        identity.close()
        endpoint.close()
    assert (token.value, endpoint.requests) == ("a-token", 3)
    assert all(own / 2 <= wait - asked <= own for wait, own in zip(pauses, [1, 2], strict=True)), pauses
