"""Settings of this process that change what its SDKs do: which credential, whose certificates, what is logged."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from keyless.doctor.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

_STAGE: Final = "environment"
_HEADER_LOGGER: Final = "azure.core.pipeline.policies.http_logging_policy"
_BODY_LOGGER: Final = "azure.core.pipeline.policies._universal"
_WITH_MANAGED_IDENTITY: Final = frozenset({"", "prod", "managedidentitycredential", "workloadidentitycredential"})
_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


def check_settings(variables: Mapping[str, str]) -> list[Finding]:
    """Look at them; nothing is sent."""
    found = (
        _check_credentials(variables),
        _check_bundles(variables),
        _check_java(variables),
        *_check_logging(variables),
    )
    return [finding for finding in found if finding is not None]


def _check_credentials(variables: Mapping[str, str]) -> Finding | None:
    chosen = variables.get("AZURE_TOKEN_CREDENTIALS", "").strip()
    if chosen.lower() in _WITH_MANAGED_IDENTITY:
        return None
    return Finding(
        stage=_STAGE,
        check="token-credentials",
        status="warn",
        code="KL-613",
        evidence="AZURE_TOKEN_CREDENTIALS is set to a value that leaves the managed identity out.",
        cause="DefaultAzureCredential then asks none: `dev` stands for the developer's own sign-ins (az, azd, an editor), a "
        "credential's name for that one alone.",
        remedy="Unset it, or name the managed identity: `unset AZURE_TOKEN_CREDENTIALS`.",
    )


def _check_bundles(variables: Mapping[str, str]) -> Finding | None:
    there = [name for name in _BUNDLES if variables.get(name)]
    if len(there) != 1:
        return None
    (missing,) = set(_BUNDLES) - set(there)
    return Finding(
        stage=_STAGE,
        check="certificate-bundles",
        status="warn",
        code="KL-614",
        evidence=f"{there[0]} is set, and {missing} is not.",
        cause="The Azure SDK's clients for Python read REQUESTS_CA_BUNDLE, its asynchronous ones (aiohttp), Go and OpenSSL read "
        "SSL_CERT_FILE. Behind a proxy that opens TLS, some of them do not trust what they see.",
        remedy=f'Give both the same file: `export {missing}="${there[0]}"`.',
    )


def _check_java(variables: Mapping[str, str]) -> Finding | None:
    options = " ".join(variables.get(name, "") for name in ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"))
    if "-Dhttp.proxyHost=" not in options or "-Dhttp.nonProxyHosts=" in options:
        return None
    return Finding(
        stage=_STAGE,
        check="java-proxy",
        status="warn",
        code="KL-606",
        evidence="Java is given http.proxyHost, and no http.nonProxyHosts.",
        cause="Java then asks the proxy for the metadata service of virtual machines, which only this machine itself reaches.",
        remedy="Add what it is to ask straight to the options that name the proxy: "
        '`export JDK_JAVA_OPTIONS="$JDK_JAVA_OPTIONS -Dhttp.nonProxyHosts=localhost|127.*|[::1]|169.254.*"`.',
    )


def _check_logging(variables: Mapping[str, str]) -> list[Finding]:
    quiet = 'Quiet it: `logging.getLogger("azure").setLevel(logging.WARNING)`.'
    found = []
    if logging.getLogger(_BODY_LOGGER).isEnabledFor(logging.DEBUG):
        found.append(
            _logging(
                f"The logger {_BODY_LOGGER} is at DEBUG.",
                "A client of the Azure SDK that is made with logging_enable=True writes whole answers there: secrets' values "
                "and tokens.",
                quiet,
            )
        )
    elif logging.getLogger(_HEADER_LOGGER).isEnabledFor(logging.INFO):
        found.append(
            _logging(
                f"The logger {_HEADER_LOGGER} is at INFO.",
                "azure-core logs the address and the headers of every request there, several lines for each read.",
                quiet,
            )
        )
    if "body" in variables.get("AZURE_HTTP_LOG_DETAIL_LEVEL", "").lower():
        found.append(
            _logging(
                "AZURE_HTTP_LOG_DETAIL_LEVEL asks for bodies.",
                "The Azure SDK for Java then logs whole answers: every secret's value, and tokens.",
                "Unset it: `unset AZURE_HTTP_LOG_DETAIL_LEVEL`.",
            )
        )
    return found


def _logging(evidence: str, cause: str, remedy: str) -> Finding:
    return Finding(
        stage=_STAGE, check="logging", status="warn", code="KL-608", evidence=evidence, cause=cause, remedy=remedy
    )
