"""The address of a secret: vault, name and version, checked before anything is sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, urlsplit

from keyless._remedies.remedies import LIST_VAULTS
from keyless.clouds import CLOUDS
from keyless.errors import ConfigurationError

# Patterns are compiled when they are first needed, so that importing costs little.
# https://learn.microsoft.com/en-us/azure/key-vault/general/about-keys-secrets-certificates#objects-identifiers-and-versioning
SECRET_NAME = r"[0-9A-Za-z-]{1,127}"  # noqa: S105 (what names may be)
_VERSION = r"[0-9A-Fa-f]{32}"
VAULT_NAME = r"(?!.*--)[A-Za-z][0-9A-Za-z-]{1,22}[0-9A-Za-z]"
# What ends in a number is an IPv4 address to whatever resolves it: https://url.spec.whatwg.org/#ends-in-a-number-checker
_LAST_OF_ADDRESS = r"[0-9]+|0[xX][0-9A-Fa-f]*"
_LABEL = r"[0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?"


@dataclass(frozen=True, slots=True)
class SecretId:
    """A secret's identifier, such as ``https://contoso-kv.vault.azure.net/secrets/db-password``.

    Attributes:
        vault_url: The vault's address, without a trailing slash.
        name: The secret's name.
        version: The version, 32 hexadecimal digits; None means the latest.
    """

    vault_url: str
    name: str
    version: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an identifier as Azure writes it.

        Args:
            text: ``https://{vault host}/secrets/{name}`` or ``.../{name}/{version}``.

        Returns:
            The identifier's parts.

        Raises:
            ConfigurationError: If it is not such an address.

        >>> SecretId.parse("https://contoso-kv.vault.azure.net/secrets/db-password").name
        'db-password'
        """
        try:
            parts = urlsplit(text)
        except ValueError:
            parts = urlsplit("")
        # Vaults take doubled slashes, and configurations that join a URL with a path have them.
        segments = re.sub("/+", "/", parts.path).removeprefix("/").removesuffix("/").split("/")
        if segments[0] != "secrets" or len(segments) not in {2, 3}:
            raise ConfigurationError(
                f"The secret identifier {text!r} is not one of a secret.",
                cause="Its path is not /secrets/NAME or /secrets/NAME/VERSION.",
                remedy="Write it as https://VAULT.vault.azure.net/secrets/NAME.",
            )
        version = check_version(segments[2]) if len(segments) == 3 else None  # noqa: PLR2004 (secrets, name, version)
        return cls(check_vault_url(f"{parts.scheme}://{parts.netloc}"), check_secret_name(segments[1]), version)

    @classmethod
    def resolve(cls, vault_url: str, name: str, version: str | None = None) -> Self:
        """Return the secret of a vault that a caller means.

        Args:
            vault_url: The vault's address, already checked.
            name: A secret's name, ``name/version``, or a whole identifier of that vault.
            version: The version, where the name does not say it.

        Raises:
            ConfigurationError: If the name or version is not one, or the identifier is another vault's.
        """
        if not isinstance(name, str):
            raise ConfigurationError(
                f"The secret name is {type(name).__name__}, not text.",
                cause="The variable or setting that names the secret is perhaps not set.",
                remedy="Give the name of a secret.",
            )
        if "://" in name:
            found = cls.parse(name)
            if found.vault_url != vault_url:
                raise ConfigurationError(
                    f"The secret {name!r} is not in the vault {vault_url}.",
                    cause="The identifier names another vault than the one this reader reads.",
                    remedy=f"Make a SecretReader for {found.vault_url}.",
                )
        else:
            plain, slash, written = name.partition("/")
            found = cls(vault_url, check_secret_name(plain), check_version(written) if slash else None)
        if version is None:
            return found
        version = check_version(version)
        if found.version is not None and found.version != version:
            raise ConfigurationError(
                f"The secret {name!r} names one version and version={version!r} another.",
                cause="Both the name and the argument choose a version.",
                remedy="Give the version once.",
            )
        return cls(found.vault_url, found.name, version)

    @property
    def key(self) -> str:
        """The name and version in one form: Key Vault compares names without case."""
        return f"{self.name.lower()}/{self.version or ''}"

    def __str__(self) -> str:
        tail = f"/{self.version}" if self.version else ""
        return f"{self.vault_url}/secrets/{self.name}{tail}"


def check_secret_name(name: str) -> str:
    """Return a secret's name if Key Vault allows it.

    Raises:
        ConfigurationError: If it is empty, longer than 127 characters, or has other than letters, digits and hyphens.
    """
    if not re.fullmatch(SECRET_NAME, name):
        other = "".join(sorted(set(re.sub("[0-9A-Za-z-]", "", name))))[:20]
        problem = f"it has {other!r}" if other else "it is too long" if name else "it is empty"
        raise ConfigurationError(
            f"The secret name {name[:200]!r} is not valid: {problem}.",
            cause="Key Vault allows 1 to 127 letters (a-z, A-Z), digits and hyphens in a secret's name.",
            remedy="Use the name that the secret has in the vault. It never has underscores, dots or spaces.",
        )
    return name


def check_version(version: str) -> str:
    """Return a secret's version, in lower case, if it looks like one.

    Raises:
        ConfigurationError: If it is not 32 hexadecimal digits.
    """
    if not isinstance(version, str):
        raise ConfigurationError(
            f"The secret version is {type(version).__name__}, not text.",
            cause="A version is 32 hexadecimal digits.",
            remedy="Copy it from the secret's identifier, or leave it out to read the latest version.",
        )
    if not re.fullmatch(_VERSION, version):
        raise ConfigurationError(
            f"The secret version {version[:200]!r} is not valid.",
            cause="A version is 32 hexadecimal digits.",
            remedy="Copy it from the secret's identifier, or leave it out to read the latest version.",
        )
    return version.lower()


def check_vault_url(url: str) -> str:
    """Return a vault's address in the one form that Keyless uses: lower case, no path, no trailing slash.

    Args:
        url: The address, such as ``https://contoso-kv.vault.azure.net/``.

    Raises:
        ConfigurationError: If it is not the https address of a vault.
    """
    if not isinstance(url, str):
        raise ConfigurationError(
            f"The vault URL is {type(url).__name__}, not text.",
            cause="The variable or setting that names the vault is perhaps not set.",
            remedy=f"Give the vault's address: https://NAME.{CLOUDS[0].vault_suffix}. The names of yours: {LIST_VAULTS}.",
        )
    problem = _vault_url_problem(url.strip())
    if problem is not None:
        what, remedy = problem
        raise ConfigurationError(
            f"The vault URL {re.sub('//[^/@]*@', '//***@', url[:200])!r} is not valid: {what}.",
            cause="A vault is addressed as https://NAME.vault.azure.net, or with its sovereign cloud's suffix.",
            remedy=f"{remedy} The names of your vaults: {LIST_VAULTS}.",
        )
    parts = urlsplit(url.strip())
    port = f":{parts.port}" if parts.port not in {None, 443} else ""
    return f"https://{_host(parts)}{port}"


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").removesuffix(".")


def _vault_url_problem(url: str) -> tuple[str, str] | None:
    """Return what is wrong with a vault's address and how to fix it, or None."""
    write = "Write " + " or ".join(f"https://NAME.{cloud.vault_suffix}" for cloud in CLOUDS) + "."
    if not url:
        return "it is empty", write
    if url.startswith("@Microsoft.KeyVault("):
        return "it is a Key Vault reference that was not resolved", "Give the vault's address itself."
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (a wrong port shows itself only when it is read)
    except ValueError:
        return "it cannot be read as a URL", write
    if url[0] in "'\"":
        return (
            "it has quotation marks around it",
            "Leave them out: what a file or a portal sets is taken as it is written.",
        )
    if re.fullmatch(VAULT_NAME, url):
        return "it is a name, not an address", f"Write https://{url}.{CLOUDS[0].vault_suffix}."
    if parts.scheme != "https":
        return "it is not https", f"{write} A token is never sent without TLS."
    if parts.username is not None or parts.password is not None:
        return "it holds a user name or password", write
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        return "it has more than a host", "Give the vault's address alone; the secret's name is a value of its own."
    if not url.isascii() or not url.isprintable():
        return "it has signs that no vault's address has", write
    return _host_problem(_host(parts), parts.port, write)


def _host_problem(host: str, port: int | None, write: str) -> tuple[str, str] | None:
    if port == 0:
        return "nothing answers at the port 0", write
    labels = host.split(".")
    if re.fullmatch(_LAST_OF_ADDRESS, labels[-1]) or ":" in host:
        return "it is an IP address, and a vault has a name", write
    suffix = next((cloud.vault_suffix for cloud in CLOUDS if f".{host}".endswith(f".{cloud.vault_suffix}")), None)
    if "managedhsm" in labels:
        return "it is a managed HSM", "A managed HSM holds keys and no secrets: name a vault."
    if "privatelink" in labels or "vaultcore" in labels:
        return "it is the private link's own name", "Keep the vault's public name: private DNS resolves it."
    if len(labels) < 3 or not all(re.fullmatch(_LABEL, label) for label in labels):  # noqa: PLR2004 (name.vault.suffix)
        return "its host is not one that a vault can have", write
    if suffix is not None and not re.fullmatch(VAULT_NAME, host.removesuffix(suffix).removesuffix(".")):
        return "a vault's name is 3 to 24 letters, digits and single hyphens, and starts with a letter", write
    return None
