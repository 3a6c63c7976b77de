"""The first stage: what the variables of this process make the SDKs do, before anything is asked."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import requests

from keyless._remedies import remedies
from keyless._remedies.host import FUNCTION_APP, GUID, WEB_APP
from keyless._remedies.sources import ARC, METADATA_SERVICE, WORKLOAD_IDENTITY
from keyless.doctor.finding import Finding, well
from keyless.doctor.machine import METADATA_ADDRESS
from keyless.doctor.reference_findings import check_references
from keyless.doctor.settings import check_settings
from keyless.doctor.sources import ARC_ADDRESS, NONE, OURS, beyond_ours, not_known, picked, why
from keyless.doctor.versions import check_versions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.doctor.examination import Examination

_STAGE: Final = "environment"
_ENDPOINTS = (
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
)
_IDENTITY = (
    *_ENDPOINTS,
    *("AZURE_POD_IDENTITY_AUTHORITY_HOST", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_ID", "AZURE_TENANT_ID"),
)
_BINDING = frozenset(f"AZURE_KUBERNETES_{name}" for name in ("TOKEN_PROXY", "SNI_NAME", "CA_FILE", "CA_DATA"))


def check_environment(examination: Examination) -> list[Finding]:
    """Look at the variables; nothing is sent."""
    variables = examination.environment
    found = [
        *_check_sources(examination),
        _check_client_id(variables, asked=examination.asked_id is not None),
        _check_credentials(examination),
        _check_binding(variables),
        _check_proxy(examination),
        *check_references(variables, examination.host),
        *check_settings(variables),
        check_versions(variables),
    ]
    return [finding for finding in found if finding is not None]


def _check_sources(examination: Examination) -> list[Finding]:
    """Look at what the SDKs pick; a variable that is blank or alone explains by itself why they do not agree."""
    source, variables = _check_source(examination), examination.environment
    explained = [found for found in (_check_blank(variables), _check_halves(variables)) if found is not None]
    if source.code != "KL-602" or not any(found.status == "fail" for found in explained):
        return [source, *explained]
    first, *others = explained
    return [replace(first, evidence=f"{first.evidence} {source.evidence}"), *others]


def _check_source(examination: Examination) -> Finding:
    variables, host = examination.environment, examination.host
    chosen = picked(variables, agent=examination.agent)
    ours = chosen[OURS]
    if ours == METADATA_SERVICE and host is not None and host.kind in {FUNCTION_APP, WEB_APP}:
        return Finding(
            stage=_STAGE,
            check="source",
            status="fail",
            code="KL-601",
            evidence=f"{host.name} runs on App Service, and IDENTITY_ENDPOINT and IDENTITY_HEADER are not set.",
            cause="No managed identity is enabled for the app, or this process was started before it was. The SDKs turn to the "
            "metadata service of virtual machines, which App Service forbids: it is not down.",
            remedy=remedies.enable_identity(host),
        )
    if ours == WORKLOAD_IDENTITY and set(chosen.values()) == {WORKLOAD_IDENTITY, METADATA_SERVICE}:
        others = ", ".join(sdk for sdk in chosen if chosen[sdk] == METADATA_SERVICE)
        reason = why(variables, agent=examination.agent)
        return well(
            _STAGE,
            "source",
            f"Keyless takes workload identity ({reason}). The managed identity clients of {others} do not know it, and ask the "
            "metadata service.",
        )
    if len(set(chosen.values())) > 1:
        return _disagreement(examination, chosen)
    reason = why(variables, agent=examination.agent)
    return well(_STAGE, "source", f"Every SDK asks for a managed identity at: {ours} ({reason}).")


def _disagreement(examination: Examination, chosen: Mapping[str, str]) -> Finding:
    variables, agent = examination.environment, examination.agent
    sdks = {source: ", ".join(sdk for sdk in chosen if chosen[sdk] == source) for source in chosen.values()}
    unknown = beyond_ours(variables, agent=agent)
    if unknown:
        cause, remedy = not_known(unknown), remedies.GIVE_CREDENTIAL
    elif chosen[OURS] == ARC and picked(variables)[OURS] == METADATA_SERVICE:
        cause = (
            f"{agent} is installed, so some SDKs ask the agent of Azure Arc. The others use variables, which this process does "
            "not have: the agent sets them for what is started after it."
        )
        remedy = f"Set them: `export IDENTITY_ENDPOINT={ARC_ADDRESS}/metadata/identity/oauth2/token IMDS_ENDPOINT={ARC_ADDRESS}`."
    else:
        cause = "Variables of several kinds of host are set, or some of them are half set or blank."
        remedy = (
            "Unset those of these that the platform did not set: "
            f"`unset {' '.join(name for name in _ENDPOINTS if name in variables)}`. One that is blank still counts for some SDKs."
        )
    return Finding(
        stage=_STAGE,
        check="source",
        status="warn",
        code="KL-602",
        evidence=f"The SDKs do not agree: {'; '.join(f'{source}: {names}' for source, names in sdks.items())}.",
        cause=cause,
        remedy=remedy,
    )


def _check_blank(variables: Mapping[str, str]) -> Finding | None:
    blank = [name for name in _IDENTITY if name in variables and not variables[name].strip()]
    if not blank:
        return None
    return Finding(
        stage=_STAGE,
        check="blank-variables",
        status="fail" if {"IDENTITY_ENDPOINT", "IDENTITY_HEADER"} & set(blank) else "warn",
        code="KL-603",
        evidence=f"{' and '.join(blank)} {'is' if len(blank) == 1 else 'are'} set to nothing.",
        cause="MSAL looks at whether a variable is there, not at what it holds: it picks a source that does not exist.",
        remedy=f"Unset {'it' if len(blank) == 1 else 'them'}: `unset {' '.join(blank)}`.",
    )


def _check_halves(variables: Mapping[str, str]) -> Finding | None:
    has = {name for name in _IDENTITY if variables.get(name, "").strip()}
    for there, missing, source in (
        ("IDENTITY_HEADER", {"IDENTITY_ENDPOINT"}, "App Service"),
        ("IDENTITY_ENDPOINT", {"IDENTITY_HEADER", "IMDS_ENDPOINT"}, "App Service"),
        ("MSI_SECRET", {"MSI_ENDPOINT"}, "Azure Machine Learning"),
    ):
        if there in has and not missing & has and not missing & set(variables):
            return Finding(
                stage=_STAGE,
                check="half-set-variables",
                status="fail",
                code="KL-604",
                evidence=f"{there} is set, and {' or '.join(sorted(missing))} is not.",
                cause=f"{source} sets them together. With one of them MSAL goes on to the metadata service of virtual "
                f"machines, and azure-identity to {NONE}.",
                remedy="Pass on the whole environment of the platform (containers, sudo and cron drop parts of it), or unset "
                f"it: `unset {there}`.",
            )
    return None


def _check_client_id(variables: Mapping[str, str], *, asked: bool) -> Finding | None:
    value = variables.get("AZURE_CLIENT_ID", "").strip()
    if not value or WORKLOAD_IDENTITY in picked(variables).values():
        return None  # The webhook of workload identity sets it.
    examine = ""
    if not re.fullmatch(GUID, value):
        evidence, cause = (
            "AZURE_CLIENT_ID is not a GUID.",
            "It must hold the client id of a user-assigned identity, not its name.",
        )
    elif not asked:
        evidence = f"AZURE_CLIENT_ID is {value}, and the system-assigned identity is asked for."
        cause = (
            "DefaultAzureCredential reads it, and asks for the user-assigned identity with that client id. The client id of the "
            "system-assigned identity, or an object id, is refused there."
        )
        examine = f" To examine that one: `keyless doctor --client-id {value}`."
    else:
        return None
    return Finding(
        stage=_STAGE,
        check="client-id",
        status="warn",
        code="KL-605",
        evidence=evidence,
        cause=cause,
        remedy="Unset AZURE_CLIENT_ID for the system-assigned identity: `unset AZURE_CLIENT_ID`. For a user-assigned one set it "
        f"to its client id, one of: {remedies.LIST_IDENTITIES}.{examine} {remedies.IDENTITY_OVERVIEW}",
    )


def _check_credentials(examination: Examination) -> Finding | None:
    """Look at what narrows ``DefaultAzureCredential`` down; .NET Aspire sets it on whatever it deploys."""
    variables = examination.environment
    value = variables.get("AZURE_TOKEN_CREDENTIALS", "").strip()
    named = variables.get("AZURE_CLIENT_ID", "").strip() or examination.asked_id is None
    if value.lower() != "managedidentitycredential" or named:
        return None
    return Finding(
        stage=_STAGE,
        check="credentials",
        status="warn",
        code="KL-610",
        evidence=f"AZURE_TOKEN_CREDENTIALS is {value}, AZURE_CLIENT_ID is not set, and a user-assigned identity is asked for.",
        cause="DefaultAzureCredential then tries the system-assigned identity alone. Without one the answer is: Unable to load "
        "the proper Managed Identity.",
        remedy=f"Set AZURE_CLIENT_ID to the client id of the identity, one of: {remedies.LIST_IDENTITIES}. "
        f"{remedies.IDENTITY_OVERVIEW}",
    )


def _check_binding(variables: Mapping[str, str]) -> Finding | None:
    """Look for an identity binding of AKS, which hands out tokens through a proxy of the cluster."""
    found = sorted(name for name in variables if name in _BINDING)
    if not found:
        return None
    return Finding(
        stage=_STAGE,
        check="identity-binding",
        status="warn",
        code="KL-612",
        evidence=f"{', '.join(found)} {'is' if len(found) == 1 else 'are'} set: this pod has an identity binding of AKS.",
        cause="Its tokens come through the cluster's proxy, which only WorkloadIdentityCredential(enable_azure_proxy=True) of "
        "azure-identity uses. DefaultAzureCredential does not, nor does Keyless by itself: they get no token by the binding.",
        remedy=remedies.USE_BINDING,
    )


def _check_proxy(examination: Examination) -> Finding | None:
    variables = examination.environment
    ours = picked(variables, agent=examination.agent)[OURS]
    if ours == WORKLOAD_IDENTITY:
        return None  # Microsoft Entra is asked, through the proxy.
    endpoint = (
        variables.get("IDENTITY_ENDPOINT")
        or (ARC_ADDRESS if ours == ARC else "")
        or variables.get("AZURE_POD_IDENTITY_AUTHORITY_HOST")
        or METADATA_ADDRESS
    )
    lowered = {name.lower(): value for name, value in variables.items() if name.lower().endswith("_proxy") and value}
    proxy = lowered.get("http_proxy") or lowered.get("all_proxy")
    try:
        host = urlsplit(endpoint).hostname
    except ValueError:
        return None  # Nothing can be asked for there: the identity's stage says so.
    # requests takes NO_PROXY as an argument, so that the environment which is examined counts, not this process's own.
    if not proxy or requests.utils.should_bypass_proxies(endpoint, no_proxy=lowered.get("no_proxy", "")):
        return None
    direct = ",".join(part for part in (lowered.get("no_proxy"), host, "169.254.169.254") if part)
    return Finding(
        stage=_STAGE,
        check="proxy",
        status="warn",
        code="KL-606",
        evidence=f"HTTP_PROXY is set, and NO_PROXY does not name {host}, where the identity endpoint is.",
        cause="SDKs that use HTTP_PROXY ask the proxy for a token, which cannot reach this machine's own endpoint: 407, 502, "
        "503, or silence. Keyless asks directly.",
        remedy=f'Add it: `export NO_PROXY="{direct}"`.',
    )
