"""What azd runs around a deployment: the hook after publishing, with a stand-in for az, and what azure.yaml names."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from tests.infra.bicep import INFRA, Template, as_object

if TYPE_CHECKING:
    from pathlib import Path

ROOT = INFRA.parent
HOOK = INFRA / "hooks" / "after-deploy.sh"
PACKAGE = INFRA / "hooks" / "package.sh"
# What azd puts into the environment: where it deploys to, and the outputs of main.bicep.
WHERE = {"AZURE_SUBSCRIPTION_ID": "00000000-1111-2222-3333-444444444444", "AZURE_RESOURCE_GROUP": "rg-contoso"}
OUTPUTS = {
    "AZURE_LOCATION": "westeurope",
    "FUNCTION_URL": "https://func-contoso.azurewebsites.net/api/AcquireTokenMsi",
    "FUNCTION_APP_NAME": "func-contoso",
    "KEY_VAULT_NAME": "kv-contoso",
    "SECRET_NAME": "db-password",
    "USER_IDENTITY_CLIENT_ID": "11111111-2222-3333-4444-555555555555",
    "USER_IDENTITY_RESOURCE_ID": "/subscriptions/s/resourceGroups/rg-contoso/providers/x/id-contoso",
}


def run_hook(folder: Path, az: str, given: dict[str, str] | None = None) -> tuple[str, str]:
    """Run the hook where az and curl are scripts of the test's; return what was printed, and what they were asked."""
    asked = folder / "asked"
    for name, rest in (("az", az), ("curl", f'cat > "{folder}/config"; echo "the report"')):
        stand_in = folder / name
        stand_in.write_text(f'#!/bin/sh\necho {name} "$@" >> "{asked}"\n{rest}\n')
        stand_in.chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", **(given or WHERE | OUTPUTS)}
    done = subprocess.run([HOOK], env=environment, cwd=folder, capture_output=True, text=True, check=True, timeout=30)
    return done.stdout, asked.read_text()


def test_the_hook_connects_the_rotation_event_and_shows_three_calls(tmp_path: Path) -> None:
    told, asked = run_hook(tmp_path, "exit 0")
    assert asked.startswith("az deployment group create")
    assert "--resource-group rg-contoso" in asked
    given = dict(re.findall(r"(\w+)=(\S+)", asked))
    assert given == {
        "vaultName": "kv-contoso",
        "functionAppName": "func-contoso",
        "secretName": "db-password",
        "location": "westeurope",
    }
    url = OUTPUTS["FUNCTION_URL"]
    assert re.findall(r"curl .*", told) == [
        f"""curl -H "x-functions-key: $KEY" '{url}'""",
        f"""curl -H "x-functions-key: $KEY" '{url}?userAssignedClientId={OUTPUTS["USER_IDENTITY_CLIENT_ID"]}'""",
        f"""curl -H "x-functions-key: $KEY" '{url}?userAssignedResourceId={OUTPUTS["USER_IDENTITY_RESOURCE_ID"]}'""",
    ]


def test_the_hook_says_how_to_go_on_where_az_is_not_logged_in(tmp_path: Path) -> None:
    told, _ = run_hook(tmp_path, "exit 1")
    assert "az login, then azd hooks run postdeploy" in told
    assert told.count("curl ") == 4  # The three calls, and the one to the doctor.


def test_the_hook_asks_the_doctor_in_the_app_and_shows_the_key_to_nobody(tmp_path: Path) -> None:
    told, asked = run_hook(tmp_path, 'case "$*" in *keys*) echo k3y ;; esac')
    assert "the report" in told
    assert "https://func-contoso.azurewebsites.net/api/doctor" in asked
    assert (tmp_path / "config").read_text() == 'header = "x-functions-key: k3y"\n'
    assert "k3y" not in told + asked


def test_the_hook_asks_az_for_the_subscription_that_azd_deploys_to(tmp_path: Path) -> None:
    told, asked = run_hook(tmp_path, "exit 0")
    commands = [line for line in (*asked.splitlines(), told) if "az " in line]
    assert len(commands) == 3
    assert all(f"--subscription {WHERE['AZURE_SUBSCRIPTION_ID']}" in each for each in commands)


@pytest.mark.parametrize("name", [*WHERE, *OUTPUTS])
@pytest.mark.parametrize("held", [None, ""], ids=["unset", "empty"])
def test_the_hook_names_a_variable_that_azd_did_not_set(tmp_path: Path, name: str, held: str | None) -> None:
    given = {each: text for each, text in (WHERE | OUTPUTS | {name: held}).items() if text is not None}
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run_hook(tmp_path, "exit 0", given)
    assert failed.value.returncode == 1
    assert failed.value.stderr.startswith(f"{name} is not set. azd sets it: run azd provision")


def test_the_text_to_paste_bears_a_resource_group_with_brackets(tmp_path: Path) -> None:
    told, _ = run_hook(tmp_path, "echo key", WHERE | OUTPUTS | {"AZURE_RESOURCE_GROUP": "rg(prod)"})
    (pasted,) = re.findall(r"KEY=.*?-o tsv\)", told, re.DOTALL)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", f'{pasted}; echo "$KEY"'], env={"PATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "key\n"


def test_azd_deploy_publishes_the_code_of_now() -> None:
    """``azd deploy`` by itself runs no hook for packages."""
    hooks = dict(
        re.findall(r"^  (\w+):\n    shell: sh\n    run: (\S+)$", (ROOT / "azure.yaml").read_text(), re.MULTILINE)
    )
    assert hooks["prepackage"] == hooks["predeploy"] == str(PACKAGE.relative_to(ROOT))


def test_the_package_holds_the_function_and_names_the_wheel_of_the_library_that_lies_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    subprocess.run([PACKAGE, folder], env={**os.environ, "KEYLESS_PYTHON": sys.executable}, check=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    lines = (folder / "requirements.txt").read_text().splitlines()
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert [line for line in lines if "keyless" in line] == [f"./{wheel.name} --hash=sha256:{digest}"]
    assert lines[:-1] == (ROOT / "requirements" / "function.txt").read_text().splitlines()
    held = {each.name for each in folder.iterdir()} - {wheel.name, "requirements.txt"}
    source = ROOT / "function_app"
    assert held == {*(each.name for each in source.glob("*.py")), "host.json", ".funcignore"}
    assert "keyless/reader.py" in zipfile.ZipFile(wheel).namelist()


def test_the_package_is_left_alone_where_nothing_changed_and_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """azd may be packing the folder while the second hook runs."""

    def make() -> int:
        environment = {**os.environ, "KEYLESS_PYTHON": sys.executable}
        subprocess.run([PACKAGE, folder], env=environment, check=True, timeout=120, capture_output=True)
        return folder.stat().st_ino

    folder = tmp_path / "package"
    made = make()
    assert make() == made
    (folder / "left-over.py").touch()
    assert make() != made
    assert {each.name for each in tmp_path.iterdir()} == {"package"}
    assert not (folder / "left-over.py").exists()


def test_the_hook_uses_outputs_that_the_bicep_gives() -> None:
    used = set(re.findall(r"(?<!\\)\$\{?([A-Z_]+)", HOOK.read_text())) - set(WHERE)
    assert used <= set(Template(INFRA / "main.bicep").of_kind("output"))
    assert used == set(OUTPUTS)


def test_the_hook_deploys_the_template_with_the_parameters_that_it_needs() -> None:
    given = set(re.findall(r'"(\w+)=\$', HOOK.read_text()))
    params = Template(INFRA / "rotation.bicep").of_kind("param")
    assert {name for name, found in params.items() if found.value is None} <= given <= set(params)


def test_azd_publishes_the_service_that_the_function_app_is_tagged_with() -> None:
    text = (ROOT / "azure.yaml").read_text()
    app = Template(INFRA / "app" / "function.bicep").declarations["app"]
    tagged = re.search(r"'azd-service-name': '(\w+)'", str(app.properties["tags"]))
    assert tagged is not None
    assert re.search(rf"^services:\n  {tagged[1]}:$", text, re.MULTILINE)
    for hook in (HOOK, PACKAGE):
        assert os.access(hook, os.X_OK)
        assert f"run: {hook.relative_to(ROOT)}" in text


def test_a_new_version_of_the_secret_is_told_to_the_function_for_it() -> None:
    subscription = Template(INFRA / "rotation.bicep").declarations["subscription"]
    properties = as_object(subscription.properties["properties"])
    assert as_object(properties["filter"])["includedEventTypes"] == ["Microsoft.KeyVault.SecretNewVersionCreated"]
    destination = as_object(as_object(properties["destination"])["properties"])
    assert str(destination["resourceId"]).endswith("/functions/SecretRotated'")
