"""What the recordings of Azure say, and how an answer is compared with one: for objects of every kind."""

from __future__ import annotations

import json
import re
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from keyless.local.clock import Clock
from keyless.local.record import Record

if TYPE_CHECKING:
    import requests

RECORDINGS = Path(__file__).parents[3] / "shared" / "reference" / "recordings"
DAYS = {"Purgeable": 0, "Recoverable+Purgeable": 90, "CustomizedRecoverable+Purgeable": 7}

# What Azure sends no more, and what it sends only since then, or only from some vaults.
NO_LONGER_SENT = {"server", "x-aspnet-version", "x-powered-by"}
SENT_SINCE = {
    "x-ms-request-id",
    "x-ms-client-request-id",
    "x-ms-keyvault-rbac-assignment-id",
    "x-ms-keyvault-rbac-cache",
}
# What differs between two answers, or between two vaults.
OF_THE_MOMENT = SENT_SINCE | {
    "date",
    "content-length",
    "x-ms-keyvault-region",
    "x-ms-keyvault-service-version",
    "x-ms-keyvault-network-info",
    "www-authenticate",
}
SENT_BY_CLIENTS = {"accept", "content-type", "x-ms-client-request-id"}


class Recording(Record, frozen=True):
    """One file, with its vault named as a local one can be."""

    name: str
    method: str
    path: str
    host: str
    headers: dict[str, str]
    content: str | None
    status: int
    answer_headers: dict[str, str]
    answer: str

    @property
    def secret(self) -> str:
        """The name in its path."""
        return self.path.split("/")[2].partition("?")[0]

    @property
    def moment(self) -> float:
        """When Azure answered: its times are up to a second ahead of its Date."""
        times = [int(each) for each in re.findall(r'"(?:created|updated|deletedDate)":(\d+)', self.answer)]
        return max(times) if times else parsedate_to_datetime(self.answer_headers["date"]).timestamp()

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.answer) if self.answer else {}
        return body

    @property
    def items(self) -> list[dict[str, Any]]:
        """The secrets in its answer."""
        return self.body["value"] if "nextLink" in self.body else [self.body]


class RecordedClock(Clock):
    """Stands at the moment of a recording until it is advanced."""

    def __init__(self, moment: float) -> None:
        super().__init__()
        self._moment = moment

    def now(self) -> float:
        return self._moment + self._offset


def read_recording(file: Path) -> Recording:
    raw = json.loads(file.read_text(encoding="utf-8"))
    request, response = raw["request"], raw["response"]
    uri = urlsplit(request["uri"])
    # The wire is compact, as the recorded lengths say, whatever the file is.
    answer = "" if response["body"] is None else json.dumps(response["body"], separators=(",", ":"))
    return Recording(
        name=raw["name"],
        method=request["method"],
        path=f"{uri.path}?{uri.query or 'api-version=7.0'}",  # One recording lost its parameters.
        host=uri.netloc.replace("_", "-"),  # Some had keyvault_name written over the name, which no vault can have.
        headers={name: value for name, value in request["headers"].items() if name.lower() in SENT_BY_CLIENTS},
        content=request["body"] and json.dumps(request["body"], separators=(",", ":")),
        status=response["status"],
        answer_headers={name.lower(): value for name, value in response["headers"].items()},
        answer=answer.replace("keyvault_name", "keyvault-name"),
    )


def of_today(text: str) -> str:
    """Write an answer of 2019 as Azure does since 2021."""
    old = '"message":"Request is missing a Bearer or PoP token."'
    return text.replace(old, '"message":"AKV10000: Request is missing a Bearer or PoP token."')


def compare_headers(answer: requests.Response, recording: Recording, *, by_roles: bool = True) -> None:
    sent = {name.lower(): value for name, value in answer.headers.items()}
    expected = {name: value for name, value in recording.answer_headers.items() if name not in NO_LONGER_SENT}
    if "cache-control" in expected:  # The authors of one recording kept but a few.
        assert set(expected) ^ set(sent) <= SENT_SINCE
    same = set(expected) & set(sent) - OF_THE_MOMENT
    assert {name: sent[name] for name in same} == {name: expected[name] for name in same}
    if recording.status == 401:
        login = re.compile(r"login\.[a-z.]+/[0-9a-f-]+")
        assert login.sub("", sent["www-authenticate"]) == login.sub("", expected["www-authenticate"])
    if network := expected.get("x-ms-keyvault-network-info"):
        address = re.compile(r"^conn_type=Ipv4;|addr=[\d.]+")
        assert address.sub("", sent["x-ms-keyvault-network-info"]) == address.sub("", network)
    assert sent.get("x-ms-client-request-id") == recording.headers.get("x-ms-client-request-id")
    assert ("x-ms-keyvault-rbac-cache" in sent) is (by_roles and recording.status not in {400, 401})
