"""Every variable by which an SDK or a tool finds an identity, and what becomes of it under the local Azure.

Decided once, here: the environment of a program, the plugin, the development host and ``keyless env`` go by it, and
``docs/sources.md`` shows it. The names are those that the clients of Microsoft for Python, JavaScript, Go, Java, .NET and Rust
read, Terraform's provider, Ansible's collection, Spring Cloud Azure and Dapr: found by reading their sources.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from keyless._remedies import local

LOCAL_AZURE: Final = local.VARIABLE
METADATA_HOST: Final = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
TERRAFORM_ENDPOINT: Final = "ARM_MSI_ENDPOINT"
AZ_FOLDER: Final = "AZURE_CONFIG_DIR"
AZD_FOLDER: Final = "AZD_CONFIG_DIR"

Fate = Literal["the source's", "taken away", "kept if local", "set", "left"]


class Decision(NamedTuple):
    """A decision on variables.

    Attributes:
        names: Their names; one that ends with an asterisk stands for all that begin so and are not named elsewhere.
        fate: ``the source's``: set where the chosen source sets it, else taken away. ``taken away``: always. ``kept if
            local``: taken away unless it names what the local Azure has. ``set``: to what leads here. ``left``: as it is.
        reason: Why.
    """

    names: tuple[str, ...]
    fate: Fate
    reason: str


DECISIONS: Final = (
    Decision(
        (
            *("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT", "IDENTITY_API_VERSION"),
            *("IMDS_ENDPOINT", "MSI_ENDPOINT", "MSI_SECRET", "DEFAULT_IDENTITY_CLIENT_ID", "AZUREPS_HOST_ENVIRONMENT"),
            *("AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"),
        ),
        "the source's",
        "They choose the source of managed identities. With those of another source, a client would ask that one.",
    ),
    Decision(
        (LOCAL_AZURE,),
        "the source's",
        "It names the source, so that errors of Keyless show the local way first. No client reads it.",
    ),
    Decision(
        ("REGION_NAME",),
        "the source's",
        "MSAL asks a regional login host by it. App Service sets it; without it MSAL looks for the metadata service.",
    ),
    Decision(
        ("AZURE_CLIENT_ID", "AZURE_TENANT_ID"),
        "kept if local",
        "`DefaultAzureCredential` asks for that identity, and programs read them as settings of their own.",
    ),
    Decision(
        (METADATA_HOST, TERRAFORM_ENDPOINT),
        "set",
        "To the local metadata service with `imds`, else to an address that refuses every connection, so that clients which "
        "obey no proxy do not ask the real one: SDKs read the first, HashiCorp's client (Terraform) the second.",
    ),
    Decision(
        (AZ_FOLDER, AZD_FOLDER),
        "set",
        "To folders of the run: `az` and `azd` are not logged in, so that a credential chain that comes to them gets no "
        "real token, and a login in the run changes nothing outside. `az` reports no use to its vendor from there.",
    ),
    Decision(
        ("AZURE_TOKEN_CREDENTIALS",),
        "taken away",
        "`dev`, which Microsoft recommends on laptops, leaves the managed identity out, and the person's own `az` is asked.",
    ),
    Decision(
        ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PASSWORD"),
        "kept if local",
        "With them an SDK signs in as the application that `AZURE_CLIENT_ID` names: one of `keyless.toml`, or none.",
    ),
    Decision(
        ("AZURE_USERNAME", "AZURE_PASSWORD", "AzureServicesAuthConnectionString"),
        "taken away",
        "With them an SDK signs in as a person, at the real login host, before any managed identity.",
    ),
    Decision(
        ("AZURE_REGIONAL_AUTHORITY_NAME", "MSAL_FORCE_REGION"),
        "taken away",
        "They put a region before the authority's host, and there is no such host for the local one.",
    ),
    Decision(
        (
            *("AZURE_KUBERNETES_TOKEN_PROXY", "AZURE_KUBERNETES_SNI_NAME"),
            *("AZURE_KUBERNETES_CA_FILE", "AZURE_KUBERNETES_CA_DATA"),
        ),
        "taken away",
        "They lead the exchange of a pod's token to a cluster's own proxy.",
    ),
    Decision(
        ("AZURE_POD_IDENTITY_TOKEN_URL", "IDENTITY_SECRET"),
        "taken away",
        "Older clients for Java and Node.js read them for another source's address and secret.",
    ),
    Decision(
        (
            *("ARM_CLIENT_ID", "ARM_CLIENT_ID_FILE_PATH", "ARM_CLIENT_SECRET", "ARM_CLIENT_SECRET_FILE_PATH"),
            *("ARM_CLIENT_CERTIFICATE", "ARM_CLIENT_CERTIFICATE_PATH", "ARM_CLIENT_CERTIFICATE_PASSWORD"),
            *("ARM_OIDC_TOKEN", "ARM_OIDC_TOKEN_FILE_PATH", "ARM_OIDC_REQUEST_TOKEN", "ARM_OIDC_REQUEST_URL"),
            *("ARM_MSI_API_VERSION", "ARM_TENANT_ID"),
        ),
        "taken away",
        "Terraform and Pulumi sign in with them at the real login host, and would show that token to the local vault.",
    ),
    Decision(
        ("AZURE_SECRET", "AZURE_TENANT", "AZURE_AD_USER"),
        "taken away",
        "Ansible's collection signs in with them.",
    ),
    Decision(
        (
            *("SPRING_CLOUD_AZURE_CREDENTIAL_CLIENT_SECRET", "SPRING_CLOUD_AZURE_CREDENTIAL_CLIENT_CERTIFICATE_PATH"),
            *("SPRING_CLOUD_AZURE_CREDENTIAL_CLIENT_CERTIFICATE_PASSWORD",),
            *("SPRING_CLOUD_AZURE_CREDENTIAL_USERNAME", "SPRING_CLOUD_AZURE_CREDENTIAL_PASSWORD"),
        ),
        "taken away",
        "Spring Cloud Azure signs in with them before it tries a managed identity.",
    ),
    Decision(
        (
            *("SPRING_CLOUD_AZURE_PROXY_TYPE", "SPRING_CLOUD_AZURE_PROXY_HOSTNAME", "SPRING_CLOUD_AZURE_PROXY_PORT"),
            *("SPRING_CLOUD_AZURE_PROXY_HTTP_NONPROXYHOSTS",),
        ),
        "set",
        "Spring Cloud Azure looks at no other setting of a proxy, Java's included. By `keyless run` alone.",
    ),
    Decision(
        ("SPRING_CLOUD_AZURE_*",),
        "left",
        "They are the program's own settings, such as the vault's address and the client id of its identity.",
    ),
    Decision(
        ("ARM_SUBSCRIPTION_ID", "ARM_USE_MSI", "ARM_*"),
        "left",
        "They set what Terraform works on and how it signs in. Terraform cannot sign in with them.",
    ),
    Decision(
        ("DAPR_*",),
        "left",
        "They are ports and addresses of Dapr itself. It takes an identity from its components, or as the SDK for Go does.",
    ),
    Decision(
        ("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "AZURE_ADDITIONALLY_ALLOWED_TENANTS"),
        "left",
        "They change how a sign-in is done that something else asks for.",
    ),
    Decision(
        (
            "AZURE_IDENTITY_DISABLE_MULTITENANTAUTH",
            "AZURE_IDENTITY_DISABLE_CP1",
            "AZURE_SUBSCRIPTION_ID",
            "AZURE_CLOUD",
        ),
        "left",
        "They choose no identity.",
    ),
    Decision(
        (
            "SYSTEM_OIDCREQUESTURI",
            "SYSTEM_ACCESSTOKEN",
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        ),
        "left",
        "A pipeline's own steps need them; an SDK uses them where a program names that credential.",
    ),
)

IDENTITY_VARIABLES: Final = tuple(
    name
    for decision in DECISIONS
    if decision.fate in {"the source's", "taken away", "kept if local"} or METADATA_HOST in decision.names
    for name in decision.names
)
"""Every variable that makes a client choose a source of managed identities, or no managed identity at all.

Unset them all before setting those of one source, and never blank them: MSAL for Python looks at whether a variable is
there, not at what it holds.
"""


def decision_on(name: str) -> Decision | None:
    """Return what was decided on a variable; None where nothing was, so that it is left."""
    exact = next((decision for decision in DECISIONS if name in decision.names), None)
    return exact or next(
        (
            decision
            for decision in DECISIONS
            if any(each.endswith("*") and name.startswith(each.removesuffix("*")) for each in decision.names)
        ),
        None,
    )
