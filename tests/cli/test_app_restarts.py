"""What the management plane changes of the function app, its host feels, under the same address and keys."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import requests

from keyless.cli.app_restarts import following
from keyless.cli.served_functions import app_environment
from keyless.local.azure.config.config import default_config
from keyless.local.azure.management.sites import keys_shown, put_settings, put_site
from keyless.local.functions.host import FunctionHost
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

APP = """
import os
import azure.functions as func

app = func.FunctionApp()

@app.route(route="seen", auth_level=func.AuthLevel.FUNCTION)
def seen(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(f"{os.environ.get('SECRET_NAME')} {'IDENTITY_ENDPOINT' in os.environ}")
"""


def until(wanted: str, ask: Callable[[], str]) -> None:
    end = time.monotonic() + 30
    while (found := ask()) != wanted:
        assert time.monotonic() < end, found
        time.sleep(0.05)


def test_settings_and_identities_reach_the_functions(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(APP)
    config = default_config()
    with LocalAzure(config) as azure:

        def environment() -> dict[str, str]:
            return app_environment(azure, config, tmp_path)

        with (
            FunctionHost(tmp_path, environment=environment()) as host,
            following(azure.azure.function_app, host, environment),
        ):
            keys = keys_shown(azure.azure)

            def ask() -> str:
                try:
                    key = {"x-functions-key": keys["functionKeys"]["default"]}
                    return requests.get(host.functions["seen"].url, headers=key, timeout=10).text
                except requests.ConnectionError:
                    return "starting"

            until("db-password True", ask)
            put_settings(azure.azure, {"properties": {"SECRET_NAME": "api-key"}})
            until("api-key True", ask)
            nobody: dict[str, Any] = {"identity": {"type": "None"}}
            put_site(azure.azure, "keyless", "keyless", nobody, by="", merging=False)
            until("api-key False", ask)
