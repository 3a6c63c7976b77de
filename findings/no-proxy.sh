#!/usr/bin/env bash
# No form of NO_PROXY keeps requests for the IPv6 loopback from the proxy in every HTTP client for Python.
#
# Seen on Python 3.11 with httpx 0.28.1, requests 2.32.5 and aiohttp 3.14.1, for http://[::1]:80/:
#   NO_PROXY=::1     httpx, requests and aiohttp go direct; urllib.request goes through the proxy.
#   NO_PROXY=[::1]   urllib.request goes direct; requests and aiohttp go through the proxy; httpx.Client() raises InvalidURL.
# .NET's HttpClient wants the form with brackets, too. Both forms side by side end in httpx's InvalidURL.
# This script fails when that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv" 2>/dev/null || python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check httpx==0.28.1 requests==2.32.5 aiohttp==3.14.1
"$folder/venv/bin/python" - <<'PYTHON'
import os
import urllib.request
from importlib.metadata import version

import httpx
import requests
from aiohttp.helpers import get_env_proxy_for_url
from yarl import URL

ASKED = "http://[::1]:80/"


def by_httpx():
    try:
        client = httpx.Client()
    except httpx.InvalidURL as error:
        return f"InvalidURL: {error}"
    return "direct" if client._transport_for_url(httpx.URL(ASKED)) is client._transport else "proxy"


def by_aiohttp():
    try:
        get_env_proxy_for_url(URL(ASKED))
    except LookupError:
        return "direct"
    return "proxy"


def seen(form):
    os.environ.update(http_proxy="http://127.0.0.1:9", no_proxy=form)
    os.environ.update(HTTP_PROXY="http://127.0.0.1:9", NO_PROXY=form)
    return {
        "urllib.request": "direct" if urllib.request.proxy_bypass(urllib.request.Request(ASKED).host) else "proxy",
        "requests": "direct" if requests.utils.should_bypass_proxies(ASKED, no_proxy=None) else "proxy",
        "aiohttp": by_aiohttp(),
        "httpx": by_httpx(),
    }


print({name: version(name) for name in ("httpx", "requests", "aiohttp")})
found = {form: seen(form) for form in ("::1", "[::1]", "::1,[::1]")}
for form, clients in found.items():
    print(f"NO_PROXY={form}", clients)
assert found["::1"] == {"urllib.request": "proxy", "requests": "direct", "aiohttp": "direct", "httpx": "direct"}
brackets = found["[::1]"]
assert (brackets["urllib.request"], brackets["requests"], brackets["aiohttp"]) == ("direct", "proxy", "proxy")
assert brackets["httpx"].startswith("InvalidURL")
assert found["::1,[::1]"]["httpx"].startswith("InvalidURL")
PYTHON
