"""A local Azure with a console, browsers that open it, and programs that ask it for secrets."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import expect, sync_playwright

from keyless.local import LocalAzure, read_config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

VALUE = "only-for-those-who-ask"
DOCUMENT = {
    "vaults": {
        "contoso-kv": {
            "secrets": {"db-password": VALUE, "api-key": {"value": "another", "expires_on": "2031-01-01T00:00:00Z"}},
            "keys": {"signing": {"kty": "EC"}},
            "certificates": {"web": {"subject": "CN=contoso.com", "kty": "EC"}},
        }
    },
    "identities": {"system": {}, "reporting": {"roles": {"contoso-kv": "Key Vault Reader"}}},
    "applications": {"ci": {"secret": "never-in-a-page", "groups": ["releasers"]}},
    "groups": {"releasers": {"roles": {"contoso-kv": "Key Vault Certificates Officer"}}},
}

AXE = "4.14.1"
_PATIENCE = 30_000  # Milliseconds, for a machine that is busy with other tests.
ROOT = Path(__file__).parents[3]
READER = """
import sys
from keyless import SecretReader
from keyless.errors import KeylessError
try:
    print(SecretReader("https://contoso-kv.vault.azure.net").get(sys.argv[1]).value)
except KeylessError as error:
    print(type(error).__name__)
"""


@pytest.fixture(scope="module")
def served() -> Iterator[LocalAzure]:
    with LocalAzure(read_config("keyless.toml", DOCUMENT), console=True) as azure:
        yield azure


@pytest.fixture
def azure(served: LocalAzure) -> LocalAzure:
    """One local Azure for a module, as it began for each test."""
    served.reset()
    return served


def link(azure: LocalAzure) -> str:
    """Return a link that opens the console once."""
    assert azure.console_url is not None
    return azure.console_url


def read_by_a_program(azure: LocalAzure, name: str) -> str:
    """Return what a program of a user's, unchanged, gets for a secret: its value, or the name of an error."""
    environment = {**os.environ, **azure.environment()}
    ran = subprocess.run(
        [sys.executable, "-c", READER, name], env=environment, capture_output=True, text=True, check=True
    )
    return ran.stdout.strip()


def ask_vault(azure: LocalAzure, identity: str, path: str) -> int:
    """Ask a vault over TLS, with the token of an identity; return the status."""
    token = azure.azure.tokens.issue(azure.azure.identity(identity), "https://vault.azure.net").text
    with requests.Session() as session:
        session.trust_env = False
        asked = session.get(
            f"https://contoso-kv.vault.azure.net/{path}?api-version=7.4",
            headers={"Authorization": f"Bearer {token}"},
            proxies={"https": azure.proxy_url},
            verify=str(azure.bundle_file),
            timeout=20,
        )
    return asked.status_code


@dataclass
class Guest:
    """A client of the console that is no browser: it sends what it is told to."""

    azure: LocalAzure
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False
        self.url = f"{self.azure.http_url}/_keyless/console"

    def enter(self) -> Guest:
        assert self.session.get(link(self.azure), timeout=30).status_code == 200
        return self

    def get(self, path: str = "/", **headers: str) -> requests.Response:
        return self.session.get(self.url + path, headers=headers, timeout=30, allow_redirects=False)

    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("/faults").text)
        assert found
        return found[1]

    def post(self, path: str, fields: dict[str, str], **headers: str) -> requests.Response:
        """Send a form as the page does, but for the headers that are given; an empty one is left out."""
        sent = {name: text for name, text in {"Origin": self.azure.http_url, **headers}.items() if text}
        body = {"csrf": self.csrf(), **fields} if self.session.cookies else fields
        return self.session.post(self.url + path, data=body, headers=sent, timeout=30, allow_redirects=False)


@pytest.fixture
def stranger(azure: LocalAzure) -> Iterator[Guest]:
    guest = Guest(azure)
    with guest.session:
        yield guest


@pytest.fixture
def guest(stranger: Guest) -> Guest:
    """One that was let in."""
    return stranger.enter()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. It can reach nothing but this machine; ``rebound.example`` is resolved to it."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        said = "NO BROWSER TRIES THE CONSOLE: Chromium is missing on this machine. Get it: make browser, as root on Debian."
        assert not os.environ.get("CI"), said
        pytest.skip(said)
    rules = "MAP rebound.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=[f"--host-resolver-rules={rules}"])
        expect.set_options(timeout=_PATIENCE)
        yield found
        found.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One user's browser. At the end, it has met no error and has asked nothing of another host."""
    made = browser.new_context(viewport={"width": 1440, "height": 900})
    made.set_default_timeout(_PATIENCE)
    problems: list[str] = []
    made.on("console", lambda said: problems.append(said.text) if said.type in {"error", "warning"} else None)
    made.on("weberror", lambda failed: problems.append(str(failed.error)))
    made.on("request", lambda sent: problems.append(sent.url) if urlsplit(sent.url).hostname != "127.0.0.1" else None)
    yield made
    made.close()
    assert problems == []


@pytest.fixture
def page(context: BrowserContext, azure: LocalAzure) -> Page:
    """The console, opened by its link."""
    opened = context.new_page()
    opened.goto(link(azure))
    return opened


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, which finds what keeps people with disabilities out."""
    folder = ROOT / "build" / "axe"
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        npm = shutil.which("npm")
        said = "NOTHING LOOKS FOR BARRIERS IN THE CONSOLE: axe-core cannot be had"
        if npm is None:
            assert not os.environ.get("CI"), said
            pytest.skip(f"{said}: npm is missing on this machine.")
        folder.mkdir(parents=True, exist_ok=True)
        ran = subprocess.run(
            [npm, "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", f"axe-core@{AXE}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            assert not os.environ.get("CI"), f"{said}: {ran.stderr}"
            pytest.skip(f"{said}: npm failed.")
    return script.read_text(encoding="utf-8")
