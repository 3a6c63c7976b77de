"""Asks for a URL with each client of Python that is named, and prints what each was answered."""

import asyncio
import http.client
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import aiohttp
import httpx
import requests

HEADERS = {"Metadata": "true"}


def by_requests(url: str) -> str:
    answer = requests.get(url, headers=HEADERS, timeout=10)
    return f"{answer.status_code} {answer.text}"


def by_httpx(url: str) -> str:
    answer = httpx.get(url, headers=HEADERS, timeout=10)
    return f"{answer.status_code} {answer.text}"


def by_urllib(url: str) -> str:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=HEADERS), timeout=10) as answer:
            return f"{answer.status} {answer.read().decode()}"
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read().decode()}"


def by_aiohttp(url: str) -> str:
    async def ask() -> str:
        async with aiohttp.ClientSession(trust_env=True) as session, session.get(url, headers=HEADERS) as answer:
            return f"{answer.status} {await answer.text()}"

    return asyncio.run(ask())


def by_http_client(url: str) -> str:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}", headers=HEADERS)
    answer = connection.getresponse()
    return f"{answer.status} {answer.read().decode()}"


for name in sys.argv[2:]:
    print(globals()[f"by_{name}"](sys.argv[1]))
