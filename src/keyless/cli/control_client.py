"""The command line's side of the control API: finds the running local Azure, asks it, and raises what it refuses."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

import click

from keyless.errors import ConfigurationError, KeylessError, LocalAzureError
from keyless.local.files.running import find_running

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.files.running import Running

NUMBER: Final = "KEYLESS_NUMBER"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_TIMEOUT = 30.0
_REFUSED_HERE = {ConfigurationError.kl_code: ConfigurationError}


@dataclass(frozen=True, slots=True)
class ControlClient:
    """Asks one control API.

    Attributes:
        url: Its address.
        token: Its token, which no representation shows.
    """

    url: str
    token: str = field(repr=False)

    def ask(
        self,
        method: str,
        *path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """Send one request and return what it is answered.

        Args:
            method: The HTTP method.
            path: The parts of the path, below the API's own.
            body: The fields of the body.
            query: The query.

        Raises:
            KeylessError: What the local Azure refuses, in its own words; or that it does not answer.
        """
        url = "/".join((self.url.rstrip("/"), *(quote(part, safe="") for part in path)))
        import requests  # noqa: PLC0415 (completion in a shell loads this module at each TAB)

        with requests.Session() as session:
            session.trust_env = False  # No proxy between this machine and itself.
            try:
                answer = session.request(
                    method,
                    url,
                    json=body,
                    params=query,
                    headers={"Authorization": f"Bearer {self.token}"},
                    timeout=_TIMEOUT,
                    allow_redirects=False,
                )
                found = answer.json()
            except (requests.RequestException, ValueError) as error:
                raise _silent(self.url) from error
        if answer.ok:
            return found
        raise _refusal(found)

    def vault(self, named: str | None) -> str:
        """Return the vault that is named, or the only one there is.

        Raises:
            ConfigurationError: If none is named and there is not exactly one.
        """
        if named is not None:
            return named
        names = [vault["name"] for vault in self.ask("GET", "vaults")]
        if len(names) != 1:
            raise ConfigurationError(
                "There are several vaults." if names else "There is no vault.",
                cause=f"They are {', '.join(names)}." if names else "The local Azure started without one.",
                remedy="Name one with --vault."
                if names
                else "Add one: keyless vault add NAME, or [vaults.NAME] in keyless.toml.",
            )
        return str(names[0])


def reaching_control(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which local Azure is meant."""
    command = click.option(
        "--number",
        type=click.IntRange(min=1),
        metavar="N",
        envvar=NUMBER,
        expose_value=False,
        callback=_remember,
        help="Use the local Azure with this number. `keyless status` lists them. [default: the one that runs]",
    )(command)
    command = click.option(
        "--token",
        envvar="KEYLESS_CONTROL_TOKEN",
        help="The token for --url. The variable KEYLESS_CONTROL_TOKEN hides it from other users.",
    )(command)
    return click.option(
        "--url",
        envvar="KEYLESS_CONTROL_URL",
        help="Use the local Azure with this control API; needs --token.",
    )(command)


def _remember(ctx: click.Context, _: click.Parameter, number: int | None) -> None:
    ctx.meta[NUMBER] = number


def connect(url: str | None, token: str | None) -> ControlClient:
    """Return a client of the local Azure that is named, or of the one that runs.

    Raises:
        ConfigurationError: If only one of the two is given, the address is not this machine's, or several are running.
        LocalAzureError: If none is running.
    """
    if url is not None and token is not None:
        if urlsplit(url).scheme != "http" or urlsplit(url).hostname not in _LOOPBACK:
            raise ConfigurationError(
                f"The control API cannot be at {url!r}.",
                cause="It is served over HTTP on this machine alone, and its token must not leave it.",
                remedy="Give the address that `keyless up --json` gives.",
            )
        return ControlClient(url, token)
    if url is not None or token is not None:
        raise ConfigurationError(
            "Only one of --url and --token is given.",
            cause="Each local Azure has an address and a token of its own.",
            remedy="Give both, or neither to use the one that runs.",
        )
    return _only(answering(), click.get_current_context().meta.get(NUMBER))


def answering() -> list[tuple[Running, ControlClient]]:
    """Return the local Azures that answer, by their numbers; the files of those that were killed are removed."""
    found = []
    for running in find_running(os.environ):
        client = ControlClient(running.url, running.token)
        try:
            client.ask("GET", "clock")
        except KeylessError as error:
            # One that was killed left its file; one that is only slow, or stopped for a while, keeps it.
            import requests  # noqa: PLC0415 (as in ask)

            if isinstance(error.__cause__, requests.ConnectionError):
                running.forget()
        else:
            found.append((running, client))
    return found


def _only(found: list[tuple[Running, ControlClient]], number: int | None) -> ControlClient:
    if not found:
        raise LocalAzureError(
            "No local Azure is running.",
            cause="This command talks to a running one, and none of this user's was found.",
            remedy="Start one in another terminal: keyless up. Or keep one while a program runs: keyless run CMD.",
        )
    chosen = [client for running, client in found if number in {None, running.number}]
    if len(chosen) != 1:
        running = "; ".join(f"{each.number}: {each.what} in {each.folder} ({each.url})" for each, _ in found)
        raise ConfigurationError(
            "Several local Azures are running." if number is None else f"No local Azure has the number {number}.",
            cause=f"Those that run: {running}.",
            remedy=f"Name one by its number: --number {found[0][0].number}, or {NUMBER}={found[0][0].number}.",
        )
    return chosen[0]


def _silent(url: str) -> LocalAzureError:
    return LocalAzureError(
        f"The local Azure at {url} does not answer.",
        cause="It has stopped, or something else is there.",
        remedy="Start one (keyless up), and give the address that it gives.",
    )


def _refusal(found: Any) -> KeylessError:
    said = found.get("error") if isinstance(found, dict) else None
    if not isinstance(said, dict) or not {"kl_code", "what", "cause", "remedy"} <= set(said):
        return LocalAzureError(
            "The answer is not from a control API.",
            cause="Another program is at this address.",
            remedy="Give the address that `keyless up --json` gives.",
        )
    kind: type[KeylessError] = _REFUSED_HERE.get(said["kl_code"], LocalAzureError)
    return kind(said["what"], cause=said["cause"], remedy=said["remedy"])
