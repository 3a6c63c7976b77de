"""The destination of each request: the host's own paths, a function, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.functions.worker.admin import Admin
from keyless.local.functions.worker.event_grid_webhook import EventGridWebhook
from keyless.local.functions.worker.keys import given_key
from keyless.local.functions.worker.messages import Answer, text_answer
from keyless.local.functions.worker.throttle import Throttle

if TYPE_CHECKING:
    from keyless.local.functions.worker.calls import FunctionCalls
    from keyless.local.functions.worker.cors import Cors
    from keyless.local.functions.worker.keys import FunctionKeys
    from keyless.local.functions.worker.loaded import HttpFunction, LoadedApp
    from keyless.local.functions.worker.messages import Asked

_HOME = (
    "<!DOCTYPE html>\n<html>\n<head>\n    <title>Your Azure Function App is up and running.</title>\n</head>\n"
    "<body>\n<p>Your function app is up and running, in the development host of Keyless.</p>\n</body>\n</html>\n"
)
_NOT_FOUND = Answer(404)
_TOO_MANY = Answer(429, (("X-FUNCTION-SCALEOUT", "1"),))


class Site:
    """Answers every request to an app.

    Args:
        app: The functions.
        keys: What opens them.
        calls: Calls them.
        cors: What pages of other origins may ask.
    """

    def __init__(self, app: LoadedApp, keys: FunctionKeys, calls: FunctionCalls, *, cors: Cors) -> None:
        self._app = app
        self._keys = keys
        self._calls = calls
        self._cors = cors
        self._admin = Admin(app, keys, calls)
        self._webhook = EventGridWebhook(app, keys, calls)
        self._throttle = Throttle(app.settings)

    async def answer(self, asked: Asked) -> Answer:
        """Return the answer to a request."""
        preflight = self._cors.preflight(asked)
        answer = await self._routed(asked) if preflight is None else preflight
        return answer.with_default_headers(self._app.settings.custom_headers + self._cors.headers(asked))

    async def _routed(self, asked: Asked) -> Answer:
        if self._webhook.takes(asked):
            return await self._webhook.answer(asked)
        answer = await self._admin.answer(asked)
        if answer is not None:
            return answer
        for function in self._app.functions:
            parameters = function.route.match(asked.method, asked.path)
            if parameters is not None:
                return await self._call(function, asked, parameters)
        if asked.path == "/" and asked.method.upper() != "CONNECT":
            return self._home()
        # A wrong method, too: to the host the method is part of the route, and no key is looked at.
        return _NOT_FOUND

    async def _call(self, function: HttpFunction, asked: Asked, parameters: dict[str, str]) -> Answer:
        key = given_key(asked)
        if self._app.settings.is_disabled(function.name) and not self._keys.is_master(key):
            return _NOT_FOUND
        if not self._keys.opens(function, key):
            return Answer(401)
        async with self._throttle.let_in() as is_in:
            return await self._calls.answer(function, asked, parameters) if is_in else _TOO_MANY

    def _home(self) -> Answer:
        if not self._app.settings.home_page:
            return Answer(204)
        return text_answer(200, _HOME, "text/html").with_default_headers((("Content-Length", str(len(_HOME))),))
