"""Which variables of an identity a program keeps under the local Azure: those that are about it."""

from __future__ import annotations

import pytest

from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import read_config
from keyless.local.programs.kept import kept_variables

AZURE = Azure(read_config("test", {"identities": {"reporting": {}}, "applications": {"ci": {"secret": "s"}}}))
CI = AZURE.directory.application("ci").client_id
REPORTING = AZURE.identity("reporting").client_id
TENANT = AZURE.tenant_id
SHOWN = {"AZURE_CLIENT_SECRET": "s", "AZURE_CLIENT_CERTIFICATE_PATH": "p", "AZURE_PASSWORD": "x", "PATH": "/bin"}


@pytest.mark.parametrize(
    ("client_id", "tenant_id", "local_login", "kept"),
    [
        (CI.upper(), TENANT, True, {"AZURE_CLIENT_ID", "AZURE_TENANT_ID", *list(SHOWN)[:2]}),
        (CI, TENANT, False, {"AZURE_TENANT_ID"}),
        (CI, "another", True, {"AZURE_CLIENT_ID"}),
        (REPORTING, TENANT, True, {"AZURE_CLIENT_ID", "AZURE_TENANT_ID"}),
        ("somebody-real", TENANT, True, {"AZURE_TENANT_ID"}),
        ("somebody-real", "another", True, set()),
    ],
    ids=["an application", "where the login is real", "in another tenant", "an identity", "somebody", "nobody"],
)
def test_what_an_application_signs_in_with_stays_where_it_is_local(
    client_id: str, tenant_id: str, kept: set[str], *, local_login: bool
) -> None:
    before = {"AZURE_CLIENT_ID": client_id, "AZURE_TENANT_ID": tenant_id, **SHOWN}
    found = kept_variables(before, AZURE, local_login=local_login)
    assert set(found) == kept
    assert all(before[name] == value for name, value in found.items())
