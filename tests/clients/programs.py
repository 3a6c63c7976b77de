"""The clients: with what each is installed, how its program is started, and where it differs from the others by design."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keyless.local.sources import SOURCES as ALL_SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HERE: Final = Path(__file__).parent
SOURCES: Final = ("app-service", "imds")
DEFAULT_ON: Final = ("app-service", "imds", "workload")
# The class is the first argument, which sh takes as its own name.
JAVA_RUN: Final = 'exec java -cp "target/classes:$(cat target/classpath)" "$0" "$@"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a client does otherwise than the table says, and why that is the client's own doing.

    Attributes:
        error: What must be in its error.
        why: Why.
    """

    error: str
    why: str


NO_RETRIES: Final = Difference(
    error="Throttled|too many requests",
    why="429 without Retry-After reaches the program: its client does not try again",
)
NO_RESOURCE_IDS: Final = Difference(
    error="resource IDs aren't supported",
    why="its client refuses resource ids on App Service: name the identity by its client id",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program, as its users would write it.

    Attributes:
        client: The packages that it uses.
        version: Tells their versions.
        command: How it is started, in its language's folder.
        sources: The sources of managed identities that its client can be pointed at.
        default_on: Where it also runs with the SDK's default credential, which finds out by itself what kind of host it is on.
        differences: Where it differs, by the scenario's name, or by ``SCENARIO on SOURCE``.
    """

    client: str
    version: Callable[[], str]
    command: tuple[str, ...]
    sources: tuple[str, ...] = SOURCES
    default_on: tuple[str, ...] = ()
    differences: Mapping[str, Difference] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """A language.

    Attributes:
        name: Its name, that of its folder too.
        tools: What must be on the machine.
        programs: Its programs.
        install: The command that installs what the manifest pins, and builds.
        sources: What it is made from; where that has not changed, nothing is made anew.
        built: The folder that it makes.
    """

    name: str
    tools: tuple[str, ...]
    programs: tuple[Program, ...]
    install: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    built: str = ""

    @property
    def folder(self) -> Path:
        """Where its programs are."""
        return HERE / self.name

    def missing(self) -> tuple[str, ...]:
        """Return the tools that this machine does not have."""
        return tuple(tool for tool in self.tools if shutil.which(tool) is None)

    def make_ready(self) -> str | None:
        """Install and build, one process at a time; return what the tool said if that fails."""
        if not self.install:
            return None
        made_from = self.folder / self.built / ".made-from"
        wanted = "".join(file.read_text() for pattern in self.sources for file in sorted(self.folder.glob(pattern)))
        with (self.folder / ".lock").open("w") as alone:
            fcntl.flock(alone, fcntl.LOCK_EX)
            if made_from.exists() and made_from.read_text() == wanted:
                return None
            done = subprocess.run(
                self.install, cwd=self.folder, capture_output=True, text=True, timeout=1800, check=False
            )
            if done.returncode:
                return (done.stdout + done.stderr)[-3000:]
            made_from.write_text(wanted)
        return None


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


def _printed(*command: str) -> Callable[[], str]:
    """Return what has a program print the versions of what it runs: a registry may have given others than are pinned."""
    return lambda: ", ".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


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
    sources=("Cargo.toml", "src/*.rs"),
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
    ),
)
NAMED: Final = ("by client id", "by object id", "by resource id", "denied by role", "wrong identity")
WITHOUT_NAMES: Final = Difference(
    error="not supported",
    why="its client refuses a named identity on this kind of host before it asks",
)
CLIENT_IDS_ALONE: Final = Difference(
    error="Only client id is supported",
    why="its client refuses object ids and resource ids on this kind of host before it asks",
)
THE_ENVIRONMENT_S: Final = Difference(
    error="", why="the environment names one of the two identities, so that nobody has to choose"
)
TAKEN_FOR_MACHINE_LEARNING: Final = Difference(
    error="DEFAULT_IDENTITY_CLIENT_ID|Only client id is supported",
    why="its client takes MSI_ENDPOINT and MSI_SECRET for Machine Learning's, and wants DEFAULT_IDENTITY_CLIENT_ID",
)
BY_CLIENT_ID: Final = Difference(
    error="AADSTS70021|AADSTS700213|AADSTS700016",
    why="its client sends the id as a client id, and a pod's token is good for one identity",
)


def _dotnet_differences() -> dict[str, Difference]:
    """Return what Azure.Identity 1.21.0 refuses by itself, seen on .NET 10."""
    without_names = {
        f"{name} on {source}": WITHOUT_NAMES for name in NAMED for source in ("service-fabric", "cloud-shell")
    }
    object_and_resource = ("by object id", "by resource id")
    machine_learning = {f"{name} on machine-learning": CLIENT_IDS_ALONE for name in object_and_resource}
    without_a_client_id = (
        *("read latest", "read a version", "list three pages", "not found", "disabled", "none chosen of two"),
        *("throttled twice", "token expired", *object_and_resource),
    )
    return {
        **without_names,
        **machine_learning,
        "none chosen of two on machine-learning": THE_ENVIRONMENT_S,
        **{f"{name} on app-service-2017": TAKEN_FOR_MACHINE_LEARNING for name in without_a_client_id},
        **{f"{name} on workload": BY_CLIENT_ID for name in (*object_and_resource, "denied by role")},
        "none chosen of two on workload": THE_ENVIRONMENT_S,
    }


CSHARP: Final = Language(
    name="csharp",
    tools=("dotnet",),
    install=("dotnet", "build", "--nologo", "--verbosity", "quiet", "--output", "bin"),
    sources=("clients.csproj", "*.cs"),
    built="bin",
    programs=(
        Program(
            client="Azure.Core, Azure.Identity, Azure.Security.KeyVault.Secrets",
            version=_printed("dotnet", str(HERE / "csharp" / "bin" / "clients.dll"), "versions"),
            command=("dotnet", "bin/clients.dll"),
            sources=ALL_SOURCES,
            default_on=tuple(source for source in ALL_SOURCES if source != "app-service-2017"),
            differences=_dotnet_differences(),
        ),
    ),
)
LANGUAGES: Final = (PYTHON, CURL, JAVASCRIPT, JAVASCRIPT_OLDER, GO, JAVA, RUST, CSHARP)
