"""Remedies: the one place for the commands and the portal paths that errors and the doctor's findings name.

A command is between backticks and can be pasted as it is, into bash, zsh or PowerShell: what Azure alone knows, it
finds out itself by ``"$(az ...)"``. A word in capitals that is left in one is explained next to it. A path through the
portal follows ``Portal:``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyless._remedies.host import Host

# Text of callers and services gets into a command only if a shell takes it for what it is: in double quotes, or bare.
_PLAIN = r"[\w/.() -]+"
_WORD = r"[\w-]+"
READER_ROLE = "Key Vault Secrets User"
# It answers with what Azure keeps of every resource: a vault's address is not among it.
LIST_VAULTS = '`az keyvault list --query "[].name" --output tsv`'
LIST_IDENTITIES = (
    '`az identity list --query "[].{name:name, clientId:clientId, objectId:principalId, id:id}" --output table`'
)
SHOW_PROXIES = "`env | grep -i proxy`"
NAME_IN_MANIFEST = (
    "Name the identity in the application's manifest, and ask for the system-assigned one: `keyless doctor`."
)
GIVE_CREDENTIAL = (
    "Give the reader a credential of azure-identity, which knows this source: "
    "SecretReader(url, credential=ManagedIdentityCredential())."
)
ASK_WORKLOAD = (
    "Ask for that: `keyless doctor` without an id, and in code SecretReader(url) or WorkloadIdentity(client_id=...)."
)
USE_BINDING = (
    "Give the reader a credential of azure-identity 1.26 or newer, which uses it: "
    "SecretReader(url, credential=WorkloadIdentityCredential(enable_azure_proxy=True))."
)
OWN_WORDS = "The vault's own words above give the reason."
WRITE_PROXY = (
    "Write it as: `export HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT`. HOST and PORT are the proxy's, USER and PASSWORD yours, "
    "if it wants any, with / as %2F, @ as %40, # as %23 and ? as %3F in the password."
)
LAPTOP = "On a laptop, give the program CMD a local Azure: `keyless run -- CMD`."
IDENTITY_OVERVIEW = "Portal: Managed Identities > the identity > Overview."
HEALTH = "Portal: Service Health > Service issues."
_IDENTITY_PAGE = "Settings > Identity"
_WHICH_APP = (
    "APP and GROUP are among: `az functionapp list --output table`. "
    "For a web app, write webapp in place of functionapp. "
)
_WHICH = (
    f"{_WHICH_APP}For a virtual machine, write vm. "
    "For a container app, write containerapp, with --system-assigned or --user-assigned. "
)
_QUERIES = {"client_id": "clientId", "object_id": "principalId"}


def enable_identity(host: Host | None) -> str:
    """Return how to enable the system-assigned identity of a host; None means that nothing names the host."""
    command, options = _of(host)
    assign = f"`az {command} identity assign {options}{host.kind.system_option if host else ''}`. "
    start = f"Enable the identity: {assign}"
    if host is None:
        start = f"{LAPTOP} In Azure, enable the identity: {assign}{_WHICH}"
    return (
        f"{start}Then restart the application: it gets the identity's variables at its start. "
        f"Portal: {_page(host)} > {_IDENTITY_PAGE} > System assigned > On."
    )


def assign_identity(host: Host | None, identity: str) -> str:
    """Return how to give a host the identity that was asked for, ``system-assigned`` or such as ``client_id=…``."""
    kind, _, value = identity.partition("=")
    if kind not in {"client_id", "object_id", "resource_id"}:
        return (
            f"{enable_identity(host)} Or name a user-assigned one by its client id, one of: {_show_identities(host)}."
        )
    command, options = _of(host)
    option = host.kind.user_option if host else "--identities"
    found = _resource_id(kind, value)
    words = " ID is its resource id." if found == "ID" else ""
    return (
        f"Assign it: `az {command} identity assign {options} {option} {found}`.{words} Or name one of those that are assigned: "
        f"{_show_identities(host)}. {'' if host else _WHICH}Portal: {_page(host)} > {_IDENTITY_PAGE} > User assigned > Add."
    )


def name_identity(host: Host | None) -> str:
    """Return how to find the identities of a host that has several, so that one can be named."""
    return (
        f"Name the one that is meant by its client id, one of: {_show_identities(host)}. {'' if host else _WHICH}"
        f"Portal: {_page(host)} > {_IDENTITY_PAGE} > User assigned."
    )


def name_only_identity(host: Host | None, *, client_id: str, name: str) -> str:
    """Return how to name the one user-assigned identity of a host that answers for the system-assigned, or to enable that."""
    command = f"`keyless doctor --client-id {client_id}`" if re.fullmatch(_WORD, client_id) else LIST_IDENTITIES
    return (
        f"Name it, so that a second one changes nothing: client_id={client_id} ({name}). To see it: {command}. "
        f"Or have the system-assigned one. {enable_identity(host)}"
    )


def _of(host: Host | None) -> tuple[str, str]:
    return (host.kind.command, host.options) if host else ("functionapp", "--name APP --resource-group GROUP")


def _page(host: Host | None) -> str:
    return f"{host.kind.title} {host.name}" if host else "the resource that this runs on"


def _show_identities(host: Host | None) -> str:
    command, options = _of(host)
    return f"`az {command} identity show {options} --query userAssignedIdentities`"


def _resource_id(kind: str, value: str) -> str:
    if kind == "resource_id":
        return f'"{value}"' if re.fullmatch(_PLAIN, value) else "ID"
    return f'"$(az identity list --query "[?{_QUERIES[kind]}==\'{value}\'].id | [0]" --output tsv)"'


def find_resource() -> str:
    """Return how to see whether a tenant knows what a token was asked for."""
    return (
        "Ask for a token of a resource of this cloud, such as https://vault.azure.net. Whether this tenant knows Key Vault "
        "itself: `az ad sp show --id cfa8b339-82a2-471a-a3c9-0fc0be7a4093`. "
        "Portal: Microsoft Entra ID > Enterprise applications > Azure Key Vault."
    )


def renew_variables(host: Host | None) -> str:
    """Return how to get identity variables that are of use, where those of this process lead nowhere."""
    outside = (
        "Outside Azure, unset them: `unset IDENTITY_ENDPOINT IDENTITY_HEADER IMDS_ENDPOINT MSI_ENDPOINT MSI_SECRET`. If a local "
        "server gave them, it has ended or started again: take its variables again. "
    )
    return f"{'' if host else outside}In Azure the platform sets them at a start. {restart(host)}"


def restart(host: Host | None) -> str:
    """Return how to restart a host, so that its processes get the identity's variables again."""
    page = f"Portal: {_page(host)} > Overview > Restart."
    if host is None or host.kind.command not in {"functionapp", "webapp"}:
        return f"Restart the application. {page}"
    return f"Restart it: `az {host.kind.command} restart {host.options}`. {page}"


def set_setting(host: Host | None, name: str) -> str:
    """Return how to set a setting of an app."""
    command, options = _of(host)
    setting = f"config appsettings set {options} --settings"
    if command == "containerapp":
        setting = f"update {options} --set-env-vars"
    return (
        f"Set it: `az {command} {setting} {name}=VALUE`. VALUE is the new value. {'' if host else _WHICH_APP}"
        f"Portal: {_page(host)} > Settings > Environment variables > Add."
    )


def set_reference_identity(host: Host | None) -> str:
    """Return how to choose the identity that resolves an app's Key Vault references."""
    command, options = _of(host)
    if command == "containerapp":
        return (
            "Container Apps resolves no such text. Make a secret of the app that refers to the vault's: "
            f'`az containerapp secret set {options} --secrets "NAME=keyvaultref:URL,identityref:system"`. NAME is yours to '
            "choose, URL is that of the secret in the vault. Then refer to it in the variable: "
            f"`az containerapp update {options} --set-env-vars VARIABLE=secretref:NAME`. VARIABLE is the one above. "
            f"Portal: {_page(host)} > Security > Secrets > Add > Key Vault reference."
        )
    laptop = "" if host else "On a laptop, run the program CMD with them resolved: `keyless run -- CMD`. In Azure: "
    return (
        f"{laptop}With user-assigned identities only, set which of them resolves references: "
        f"`az {command} update {options} --set keyVaultReferenceIdentity="
        f'"$(az {command} identity show {options} --query "keys(userAssignedIdentities)[0]" --output tsv)"`. '
        f"{'' if host else _WHICH_APP}The status of each reference shows what stops it. "
        f"Portal: {_page(host)} > Settings > Environment variables > the reference."
    )


def refresh_references(host: Host | None) -> str:
    """Return how to let an app's Key Vault references be resolved again, before the day is over."""
    command, options = _of(host)
    return (
        'Have them resolved again: `az rest --method post --url "https://management.azure.com'
        f"$(az {command} show {options} --query id --output tsv)"
        '/config/configreferences/appsettings/refresh?api-version=2022-03-01"`. '
        f"{'' if host else _WHICH_APP}Portal: {_page(host)} > Settings > Environment variables > Apply."
    )


def give_role(vault: str, *, caller: str | None, scope: str | None) -> str:
    """Return how to let an identity read secrets of a vault that goes by roles.

    Args:
        vault: The vault's name.
        caller: The identity's object id; None where the vault did not name it.
        scope: What the vault refused, as an ARM id; None means the whole vault, whose id the command finds out itself.
    """
    page = ""
    if scope is not None and re.fullmatch(_PLAIN, scope):
        _, found, secret = scope.partition("/secrets/")
        page = f"Objects > Secrets > {secret} > " if found else ""
    else:
        scope = f"$(az keyvault show --name {vault} --query id --output tsv)"
    identity = caller or "OBJECT_ID"
    return (
        f'Give the identity the role: `az role assignment create --role "{READER_ROLE}" --assignee-object-id {identity} '
        f'--assignee-principal-type ServicePrincipal --scope "{scope}"`.{_whose(caller)} It takes effect within minutes. '
        f"Which roles it has already: `az role assignment list --assignee-object-id {identity} --fill-principal-name false "
        f'--scope "{scope}" --include-inherited --query "[].{{role:roleDefinitionName, scope:scope, condition:condition}}" '
        "--output table`. One without a condition is only late: wait. One with a condition may leave this secret out: change the "
        "condition, since waiting does not help. "
        f"Portal: Key vault {vault} > {page}Access control (IAM) > Add role assignment > {READER_ROLE} > Managed identity."
    )


def set_policy(vault: str, *, caller: str | None) -> str:
    """Return how to let an identity read secrets of a vault that goes by access policies."""
    return (
        f"Give it a policy: `az keyvault set-policy --name {vault} --object-id {caller or 'OBJECT_ID'} --secret-permissions "
        f"get list`.{_whose(caller)} Portal: Key vault {vault} > Access policies > Create > Secret permissions: Get, List."
    )


def _whose(caller: str | None) -> str:
    return "" if caller else " OBJECT_ID is the oid that the doctor shows."


def enable_secret(vault: str, name: str) -> str:
    """Return how to enable the latest version of a secret."""
    return (
        f"Enable it: `az keyvault secret set-attributes --vault-name {vault} --name {name} --enabled true`. Or read another "
        f"version. Portal: Key vault {vault} > Objects > Secrets > {name} > the current version > Enabled: Yes."
    )


def find_secret(vault: str, name: str) -> str:
    """Return how to look for a secret, and how to recover one that was deleted."""
    return (
        f'Look for its name: `az keyvault secret list --vault-name {vault} --query "[].name" --output tsv`. '
        f"{recover_secret(vault, name)}"
    )


def recover_secret(vault: str, name: str) -> str:
    """Return how to recover a secret that was deleted."""
    return (
        f"Recover one that was deleted: `az keyvault secret recover --vault-name {vault} --name {name}`. "
        f"Portal: Key vault {vault} > Objects > Secrets > Manage deleted secrets > {name} > Recover."
    )


def renew_secret(vault: str, name: str, *, until: str) -> str:
    """Return how to set a new version of a secret, with a date until which it is good."""
    return (
        f"Set a new version: `az keyvault secret set --vault-name {vault} --name {name} --file FILE --expires {until}`. "
        "FILE holds the new value, and the date is yours to choose. "
        f"Portal: Key vault {vault} > Objects > Secrets > {name} > New Version > Set expiration date."
    )


def begin_secret(vault: str, name: str, *, at: str) -> str:
    """Return how to let a secret be valid from an earlier time on."""
    return (
        "Wait until then, or make it valid now: "
        f"`az keyvault secret set-attributes --vault-name {vault} --name {name} --not-before {at}`. "
        f"Portal: Key vault {vault} > Objects > Secrets > {name} > the current version > Set activation date."
    )


def check_vault(vault: str) -> str:
    """Return how to compare a vault's address with what Azure knows of it."""
    return (
        f"Compare the vault's address with: `az keyvault show --name {vault} --query properties.vaultUri --output tsv`. "
        f"Portal: Key vault {vault} > Overview > Vault URI."
    )


def match_cloud(vault: str) -> str:
    """Return a remedy: a vault and an identity are to be in one cloud."""
    return f"The vault's address must have the suffix of the identity's cloud. {check_vault(vault)}"


def move_vault(vault: str, *, tenant: str | None) -> str:
    """Return how to fix that a vault and an identity are in two tenants; None means that its tenant is not known."""
    found = tenant if tenant and re.fullmatch(_WORD, tenant) else '"$(az account show --query tenantId --output tsv)"'
    return (
        "Use a vault of the identity's tenant. If the vault was moved with its subscription: "
        f"`az keyvault update --name {vault} --set properties.tenantId={found}`. Or federate an application of the vault's "
        f"tenant. No role fixes this. Portal: Key vault {vault} > Settings > Properties > Directory ID."
    )


def look_at_requests(vault: str) -> str:
    """Return how to see how many requests a vault gets."""
    return (
        f'How many: `az monitor metrics list --resource "$(az keyvault show --name {vault} --query id --output tsv)" --metric '
        f"ServiceApiHit --output table`. Portal: Key vault {vault} > Monitoring > Metrics > Total Service Api Hits."
    )
