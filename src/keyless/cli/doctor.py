"""``keyless doctor``: find why a secret cannot be read here, and what to do."""

from __future__ import annotations

import json
import os
import sys
import time

import click

from keyless._remedies.local import VARIABLE
from keyless.cli.examples import examples
from keyless.cli.identity_options import chosen_identity, identity_options
from keyless.cli.waiting import Waiting
from keyless.local.files.running import find_running

_ENDING = 0.2
_INCOMPLETE = 2


@click.command(
    epilog=examples(
        "keyless doctor --vault-url URL --secret db-password",
        "keyless run keyless doctor --vault-url URL --secret db-password",
        "keyless doctor --vault-url URL --secret db-password --strict",
    )
)
@click.option("--vault-url", envvar="KEY_VAULT_URL", help="The vault's address [env: KEY_VAULT_URL].")
@click.option("--secret", envvar="SECRET_NAME", help="The secret to read [env: SECRET_NAME]; its value is never shown.")
@identity_options
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.5),
    metavar="SECONDS",
    default=5.0,
    show_default=True,
    help="How long it may take.",
)
@click.option("--strict", is_flag=True, help="Exit with 2 for a warning, or if something could not be checked.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON; docs/doctor.schema.json describes it.")
def doctor(
    *,
    vault_url: str | None,
    secret: str | None,
    client_id: str | None,
    resource_id: str | None,
    object_id: str | None,
    timeout: float,
    strict: bool,
    as_json: bool,
) -> None:
    """Find out why a secret cannot be read, and what to do.

    It checks the environment, the identity, the network, the vault and the secret. The exit code is 0 if nothing is wrong,
    1 if something fails, and 2 for a wrong option. With --strict it is also 2 for a warning, or if something
    could not be checked.
    """
    from keyless.doctor import diagnose  # noqa: PLC0415 (completion in a shell loads this module at each TAB)

    identity = chosen_identity(client_id=client_id, resource_id=resource_id, object_id=object_id)
    # What starting took and ending takes counts, too: anyone who waits waits for all of it.
    left = max(timeout - time.process_time() - _ENDING, timeout / 2)
    with Waiting("Checking the identity, the network, the vault and the secret"):
        report = diagnose(vault_url=vault_url, secret=secret, identity=identity, timeout=left)
    if as_json:
        click.echo(json.dumps(report.to_dict(), indent=2))
    else:
        from keyless.cli.shown_report import show  # noqa: PLC0415 (as above)

        show(report)
        if not report.healthy and not os.environ.get(VARIABLE) and find_running(os.environ):
            click.echo('A local Azure runs, and this shell does not use it. To check that one: eval "$(keyless env)"')
    if not report.healthy:
        sys.exit(1)
    sys.exit(_INCOMPLETE if strict and (report.skipped or report.warned) else 0)
