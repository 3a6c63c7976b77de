"""AcquireTokenMsi: answers with one secret of Azure Key Vault, read as a managed identity of this app.

Without an id the system-assigned identity reads; with one id, that user-assigned identity does.
"""

import asyncio
import os
from contextlib import suppress
from functools import cache

import azure.functions as func

import keyless
from answers import SettingsError, answer, problem, success
from asked_identity import asked_identity
from keyless.secret_id import check_secret_name, check_vault_url
from readers import Readers, chosen

SETTINGS = {"KEY_VAULT_URL": check_vault_url, "SECRET_NAME": check_secret_name}


@cache
def read_settings() -> tuple[str, ...]:
    """Return the vault's address and the secret's name, or raise SettingsError for what is missing or wrong.

    They do not change while the process runs: the platform starts it again. A failure is not remembered.
    """
    values = [os.environ.get(name, "").strip() for name in SETTINGS]
    missing = [name for name, value in zip(SETTINGS, values, strict=True) if not value]
    if missing:
        from keyless.doctor import remedy_for_setting  # noqa: PLC0415 (a function that is well need not load its doctor)

        raise SettingsError(
            f"The app has no setting {' and no setting '.join(missing)}.",
            cause=f"{' and '.join(SETTINGS)} say which secret to read.",
            remedy=remedy_for_setting(missing[0]),
        )
    checked = []
    for (name, check), value in zip(SETTINGS.items(), values, strict=True):
        try:
            checked.append(check(value))
        except keyless.ConfigurationError as error:
            raise SettingsError(f"The setting {name}: {error.what}", cause=error.cause, remedy=error.remedy) from None
    return tuple(checked)


def build_app(*, timeout: float = 25.0) -> func.FunctionApp:
    """Return the function app; a read may take that many seconds."""
    app, readers = func.FunctionApp(), Readers(timeout=timeout)
    # A wrong setting is reported to who calls.
    with suppress(SettingsError):
        readers.load_ahead(read_settings()[0])

    @app.route("AcquireTokenMsi", methods=["GET", "POST"], auth_level=func.AuthLevel.FUNCTION)
    async def AcquireTokenMsi(req: func.HttpRequest) -> func.HttpResponse:  # noqa: N802 (the function's name in Azure)
        try:
            (vault_url, name), identity = read_settings(), asked_identity(req.url, req.get_body())
            return success(await readers.read(vault_url, name, identity), identity)
        except keyless.KeylessError as error:
            return problem(error)

    @app.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    async def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 (the host gives it)
        present = {name: bool(os.environ.get(name, "").strip()) for name in SETTINGS}
        try:
            read_settings()
            status = "degraded" if readers.last_read == "failed" else "ok"
        except SettingsError:
            status = "unconfigured"
        return answer({"status": status, "settings": present, "lastRead": readers.last_read})

    @app.route("doctor", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
    async def doctor(req: func.HttpRequest) -> func.HttpResponse:
        from keyless.doctor import diagnose  # noqa: PLC0415 (a function that is well need not load its doctor)

        try:
            identity = asked_identity(req.url, b"")
        except keyless.KeylessError as error:
            return problem(error)
        return answer((await asyncio.to_thread(diagnose, identity=chosen(identity))).to_dict())

    @app.event_grid_trigger("event")
    async def SecretRotated(event: func.EventGridEvent) -> None:  # noqa: N802 (the function's name in Azure)
        # Its subject is the secret's name: https://learn.microsoft.com/en-us/azure/event-grid/event-schema-key-vault
        if event.event_type == "Microsoft.KeyVault.SecretNewVersionCreated" and event.subject:
            readers.invalidate(event.subject)

    return app


app = build_app()
