"""The marker, the ini file, and what strictness and the report say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import RunTests

CONFIG = """
[vaults.contoso-kv.secrets]
db-password = "from a file"

[identities.reporting]
roles = { contoso-kv = "Key Vault Secrets User" }
"""


def test_the_marker_says_what_there_is_and_where_the_test_is(pytester: pytest.Pytester, run_tests: RunTests) -> None:
    pytester.path.joinpath("other.toml").write_text(CONFIG, encoding="utf-8")
    run_tests(
        """
        import os

        import my_app
        import pytest

        TABLES = {
            "vaults": {"contoso-kv": {"secrets": {"db-password": "from tables"}}},
            "identities": {"system": {"roles": {"contoso-kv": "Key Vault Secrets User"}}},
        }


        @pytest.mark.keyless(config="other.toml")
        def test_file(local_azure):
            assert local_azure.vault("contoso-kv").get_secret("db-password").value == "from a file"
            assert list(local_azure.azure.identities) == ["reporting"]


        @pytest.mark.keyless(config=TABLES)
        def test_tables(local_azure):
            assert my_app.password() == "from tables"


        @pytest.mark.keyless(source="imds")
        def test_source(local_azure):
            assert "IDENTITY_ENDPOINT" not in os.environ
            assert my_app.password() == "local-db-password"


        def test_neither(local_azure):
            assert "IDENTITY_ENDPOINT" in os.environ
            assert my_app.password() == "local-db-password"
        """
    ).assert_outcomes(passed=4)


def test_the_ini_file_says_it_for_all_tests(pytester: pytest.Pytester, run_tests: RunTests) -> None:
    pytester.mkdir("settings").joinpath("azure.toml").write_text(CONFIG, encoding="utf-8")
    run_tests(
        """
        import os


        def test_it(local_azure):
            assert "IDENTITY_ENDPOINT" not in os.environ
            assert list(local_azure.azure.identities) == ["reporting"]
        """,
        ini="keyless_config = settings/azure.toml\nkeyless_source = imds\n",
    ).assert_outcomes(passed=1)


def test_a_keyless_toml_beside_the_ini_file_is_found(pytester: pytest.Pytester, run_tests: RunTests) -> None:
    pytester.path.joinpath("keyless.toml").write_text(CONFIG, encoding="utf-8")
    run_tests(
        """
        def test_it(local_azure):
            assert list(local_azure.azure.identities) == ["reporting"]
        """
    ).assert_outcomes(passed=1)


def test_a_marker_that_is_wrong_says_what_is(run_tests: RunTests) -> None:
    result = run_tests(
        """
        import pytest


        @pytest.mark.parametrize(
            "number",
            [
                pytest.param(1, marks=pytest.mark.keyless(colour="blue")),
                pytest.param(2, marks=pytest.mark.keyless(source="moon")),
                pytest.param(3, marks=pytest.mark.keyless(config="missing.toml")),
                pytest.param(4, marks=pytest.mark.keyless(config=7)),
            ],
        )
        def test_it(local_azure, number):
            assert local_azure
        """
    )
    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines(
        [
            "*The marker keyless of test_it?1? is given colour*",
            "*There is no source of managed identities 'moon'*",
            "*missing.toml cannot be read*",
            "*The config of the marker keyless of test_it?4? is int*",
        ]
    )


DENIED = """
import my_app
import pytest
from keyless import AccessDeniedError


def deny(local_azure):
    local_azure.identity("system").revoke("Key Vault Secrets User", on="contoso-kv")
    with pytest.raises(AccessDeniedError):
        my_app.password()


def test_that_looks_away(local_azure):
    deny(local_azure)


def test_that_looks(local_azure):
    deny(local_azure)
    local_azure.journal.assert_denied("db-password", by="system", code="ForbiddenByRbac")


@pytest.mark.keyless(strict=False)
def test_that_need_not(local_azure):
    deny(local_azure)
"""


def test_a_strict_test_fails_that_leaves_a_denial_unlooked_at(run_tests: RunTests) -> None:
    result = run_tests(DENIED, ini="keyless_strict = true\n")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["*Once an identity was refused.", '*grant("Key Vault Secrets User", on="contoso-kv/db-password")']
    )


def test_without_strictness_all_of_them_pass(run_tests: RunTests) -> None:
    run_tests(DENIED).assert_outcomes(passed=3)


@pytest.mark.parametrize("options", [(), ("-p", "xdist", "-n2")], ids=["one process", "two workers"])
def test_the_report_names_the_smallest_roles_that_suffice(run_tests: RunTests, options: tuple[str, ...]) -> None:
    result = run_tests(
        """
        import my_app
        import pytest


        @pytest.mark.parametrize("again", [1, 2, 3])
        def test_it(local_azure, again):
            assert my_app.password()
        """,
        "--keyless-report",
        *options,
    )
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        [
            "*keyless: what each identity needs*",
            "system:",
            "  getSecret contoso-kv/db-password 3 times",
            "  needs Key Vault Secrets User on contoso-kv/db-password",
            '*az role assignment create --role "Key Vault Secrets User"*/secrets/db-password"',
        ]
    )
