"""The HTTP session that services in the cloud are asked through: proxies and CA bundles as the environment names them."""

from __future__ import annotations

import os
import sys
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import DEFAULT_CA_BUNDLE_PATH

from keyless._wire.connections import BoundedAdapter, Limit

if TYPE_CHECKING:
    from keyless._wire.tls import SteppedContext
    from keyless._wire.trust import Trust

# What an environment says of the way to a service, and of whom to trust there.
_VARIABLES = (
    *("https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)
_PROXIES = 6
# Elsewhere the system has settings of its own, which change without a variable.
_IS_IN_VARIABLES = sys.platform not in {"darwin", "win32"}


class TrustingSession(requests.Session):
    """A session for one service: a vault, or an authority.

    Args:
        connections: How many connections are kept.
        trust: What a connection trusts.

    Attributes:
        limit: Until when each thread may wait for an answer.
    """

    def __init__(self, *, connections: int, trust: Trust) -> None:
        super().__init__()
        self.limit = Limit()
        self._found: tuple[tuple[str | None, ...], Any] = ((), None)
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.mount("https://", _TrustingAdapter(self.limit, connections=connections, trust=trust))

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Return what the environment sets for this service, worked out again where it changed.

        requests would read the whole environment twice for each request: a sixth of the time that a read takes here.
        """
        says = tuple(map(os.environ.get, _VARIABLES)) if _IS_IN_VARIABLES else ()
        if not says or self._found[0] != says:
            bundle = next(filter(None, says[_PROXIES:]), verify)
            # Where no proxy is named, there is nothing to work out.
            found: Any = {
                "proxies": {},
                "stream": stream,
                "verify": self.verify if bundle is None else bundle,
                "cert": cert,
            }
            if not says or any(says[:_PROXIES]):
                found = super().merge_environment_settings(url, proxies, stream, verify, cert)
            self._found = says, found
        return dict(self._found[1])

    def open_ahead(self, url: str, seconds: float) -> None:
        """Connect to a service, and keep the connection for the first request.

        Args:
            url: The service's address.
            seconds: How long each step may take.

        Raises:
            OSError: If there is no way there; the first request will say why.
        """
        # Not as a session prepares it, which would import what reads ~/.netrc, on a thread that a fork could find there.
        request = requests.Request("GET", url).prepare()
        adapter = self.get_adapter(url)
        assert isinstance(adapter, BoundedAdapter)  # noqa: S101 (for the type checker: it was mounted)
        adapter.open_ahead(request, seconds, self.merge_environment_settings(url, {}, True, None, None))

    def hang_up(self) -> None:
        """Close the connections that are kept: what comes on one of them may answer another request."""
        self.get_adapter("https://").close()


class _TrustingAdapter(BoundedAdapter):
    """Verifies with the CA bundle that the environment names, read once."""

    def __init__(self, limit: Limit, *, connections: int, trust: Trust) -> None:
        self._trust = trust
        self._context: SteppedContext | None = None
        super().__init__(limit, connections=connections)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """Return what a connection must be like; one with another bundle is another connection."""
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._trusting(DEFAULT_CA_BUNDLE_PATH if verify is True else verify)}

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """Return the way through a proxy; if that itself speaks TLS, the same bundle vouches for it."""
        return super().proxy_manager_for(proxy, proxy_ssl_context=self._context, **proxy_kwargs)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the connection as it is: its context verifies."""

    def _trusting(self, bundle: str) -> SteppedContext:
        """Return the context that trusts a bundle.

        Raises:
            OSError: If it cannot be read, or holds no certificate.
        """
        context = self._trust.context(bundle)
        if context is not self._context:
            self._context = context
            self.proxy_manager.clear()
        return context
