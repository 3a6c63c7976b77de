"""Where the development host does otherwise than Azure's own, by table and case; docs/fidelity.md lists the kinds.

Each is a test that must fail: when one comes to be the same, take it out here and there.
"""

from __future__ import annotations

CHUNKED = "a body in chunks reaches the function here, with a warning: Azure's front end may give it a length"
STRICTER = "h11 refuses a length with a sign before it"
HTTP2 = "HTTP/2 without TLS is not spoken"
STOPPED = "an app that Azure stops is stopped here, and no host is left to answer"
NO_NETWORK = "the table's answer comes from the missing network, and shows nothing about Azure"
BY_CHANCE = "one request of six was answered in the table's run, and two were in every other run of the real host"

LEFT: dict[tuple[str, str], str] = {
    ("requests", "chunked"): CHUNKED,
    ("requests", "chunked-json"): CHUNKED,
    ("requests", "chunked-trailer"): CHUNKED,
    ("requests", "chunked-bad"): CHUNKED,
    ("requests", "chunked-and-length"): CHUNKED,
    ("requests", "te-gzip-chunked"): CHUNKED,
    ("requests", "length-plus"): STRICTER,
    ("requests", "h2-preface"): HTTP2,
    ("limits", "throttle-outstanding-only"): BY_CHANCE,
    ("apps", "bad-leading-slash 2 GET /admin/host/status"): STOPPED,
    ("apps", "host-missing 0 GET /api/ok"): NO_NETWORK,
}
