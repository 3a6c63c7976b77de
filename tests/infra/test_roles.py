"""The roles that the Bicep gives, in the local Azure: with them the function works, and without one just its part fails."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from tests.infra.bicep import INFRA, Template, as_object, names

from keyless import AccessDeniedError, SecretReader, UserAssignedManagedIdentity
from keyless.local.azure.config.config import read_config
from keyless.local.functions.host import FunctionHost
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.infra.bicep import Value

FUNCTION_APP = Path(__file__).parents[2] / "function_app"
VAULT = "kv-model"
USER_IDENTITY = "id-model"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
# The ids in https://learn.microsoft.com/en-us/azure/role-based-access-control/built-in-roles, and what the Functions host, which
# cannot be had here, uses them for.
OF_THE_HOST = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "not tried: the host reads the package and keeps its keys with it",
    "3913510d-42f4-4e42-8a64-420c390055eb": "not tried: the host sends telemetry with it",
}


@dataclass(frozen=True, slots=True)
class Assignment:
    """A role assignment, as the Bicep has it.

    Attributes:
        name: Its symbol.
        identity: ``system`` or ``user``: which identity of the function it is for.
        role: The role's GUID.
        role_name: The variable that holds it, which says the role's name.
        scope: The type of the resource that it holds at.
        scope_name: The parameter that names that resource.
    """

    name: str
    identity: str
    role: str
    role_name: str
    scope: str
    scope_name: str


def assignments() -> list[Assignment]:
    """Read every role assignment that there is, and follow each to its identity, role and scope."""
    main = Template(INFRA / "main.bicep")
    ids = Template(INFRA / "app" / "built-in-roles.bicep")
    found = []
    for module in (main.declarations["systemRole"], main.declarations["userRoles"]):
        roles = Template(INFRA / module.source)
        for resource in roles.of_kind("resource").values():
            if resource.source.startswith("Microsoft.Authorization/roleAssignments@"):
                properties = as_object(resource.properties["properties"])
                scope = roles.declarations[str(resource.properties["scope"])]
                role = ids.declarations[names(properties["roleDefinitionId"])[-1]]
                found.append(
                    Assignment(
                        name=resource.name,
                        identity=identity_behind(main, str(module.given[str(properties["principalId"])])),
                        role=str(role.value),
                        role_name=role.name,
                        scope=scope.source.partition("@")[0],
                        scope_name=str(scope.properties["name"]),
                    )
                )
    return found


def identity_behind(main: Template, expression: str) -> str:
    """Say which identity an object id belongs to, by the module that gives it."""
    module, _, output = expression.partition(".outputs.")
    source = main.declarations[module].source
    given = str(Template(INFRA / source).declarations[output].value)
    return {"identity.properties.principalId": "user", "app.identity.principalId": "system"}[given]


def app_settings() -> dict[str, Value]:
    settings = Template(INFRA / "app" / "function.bicep").declarations["settings"]
    return as_object(settings.properties["properties"])


def world(granted: list[Assignment]) -> LocalAzure:
    """Return the Azure that the Bicep describes, as far as vault and identities go, with some of the roles."""
    roles: dict[str, dict[str, str]] = {"system": {}, USER_IDENTITY: {}}
    for each in granted:
        roles["system" if each.identity == "system" else USER_IDENTITY][f"{VAULT}/db-password"] = each.role
    described = {
        "vaults": {VAULT: {"secrets": {"db-password": "s3cr3t", "another": "not yours"}}},
        "identities": {name: {"roles": held} for name, held in roles.items()},
    }
    return LocalAzure(read_config("the Bicep", described))


def calls(azure: LocalAzure) -> dict[str, int]:
    """Call the function as a user does after a deployment, and return the statuses."""
    # The two settings of the function have the Bicep's names; their values are those of this world.
    settings = {"KEY_VAULT_URL": azure.vault(VAULT).url, "SECRET_NAME": "db-password"}
    assert settings.keys() <= app_settings().keys()
    user = azure.identity(USER_IDENTITY)
    queries = {
        "system-assigned": {},
        "user-assigned by client id": {"userAssignedClientId": user.client_id},
        "user-assigned by resource id": {"userAssignedResourceId": user.resource_id},
    }
    with FunctionHost(FUNCTION_APP, environment=azure.environment() | settings) as host:
        endpoint = host.functions["AcquireTokenMsi"]
        headers = {"x-functions-key": str(endpoint.key)}
        return {
            name: requests.get(endpoint.url, params=query, headers=headers, timeout=40).status_code
            for name, query in queries.items()
        }


@pytest.fixture(scope="module")
def at_secret() -> list[Assignment]:
    return [each for each in assignments() if each.scope == "Microsoft.KeyVault/vaults/secrets"]


@pytest.fixture(scope="module")
def of_host() -> list[Assignment]:
    """The roles that the Functions host needs, none of which concerns the vault."""
    return [each for each in assignments() if not each.scope.startswith("Microsoft.KeyVault/")]


def test_the_bicep_gives_each_identity_one_role_on_one_secret_and_the_host_its_two(
    at_secret: list[Assignment], of_host: list[Assignment]
) -> None:
    assert [(each.identity, each.role, each.scope, each.scope_name) for each in at_secret] == [
        ("system", SECRETS_USER, "Microsoft.KeyVault/vaults/secrets", "secretName"),
        ("user", SECRETS_USER, "Microsoft.KeyVault/vaults/secrets", "secretName"),
    ]
    assert [(each.identity, each.scope) for each in of_host] == [
        ("user", "Microsoft.Storage/storageAccounts"),
        ("user", "Microsoft.Insights/components"),
    ]
    assert [each.role for each in of_host] == list(OF_THE_HOST)
    assert len(assignments()) == 4
    main = Template(INFRA / "main.bicep").declarations
    for roles in (main["systemRole"], main["userRoles"]):
        assert str(roles.given["secretName"]) == str(main["function"].given["secretName"]) == "secretName"
        assert str(roles.given["vaultName"]) == "vault.outputs.name"


def test_the_host_uses_storage_and_telemetry_as_the_identity_that_has_the_roles(of_host: list[Assignment]) -> None:
    """These roles stand outside the local Azure, so what can be shown is that settings and roles name one identity."""
    assert {each.identity for each in of_host} == {"user"}
    settings = {name: str(held) for name, held in app_settings().items()}
    assert settings["AzureWebJobsStorage__clientId"] == "userIdentityClientId"
    assert (
        settings["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"] == "'ClientId=${userIdentityClientId};Authorization=AAD'"
    )
    given = Template(INFRA / "main.bicep").declarations["function"].given
    assert str(given["userIdentityClientId"]) == "userIdentity.outputs.clientId"


def test_each_role_taken_away_breaks_the_calls_of_its_identity_and_no_others(
    at_secret: list[Assignment], of_host: list[Assignment]
) -> None:
    table = [row("role taken away", "of", "at", "calls that then fail")]
    for withheld in (None, *at_secret):
        with world([each for each in at_secret if each != withheld]) as azure:
            statuses = calls(azure)
        for name, status in statuses.items():
            broken = withheld is not None and name.startswith(withheld.identity)
            assert status == (403 if broken else 200), (withheld, name)
        failed = ", ".join(f"{name}: {status}" for name, status in statuses.items() if status != 200)
        table.append(
            row(withheld.role_name, withheld.identity, withheld.scope, failed)
            if withheld
            else row("none", "", "", "none")
        )
    table += [row(each.role_name, each.identity, each.scope, OF_THE_HOST[each.role]) for each in of_host]
    sys.stdout.write("\n" + "".join(table))


def row(name: str, identity: str, scope: str, failed: str) -> str:
    return f"{name:<27} {identity:<8} {scope:<36} {failed}\n"


@pytest.fixture
def as_deployed(at_secret: list[Assignment], monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAzure]:
    with world(at_secret) as azure:
        for name, value in azure.environment().items():
            monkeypatch.setenv(name, value)
        yield azure


@pytest.mark.parametrize("identity", ["system", USER_IDENTITY])
def test_the_roles_open_that_secret_and_no_other_of_the_vault(as_deployed: LocalAzure, identity: str) -> None:
    client_id = as_deployed.identity(identity).client_id
    chosen = None if identity == "system" else UserAssignedManagedIdentity(client_id=client_id)
    with SecretReader(as_deployed.vault(VAULT).url, identity=chosen) as reader:
        assert reader.get("db-password").value == "s3cr3t"
        with pytest.raises(AccessDeniedError):
            reader.get("another")
