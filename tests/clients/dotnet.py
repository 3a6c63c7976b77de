"""The client for .NET, on every kind of host, and what it refuses there by itself."""

from __future__ import annotations

from typing import Final

from tests.clients.language import HERE, Difference, Language, Program, printed

from keyless.local.sources import SOURCES as ALL_SOURCES

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
            version=printed("dotnet", str(HERE / "csharp" / "bin" / "clients.dll"), "versions"),
            command=("dotnet", "bin/clients.dll"),
            sources=ALL_SOURCES,
            default_on=tuple(source for source in ALL_SOURCES if source != "app-service-2017"),
            differences=_dotnet_differences(),
        ),
    ),
)
