"""Every remedy can be followed as it stands: by a command to paste, by a path through the portal, or it says why not."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import msal
import pytest
import requests
from tests.remedies import NEITHER, flaw
from urllib3.exceptions import MaxRetryError, NameResolutionError

from keyless._identity import failures as identity_failures
from keyless._identity.choice import choose
from keyless._identity.managed_identity import check_identity
from keyless._identity.session import Exchange
from keyless._remedies import network, remedies
from keyless._remedies.host import CONTAINER_APP, FUNCTION_APP, VIRTUAL_MACHINE, Host, host_of, machine_of
from keyless._vault import failures as vault_failures
from keyless._vault import unreachable
from keyless._wire.deadline import Deadline, too_late
from keyless.errors import KeylessError
from keyless.secret_id import SecretId, check_secret_name, check_vault_url, check_version

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = SecretId("https://contoso-kv.vault.azure.net", "db-password")
GUID = "11111111-2222-3333-4444-555555555555"
APP = Host(kind=FUNCTION_APP, name="contoso-app", group="contoso-group")
SOON = Deadline(10.0, lambda: 0.0)
PAST = Deadline(0.0, lambda: 1.0)


def vault_answer(status: int, code: str | None = None, *, inner: str | None = None, message: str = "") -> KeylessError:
    answer = requests.Response()
    answer.status_code = status
    error = {"code": code, "message": message, "innererror": {"code": inner}}
    answer._content = json.dumps({"error": error} if code else {}).encode()
    return vault_failures.error_answer(SECRET, answer)


def no_answer(problem: Exception) -> KeylessError:
    return unreachable.no_answer(SECRET, problem, SOON)


def refused_by_proxy(said: str) -> KeylessError:
    return no_answer(requests.exceptions.ProxyError(f"OSError('Tunnel connection failed: {said}')"))


def unresolved() -> Exception:
    return requests.ConnectionError(MaxRetryError(None, "/", NameResolutionError("h", None, OSError())))  # type: ignore[arg-type]


def no_token(
    status: int | None,
    text: str = "",
    *,
    problem: Exception | None = None,
    source: Any = msal.managed_identity.APP_SERVICE,
) -> list[KeylessError]:
    exchange = Exchange(SOON, source, patient=False, status=status, body=text.encode())
    names = ("system-assigned", f"client_id={GUID}", f"object_id={GUID}", "resource_id=/subscriptions/$(reboot)/x")
    return [identity_failures.explain(name, exchange, problem) for name in names]


def refused_by(check: Callable[[Any], object], value: object) -> KeylessError:
    with pytest.raises(KeylessError) as caught:
        check(value)
    return caught.value


def errors() -> list[KeylessError]:
    found = [
        *(vault_answer(403, "Forbidden", inner=inner) for inner in ("ForbiddenByRbac", "ForbiddenByFirewall")),
        *(
            vault_answer(403, "Forbidden", inner=inner)
            for inner in ("ForbiddenByConnection", "ForbiddenByNsp", "AccessDenied", "SecretDisabled", "Unknown")
        ),
        *(vault_answer(401, "Unauthorized", message=said) for said in ("AKV10032", "AKV10022", "other")),
        *(vault_answer(status, "Code") for status in (400, 429, 500)),
        vault_answer(404, "SecretNotFound"),
        vault_answer(404),
        vault_failures.open_to_all(SECRET),
        too_late(f"{SECRET} could not be read"),
        *map(no_answer, (requests.exceptions.ProxyError("x"), requests.exceptions.InvalidProxyURL("x"), OSError("x"))),
        *map(refused_by_proxy, ("407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway")),
        *map(
            no_answer, (requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED"), requests.Timeout("x"), unresolved())
        ),
        no_answer(requests.ConnectionError("x")),
        choose().too_late(),
        choose().too_late(f"{SECRET} could not be read"),
        *(
            refused_by(check_vault_url, url)
            for url in (7, "", "contoso-kv", "http://a.vault.azure.net", "https://a.example/b")
        ),
        refused_by(check_secret_name, "db_password"),
        refused_by(check_version, "1"),
        refused_by(check_identity, 7),
        refused_by(check_identity, msal.UserAssignedManagedIdentity(client_id="reporting")),
    ]
    vm = msal.managed_identity.DEFAULT_TO_VM
    for more in (
        *(no_token(status, '{"message": "No."}') for status in (400, 403, 404, 410, 429, 500)),
        no_token(200, "<html>"),
        no_token(401),
        no_token(403, "connecting to 169.254.169.254:80: network is unreachable"),
        no_token(400, '{"error": "invalid_request", "error_description": "Multiple user assigned identities exist"}'),
        no_token(400, '{"error": "invalid_resource", "error_description": "AADSTS500011"}'),
        *(
            no_token(None, problem=problem)
            for problem in (requests.ConnectionError("x"), OSError("x"), ValueError("x"))
        ),
        no_token(None, problem=requests.exceptions.InvalidURL("x")),
        no_token(None, problem=requests.Timeout("x"), source=vm),
    ):
        found += more
    return found


def test_every_error_of_identities_and_vaults_says_what_to_do_in_a_form_to_paste(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    laptop = errors()
    for name, value in {"WEBSITE_SITE_NAME": "contoso-app", "WEBSITE_POD_NAME": "0"}.items():
        monkeypatch.setenv(name, value)
    app = errors()
    assert {error.kl_code for error in laptop} == {
        f"KL-{number}" for number in (100, *range(201, 205), *range(301, 309), 401)
    }
    assert [(error.what, error.remedy, found) for error in (*laptop, *app) if (found := flaw(error.remedy))] == []
    in_azure = [error for error in app if "this does not run in Azure" not in error.cause]
    assert not [error.remedy for error in in_azure if re.search(r"\b(APP|GROUP)\b", error.remedy)]
    assert all(reason for reason in NEITHER.values())
    assert "$(reboot)" not in "".join(error.remedy for error in (*laptop, *app))


COMMANDS = sorted({command for error in errors() for command in error.remedy.split("`")[1::2]})


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("az ")])
def test_a_shell_reads_a_command_as_it_is_meant(command: str) -> None:
    script = 'az() { printf "%s\\n" "$#" >&2; printf "%s" "/found/by az"; }\n' + command
    done = subprocess.run(["/bin/sh", "-euc", script], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
    words = len(shlex.split(re.sub(r'"\$\((?:[^"]|"[^"]*")*\)"', "found", command))) - 1
    assert done.stderr.split()[-1] == str(words)


def test_the_platform_s_variables_name_the_host() -> None:
    site = {"WEBSITE_SITE_NAME": "contoso-app", "WEBSITE_INSTANCE_ID": "0", "FUNCTIONS_WORKER_RUNTIME": "python"}
    more = {"WEBSITE_RESOURCE_GROUP": "g (old)", "WEBSITE_OWNER_NAME": f"{GUID}+g-westeuropewebspace"}
    assert host_of({}) is None
    assert host_of({"WEBSITE_SITE_NAME": "contoso-app"}) is None
    assert host_of({**site, "WEBSITE_SITE_NAME": "a; reboot"}) is None
    found = host_of({**site, **more, "WEBSITE_RESOURCE_GROUP": "g(old)", "WEBSITE_SLOT_NAME": "staging"})
    assert found is not None
    assert found.kind is FUNCTION_APP
    assert found.options == f'--name contoso-app --resource-group "g(old)" --slot staging --subscription {GUID}'
    unnamed = host_of({**site, "WEBSITE_SLOT_NAME": "Production"})
    assert unnamed is not None
    assert "az resource list --name contoso-app --resource-type Microsoft.Web/sites" in unnamed.options
    assert "--slot" not in unnamed.options
    container = host_of({"CONTAINER_APP_NAME": "contoso-job"})
    assert container is not None
    assert container.kind is CONTAINER_APP
    assert "--system-assigned" in remedies.enable_identity(container)


@pytest.mark.parametrize("compute", [{}, {"name": 7}, {"name": "a`b"}])
def test_a_metadata_service_that_does_not_name_the_machine_names_none(compute: dict[str, object]) -> None:
    assert machine_of(compute) is None


def test_a_scale_set_goes_before_its_machines() -> None:
    told = {"name": "web_0", "vmScaleSetName": "web", "resourceGroupName": "group", "subscriptionId": GUID}
    found = machine_of(told)
    assert found is not None
    assert (found.kind.command, found.name, found.group) == ("vmss", "web", "group")
    assert machine_of({"name": "one"}) == Host(kind=VIRTUAL_MACHINE, name="one")


def test_what_a_vault_says_gets_into_a_command_only_where_a_shell_reads_it_as_a_name() -> None:
    hostile = f"Caller: oid={GUID};x Resource: '/subscriptions/$(reboot)'"
    said = vault_answer(403, "Forbidden", inner="ForbiddenByRbac", message=hostile).remedy
    assert "reboot" not in said
    assert f"--assignee-object-id {GUID}" in said
    assert "tenantId=$(reboot)" not in remedies.move_vault("contoso-kv", tenant="$(reboot)")
    assert "--client-id $(reboot)" not in remedies.name_only_identity(APP, client_id="$(reboot)", name="x")


def test_a_proxy_is_told_from_the_vault_behind_it() -> None:
    assert refused_by_proxy("407 Proxy Authentication Required").cause.startswith("The proxy wants a user")
    assert refused_by_proxy("403 Forbidden").cause == "The proxy does not allow connections to this host."
    assert "az keyvault list" in refused_by_proxy("502 Bad Gateway").remedy
    assert "az keyvault list" not in no_answer(requests.exceptions.ProxyError("x")).remedy


def test_container_apps_which_resolve_no_references_get_a_secret_that_refers_to_the_vault() -> None:
    remedy = remedies.set_reference_identity(host_of({"CONTAINER_APP_NAME": "contoso-job"}))
    assert "az containerapp secret set --name contoso-job" in remedy
    assert "keyVaultReferenceIdentity" not in remedy
    assert flaw(remedy) is None


def test_a_role_that_is_missing_can_be_told_from_one_that_is_late() -> None:
    remedy = remedies.give_role("contoso-kv", caller=GUID, scope=None)
    scope = '"$(az keyvault show --name contoso-kv --query id --output tsv)"'
    assert (
        f"az role assignment list --assignee-object-id {GUID} --fill-principal-name false --scope {scope} --include-inherited"
        in remedy
    )


def test_a_role_whose_condition_leaves_the_secret_out_can_be_told_from_one_that_is_late() -> None:
    remedy = remedies.give_role("contoso-kv", caller=GUID, scope=None)
    assert "condition:condition" in remedy
    assert "waiting does not help" in remedy


def test_no_command_that_looks_for_a_role_asks_microsoft_graph() -> None:
    """Whoever may see the roles of a resource group often may not ask Graph for the names behind object ids."""
    commands = [part for error in errors() for part in error.remedy.split("`")[1::2]]
    asked = [command for command in commands if "role assignment" in command]
    assert asked
    assert [command for command in asked if "--assignee " in command] == []
    assert [command for command in asked if "list" in command and "--fill-principal-name false" not in command] == []


def test_a_vault_that_is_recovered_needs_its_roles_again() -> None:
    assert "a recovered vault has lost them" in network.find_vault("vault.azure.net")


@pytest.mark.parametrize(
    ("version", "told"), [("1.37.0", 'pip install "msal>=1.38"'), ("1.38.0", "unset IDENTITY_ENDPOINT")]
)
def test_service_fabric_s_certificate_and_the_version_of_msal_that_knows_it(
    monkeypatch: pytest.MonkeyPatch, version: str, told: str
) -> None:
    monkeypatch.setattr(msal, "__version__", version)
    problem = requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED")
    error, *_ = no_token(None, problem=problem, source=msal.managed_identity.SERVICE_FABRIC)
    assert "its certificate is not the one that is expected" in error.what
    assert (told in error.remedy) is True
    assert ("MSAL 1.37.0 does not know" in error.cause) is (version == "1.37.0")


def test_an_arc_agent_that_does_not_answer_is_looked_at_and_no_variable_is_blamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("IMDS_ENDPOINT", raising=False)
    problem = requests.ConnectionError("Connection refused")
    error, *_ = no_token(None, problem=problem, source=msal.managed_identity.AZURE_ARC)
    assert "the connection is refused" in error.what
    assert "sudo azcmagent show" in error.remedy
    assert flaw(error.remedy) is None
