"""Takes the pictures of the console that the documents show: `make screenshots`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from playwright.sync_api import sync_playwright
from tests.local.console.conftest import ask_vault, link

from keyless.local import LocalAzure, read_config

if TYPE_CHECKING:
    from playwright.sync_api import Browser

IMAGES: Final = Path(__file__).parents[3] / "docs" / "images"
DOCUMENT: Final = {
    "vaults": {
        "contoso-kv": {
            "secrets": {"db-password": "s3cr3t", "api-key": {"value": "key", "expires_on": "2031-01-01T00:00:00Z"}},
            "keys": {"signing": {"kty": "EC"}},
        }
    },
    "identities": {
        "system": {"roles": {"contoso-kv": "Key Vault Secrets User"}},
        "reporting": {"roles": {"contoso-kv": "Key Vault Reader"}},
    },
}


def take(browser: Browser, azure: LocalAzure, scheme: str) -> None:
    """Take the live page with a refusal opened, the vaults, and who may do what."""
    context = browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light", viewport={"width": 1280, "height": 800}
    )
    page = context.new_page()
    page.goto(link(azure))
    root = page.url
    page.locator(".call.bad a").nth(1).click()
    page.locator("#detail h1").wait_for()
    page.screenshot(path=IMAGES / f"console-live-{scheme}.png")
    page.goto(f"{root}access")
    page.screenshot(path=IMAGES / f"console-access-{scheme}.png")
    context.close()


def main() -> None:
    """Serve an example, let programs ask it, and take every picture."""
    with LocalAzure(read_config("keyless.toml", DOCUMENT), console=True) as azure, sync_playwright() as playwright:
        for identity, path in (
            ("system", "secrets"),
            ("system", "secrets/db-password"),
            ("reporting", "secrets"),
            ("system", "secrets/db-pasword"),
            ("system", "secrets/api-key"),
            ("reporting", "secrets/db-password"),
            ("system", "keys/signing"),
            ("system", "secrets/db-password"),
        ):
            ask_vault(azure, identity, path)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        for scheme in ("light", "dark"):
            take(browser, azure, scheme)
        browser.close()


if __name__ == "__main__":
    main()
