"""How the host is tuned: the Bicep, host.json and the sample of local settings say the same."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.infra.bicep import INFRA, Template, as_object

APP = INFRA.parent / "function_app"
HOST: dict[str, Any] = json.loads((APP / "host.json").read_text())
LOCAL: dict[str, str] = json.loads((APP / "local.settings.example.json").read_text())["Values"]
FUNCTION = Template(INFRA / "app" / "function.bicep").declarations


def test_the_threads_of_the_worker_are_the_same_in_azure_and_here() -> None:
    settings = as_object(FUNCTION["settings"].properties["properties"])
    assert settings["PYTHON_THREADPOOL_THREAD_COUNT"] == LOCAL["PYTHON_THREADPOOL_THREAD_COUNT"] == "32"


def test_the_host_takes_as_many_calls_as_the_platform_sends_and_holds_more_for_a_while() -> None:
    config = as_object(FUNCTION["app"].properties["properties"])["functionAppConfig"]
    scale = as_object(as_object(config)["scaleAndConcurrency"])
    sent = as_object(as_object(scale["triggers"])["http"])["perInstanceConcurrency"]
    http = HOST["extensions"]["http"]
    assert sent == http["maxConcurrentRequests"] < http["maxOutstandingRequests"]
    assert http["dynamicThrottlesEnabled"] is False


def test_the_host_gives_a_call_longer_than_the_function_takes() -> None:
    hours, minutes, seconds = map(int, HOST["functionTimeout"].split(":"))
    found = re.search(r"timeout: float = ([\d.]+)", (APP / "function_app.py").read_text())
    assert found is not None
    assert 3600 * hours + 60 * minutes + seconds > float(found[1])


def test_no_key_in_a_query_reaches_the_logs_and_the_event_trigger_has_its_extension() -> None:
    assert HOST["logging"]["applicationInsights"]["enableQueryStringTracing"] is False
    assert HOST["extensionBundle"]["id"] == "Microsoft.Azure.Functions.ExtensionBundle"
