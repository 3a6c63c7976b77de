"""The site of the documents is built without a warning, and a browser that shows it asks no other host for anything."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Elements for which the site's script would load something from elsewhere: a diagram, a repository's numbers, a gallery.
LOADED_FROM_ELSEWHERE = re.compile(r'class="(mermaid|glightbox)|data-md-component="source"')


class Loaded(HTMLParser):
    """Collects what a browser loads for a page, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in {"script", "img", "iframe", "source"} and found.get("src"):
            self.addresses.append(found["src"] or "")
        if tag == "a" and found.get("href"):
            self.links.append((found["href"] or "").partition("#")[0])
        if tag == "link" and found.get("rel") not in {"canonical", "prev", "next"}:
            self.addresses.append(found.get("href") or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "zensical.toml", folder)
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "build" / "site"


def test_every_document_is_a_page_and_stands_in_the_navigation(site: Path) -> None:
    named = set(re.findall(r'"([\w-]+\.md)"', (ROOT / "zensical.toml").read_text(encoding="utf-8")))
    assert named == {page.name for page in (ROOT / "docs").glob("*.md")}
    assert [name for name in named if not (site / name).with_suffix(".html").exists()] == []


def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    for page in pages:
        loaded, text = Loaded(), page.read_text(encoding="utf-8")
        loaded.feed(text)
        assert [address for address in loaded.addresses if address.startswith(("http", "//"))] == []
        assert not LOADED_FROM_ELSEWHERE.search(text), page.name
    assert len(pages) > 10


def test_every_link_within_the_site_leads_to_a_page(site: Path) -> None:
    dead = []
    for page in site.glob("*.html"):
        loaded = Loaded()
        loaded.feed(page.read_text(encoding="utf-8"))
        dead += [
            f"{page.name}: {link}"
            for link in loaded.links
            if link and not link.startswith(("http", "mailto:", "/")) and not (site / link).exists()
        ]
    assert dead == []
