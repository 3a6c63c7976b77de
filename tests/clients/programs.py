"""The clients: with what each is installed, how its program is started, and where it differs from the others by design."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from tests.clients.dotnet import CSHARP
from tests.clients.language import DEFAULT_ON, HERE, ONE_SOURCE, Difference, Language, Program

if TYPE_CHECKING:
    from collections.abc import Callable

# The class is the first argument, which sh takes as its own name.
JAVA_RUN: Final = 'exec java -cp "target/classes:$(cat target/classpath)" "$0" "$@"'


NO_RETRIES: Final = Difference(
    error="Throttled|too many requests",
    why="429 without Retry-After reaches the program: its client does not try again",
)
NO_RESOURCE_IDS: Final = Difference(
    error="resource IDs aren't supported",
    why="its client refuses resource ids on App Service: name the identity by its client id",
)


def _python(*packages: str) -> Callable[[], str]:
    return lambda: ", ".join(version(package) for package in packages)


def _javascript(*packages: str) -> Callable[[], str]:
    manifest = json.loads((HERE / "javascript" / "package.json").read_text())
    return lambda: ", ".join(manifest["dependencies"][package] for package in packages)


def _first_number(*command: str) -> Callable[[], str]:
    def ask() -> str:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = re.search(r"[0-9.]+", said)
        return found.group() if found else said

    return ask


def _pinned(file: str, *patterns: str) -> Callable[[], str]:
    """Return what finds versions in a manifest; each pattern has one group."""

    def find() -> str:
        text = (HERE / file).read_text()
        return ", ".join(re.findall(pattern, text, re.DOTALL)[0] for pattern in patterns)

    return find


PYTHON: Final = Language(
    name="python",
    tools=(),
    programs=(
        Program(
            client="azure-identity, azure-keyvault-secrets",
            version=_python("azure-identity", "azure-keyvault-secrets"),
            command=(sys.executable, "azure_sdk.py"),
            default_on=DEFAULT_ON,
        ),
        Program(
            client="the same, asynchronously",
            version=_python("azure-identity", "azure-keyvault-secrets"),
            command=(sys.executable, "azure_sdk_async.py"),
            default_on=DEFAULT_ON,
        ),
        Program(
            client="azure-identity, azure-keyvault-keys",
            version=_python("azure-identity", "azure-keyvault-keys"),
            command=(sys.executable, "azure_keys.py"),
            sources=ONE_SOURCE,
            about="keys",
        ),
        Program(
            client="azure-keyvault-keys, asynchronously",
            version=_python("azure-keyvault-keys"),
            command=(sys.executable, "azure_keys_async.py"),
            sources=ONE_SOURCE,
            about="keys",
        ),
        Program(
            client="azure-identity, azure-keyvault-certificates",
            version=_python("azure-identity", "azure-keyvault-certificates"),
            command=(sys.executable, "azure_certificates.py"),
            sources=ONE_SOURCE,
            about="certificates",
        ),
        Program(
            client="azure-keyvault-certificates, asynchronously",
            version=_python("azure-keyvault-certificates"),
            command=(sys.executable, "azure_certificates_async.py"),
            sources=ONE_SOURCE,
            about="certificates",
        ),
        Program(
            client="msal, requests",
            version=_python("msal", "requests"),
            command=(sys.executable, "msal_requests.py"),
        ),
        Program(
            client="msal, httpx",
            version=_python("msal", "httpx"),
            command=(sys.executable, "msal_httpx.py"),
            differences={"throttled twice": NO_RETRIES},
        ),
    ),
)
CURL: Final = Language(
    name="curl",
    tools=("curl", "python3"),
    programs=(Program(client="curl", version=_first_number("curl", "--version"), command=("sh", "read.sh")),),
)
JAVASCRIPT: Final = Language(
    name="javascript",
    tools=("node", "npm"),
    install=("npm", "install", "--no-audit", "--no-fund", "--no-package-lock"),
    sources=("package.json",),
    built="node_modules",
    programs=(
        Program(
            client="@azure/identity, @azure/keyvault-secrets",
            version=_javascript("@azure/identity", "@azure/keyvault-secrets"),
            command=("node", "azure_sdk.mjs"),
            default_on=DEFAULT_ON,
            differences={"throttled twice": NO_RETRIES},
        ),
        Program(
            client="@azure/identity, @azure/keyvault-keys",
            version=_javascript("@azure/identity", "@azure/keyvault-keys"),
            command=("node", "azure_keys.mjs"),
            sources=ONE_SOURCE,
            about="keys",
        ),
        Program(
            client="@azure/identity, @azure/keyvault-certificates",
            version=_javascript("@azure/identity", "@azure/keyvault-certificates"),
            command=("node", "azure_certificates.mjs"),
            sources=ONE_SOURCE,
            about="certificates",
        ),
        Program(
            client="@azure/msal-node, fetch",
            version=_javascript("@azure/msal-node"),
            command=("node", "msal_fetch.mjs"),
            differences={"throttled twice": NO_RETRIES},
        ),
    ),
)
GO: Final = Language(
    name="go",
    tools=("go",),
    install=("go", "build", "-o", "bin/", "./..."),
    sources=("go.mod", "*/*.go"),
    built="bin",
    programs=(
        Program(
            client="azidentity, azsecrets",
            version=_pinned("go/go.mod", r"azidentity v(\S+)", r"azsecrets v(\S+)"),
            command=("bin/azsdk",),
            default_on=DEFAULT_ON,
        ),
        Program(
            client="azidentity, azkeys",
            version=_pinned("go/go.mod", r"azidentity v(\S+)", r"azkeys v(\S+)"),
            command=("bin/azkeys",),
            sources=ONE_SOURCE,
            about="keys",
        ),
        Program(
            client="azidentity, azcertificates",
            version=_pinned("go/go.mod", r"azidentity v(\S+)", r"azcertificates v(\S+)"),
            command=("bin/azcertificates",),
            sources=ONE_SOURCE,
            about="certificates",
        ),
        Program(
            client="msal-go, net/http",
            version=_pinned("go/go.mod", r"microsoft-authentication-library-for-go v(\S+)"),
            command=("bin/msal",),
            differences={"throttled twice": NO_RETRIES},
        ),
        Program(
            client="adal",
            version=_pinned("go/go.mod", r"autorest/adal v(\S+)"),
            command=("bin/adal",),
            sources=(),
            default_on=("app-service",),
        ),
    ),
)
JAVASCRIPT_OLDER: Final = Language(
    name="javascript_older",
    tools=("node", "npm"),
    install=JAVASCRIPT.install,
    sources=JAVASCRIPT.sources,
    built=JAVASCRIPT.built,
    programs=tuple(
        Program(
            client=client,
            version=_pinned("javascript_older/package.json", pattern),
            command=("node", "read.mjs", name),
            sources=(),
            default_on=("app-service",),
        )
        for client, name, pattern in (
            ("@azure/identity", "1.1", r"@azure/identity@(1\.1[^\"]+)"),
            ("@azure/identity", "1.5", r"@azure/identity@(1\.5[^\"]+)"),
            ("@azure/ms-rest-nodeauth", "nodeauth", r'nodeauth": "([^"]+)'),
        )
    ),
)
JAVA: Final = Language(
    name="java",
    tools=("java", "javac", "mvn"),
    install=("mvn", "-q", "-B", "compile", "dependency:build-classpath", "-Dmdep.outputFile=target/classpath"),
    sources=("pom.xml", "src/main/java/clients/*.java"),
    built="target",
    programs=(
        Program(
            client="azure-identity, azure-security-keyvault-secrets",
            version=_pinned(
                "java/pom.xml",
                r"azure-identity</artifactId>\s*<version>([^<]+)",
                r"azure-security-keyvault-secrets</artifactId>\s*<version>([^<]+)",
            ),
            command=("sh", "-c", JAVA_RUN, "clients.AzureSdk"),
            default_on=DEFAULT_ON,
        ),
        Program(
            client="azure-identity, azure-security-keyvault-keys",
            version=_pinned(
                "java/pom.xml",
                r"azure-identity</artifactId>\s*<version>([^<]+)",
                r"azure-security-keyvault-keys</artifactId>\s*<version>([^<]+)",
            ),
            command=("sh", "-c", JAVA_RUN, "clients.AzureKeys"),
            sources=ONE_SOURCE,
            about="keys",
        ),
        Program(
            client="azure-identity, azure-security-keyvault-certificates",
            version=_pinned(
                "java/pom.xml",
                r"azure-identity</artifactId>\s*<version>([^<]+)",
                r"azure-security-keyvault-certificates</artifactId>\s*<version>([^<]+)",
            ),
            command=("sh", "-c", JAVA_RUN, "clients.AzureCertificates"),
            sources=ONE_SOURCE,
            about="certificates",
        ),
        Program(
            client="msal4j, java.net.http",
            version=_pinned("java/pom.xml", r"msal4j</artifactId>\s*<version>([^<]+)"),
            command=("sh", "-c", JAVA_RUN, "clients.Msal"),
            differences={"throttled twice": NO_RETRIES},
        ),
    ),
)
RUST: Final = Language(
    name="rust",
    tools=("cargo",),
    install=("cargo", "build", "--quiet"),
    sources=("Cargo.toml", "src/**/*.rs"),
    built="target",
    programs=(
        Program(
            client="azure_identity, azure_security_keyvault_secrets",
            version=_pinned(
                "rust/Cargo.toml", r'azure_identity = "=([^"]+)', r'azure_security_keyvault_secrets = "=([^"]+)'
            ),
            command=("target/debug/clients",),
            differences={"by resource id on app-service": NO_RESOURCE_IDS},
        ),
        Program(
            client="azure_identity, azure_security_keyvault_keys",
            version=_pinned(
                "rust/Cargo.toml", r'azure_identity = "=([^"]+)', r'azure_security_keyvault_keys = "=([^"]+)'
            ),
            command=("target/debug/keys",),
            sources=ONE_SOURCE,
            about="keys",
        ),
        Program(
            client="azure_identity, azure_security_keyvault_certificates",
            version=_pinned(
                "rust/Cargo.toml", r'azure_identity = "=([^"]+)', r'azure_security_keyvault_certificates = "=([^"]+)'
            ),
            command=("target/debug/certificates",),
            sources=ONE_SOURCE,
            about="certificates",
        ),
    ),
)
LANGUAGES: Final = (PYTHON, CURL, JAVASCRIPT, JAVASCRIPT_OLDER, GO, JAVA, RUST, CSHARP)
