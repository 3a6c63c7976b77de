"""The fixture local_azure, as its users meet it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from .conftest import RunPytest, RunTests


def test_a_rotation_is_seen_by_unmodified_code_and_the_next_test_begins_cold(run_tests: RunTests) -> None:
    run_tests(
        """
        import my_app
        import pytest


        def test_rotation(local_azure):
            vault = local_azure.vault("contoso-kv")
            vault.set_secret("db-password", "old")
            local_azure.identity("system").grant("Key Vault Secrets User", on=vault)
            assert my_app.password() == "old"
            vault.set_secret("db-password", "new")
            assert my_app.password() == "old"
            local_azure.clock.advance(minutes=10)
            assert my_app.password() == "new"
            assert local_azure.journal.count(operation="getSecret") == 2


        @pytest.mark.parametrize("again", [1, 2])
        def test_the_next_test_finds_the_configuration_and_no_cached_value(local_azure, again):
            assert my_app.password() == "local-db-password"
            local_azure.journal.assert_read("db-password", by="system", times=1)
            local_azure.vault("contoso-kv").set_secret("db-password", "of this test alone")
        """
    ).assert_outcomes(passed=3)


def test_official_sdks_work_on_the_production_url_here_and_in_subprocesses(run_tests: RunTests) -> None:
    run_tests(
        """
        import subprocess
        import sys

        from azure.identity import ManagedIdentityCredential
        from azure.identity.aio import ManagedIdentityCredential as AsyncCredential
        from azure.keyvault.secrets import SecretClient
        from azure.keyvault.secrets.aio import SecretClient as AsyncClient

        URL = "https://contoso-kv.vault.azure.net"
        PROGRAM = (
            "from azure.identity import ManagedIdentityCredential as Credential;"
            "from azure.keyvault.secrets import SecretClient;"
            f"print(SecretClient({URL!r}, Credential()).get_secret('api-key').value)"
        )


        def test_sync(local_azure):
            with SecretClient(URL, ManagedIdentityCredential()) as client:
                assert client.get_secret("db-password").value == "local-db-password"
            local_azure.journal.assert_read("db-password", by="system", times=1)


        async def test_async(local_azure):
            local_azure.vault("contoso-kv").set_secret("db-password", "for tasks")
            async with AsyncCredential() as credential, AsyncClient(URL, credential) as client:
                assert (await client.get_secret("db-password")).value == "for tasks"


        def test_subprocess(local_azure):
            local_azure.vault("contoso-kv").set_secret("api-key", "for a child")
            done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
            assert done.stdout == "for a child\\n"
            local_azure.journal.assert_read("api-key", by="system")


        def test_a_token_outlives_its_time_nowhere(local_azure):
            with SecretClient(URL, ManagedIdentityCredential()) as client:
                client.get_secret("db-password")
                local_azure.clock.advance(hours=25)
                client.get_secret("db-password")
            assert local_azure.journal.count(operation="getToken") == 2
            local_azure.journal.assert_no_denials()
        """
    ).assert_outcomes(passed=4)


def test_the_environment_is_restored_after_a_test_that_fails(run_tests: RunTests) -> None:
    result = run_tests(
        """
        import os

        import aiohttp.connector
        import my_app

        BEFORE = dict(os.environ)
        TRUST = aiohttp.connector._SSL_CONTEXT_VERIFIED


        def now():
            return {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}


        def test_that_fails(local_azure):
            assert os.environ["IDENTITY_ENDPOINT"] == local_azure.environment()["IDENTITY_ENDPOINT"]
            assert my_app.password() == "another"


        def test_afterwards():
            assert now() == {name: value for name, value in BEFORE.items() if name != "PYTEST_CURRENT_TEST"}
            assert aiohttp.connector._SSL_CONTEXT_VERIFIED is TRUST
        """
    )
    result.assert_outcomes(passed=1, failed=1)


def test_aiohttp_that_is_imported_within_a_test_trusts_the_local_azure_there_alone(run_tests: RunTests) -> None:
    run_tests(
        """
        import pytest

        URL = "https://contoso-kv.vault.azure.net/secrets/db-password?api-version=7.4"


        @pytest.mark.parametrize("again", [1, 2])
        async def test_within(local_azure, again):
            import aiohttp

            async with aiohttp.ClientSession(trust_env=True) as session, session.get(URL) as answer:
                assert answer.status == 401


        def test_afterwards():
            import aiohttp.connector

            held = aiohttp.connector._SSL_CONTEXT_VERIFIED.get_ca_certs()
            assert not [found for found in held if "Keyless" in str(found["subject"])]
        """
    ).assert_outcomes(passed=3)


def test_a_metadata_service_is_there_before_a_test_that_asks_for_it(run_tests: RunTests) -> None:
    run_tests(
        """
        import sys

        import pytest


        def test_another(local_azure):
            assert "httptools" not in sys.modules


        @pytest.mark.keyless(source="imds")
        def test_it(local_azure):
            assert "httptools" in sys.modules
        """
    ).assert_outcomes(passed=2)


def test_a_fixture_of_the_session_can_use_it_before_any_test(run_tests: RunTests) -> None:
    run_tests(
        """
        import my_app
        import pytest


        @pytest.fixture(scope="session")
        def started_app(local_azure_session):
            local_azure_session.vault("contoso-kv").set_secret("db-password", "at the start")
            return my_app.password()


        def test_it(started_app):
            assert started_app == "at the start"


        def test_another_test_has_the_configuration(started_app, local_azure):
            assert my_app.password() == "local-db-password"
        """
    ).assert_outcomes(passed=2)


def test_each_of_four_workers_has_an_azure_of_its_own(run_tests: RunTests) -> None:
    run_tests(
        """
        import my_app
        import pytest


        @pytest.mark.parametrize("number", range(40))
        def test_it(local_azure, number):
            local_azure.vault("contoso-kv").set_secret("db-password", f"of {number}")
            assert my_app.password() == f"of {number}"
            local_azure.journal.assert_read("db-password", times=1)
        """,
        "-p",
        "xdist",
        "-n4",
    ).assert_outcomes(passed=40)


def test_a_pytest_that_does_not_ask_for_it_imports_nothing_of_it(run_tests: RunTests) -> None:
    run_tests(
        """
        import sys


        def test_it():
            assert "pytest_keyless" in sys.modules
            assert not {"keyless", "msal", "aiohttp", "requests"} & set(sys.modules)
        """,
    ).assert_outcomes(passed=1)


def test_a_drill_says_what_the_program_did(run_tests: RunTests) -> None:
    result = run_tests(
        """
        import my_app


        def test_outage(local_azure, local_azure_drill):
            assert my_app.password() == "local-db-password"
            local_azure.clock.advance(minutes=6.5)
            with local_azure_drill("vault-outage") as drill:
                local_azure.clock.advance(hours=1)
                assert my_app.password() == "local-db-password"
            account = drill.account()
            assert set(account.errors) == {"503 Fault"}
            assert account.recovered_after is None


        def test_rotation(local_azure, local_azure_drill):
            assert my_app.password() == "local-db-password"
            with local_azure_drill("rotation") as drill:
                local_azure.clock.advance(minutes=10)
                assert my_app.password() == "local-db-password-rotated"
            assert 600 <= drill.account().noticed_after < 660
        """,
        "-rP",
    )
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["The drill vault-outage: The vaults answer 503.", "*x getSecret: 503 Fault"])


def test_an_installed_plugin_lists_its_fixtures(pytester: pytest.Pytester) -> None:
    fixtures = pytester.runpytest_subprocess("--fixtures", "-p", "no:cacheprovider").stdout.str()
    for name in ("local_azure ", "local_azure_session ", "local_azure_drill "):
        assert name in fixtures


def test_the_plugin_lists_its_marker(run_pytest: RunPytest) -> None:
    run_pytest("--markers").stdout.fnmatch_lines(["@pytest.mark.keyless(config=None*"])
