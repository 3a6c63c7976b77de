"""The Azure clouds: which vault host belongs to which, and the resource a token for it must name.

Asking for a token for the wrong cloud's resource is answered with ``AKV10022: Invalid audience`` by the vault, so the
resource is derived from the vault's host and never guessed.

Source: https://learn.microsoft.com/en-us/azure/key-vault/general/about-keys-secrets-certificates#vault-name-and-object-name
"""

from typing import NamedTuple


class Cloud(NamedTuple):
    """One Azure cloud, as Key Vault sees it.

    Attributes:
        name: The name that ``azure-identity`` gives its authority constant.
        vault_suffix: What the host of every vault there ends with, without the leading dot.
        resource: The resource (audience) of a token for any vault there.
        authority: The sign-in host that issues such tokens.
    """

    name: str
    vault_suffix: str
    resource: str
    authority: str


CLOUDS = (
    Cloud("AZURE_PUBLIC_CLOUD", "vault.azure.net", "https://vault.azure.net", "login.microsoftonline.com"),
    Cloud("AZURE_CHINA", "vault.azure.cn", "https://vault.azure.cn", "login.chinacloudapi.cn"),
    Cloud(
        "AZURE_GOVERNMENT",
        "vault.usgovcloudapi.net",
        "https://vault.usgovcloudapi.net",
        "login.microsoftonline.us",
    ),
)


def cloud_of(host: str) -> Cloud | None:
    """Return the cloud of a vault's host, or None where the host is not under any known vault suffix.

    >>> cloud_of("contoso-kv.vault.azure.net").resource
    'https://vault.azure.net'
    """
    _, _, parent = host.lower().partition(".")
    return next((cloud for cloud in CLOUDS if cloud.vault_suffix == parent), None)


def vault_name(vault_url: str) -> str:
    """Return the name of the vault at an address, as ``az --vault-name`` takes it.

    >>> vault_name("https://contoso-kv.vault.azure.net")
    'contoso-kv'
    """
    return vault_url.removeprefix("https://").partition(".")[0]
