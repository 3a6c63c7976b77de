"""A FastAPI application that reads its database password from Key Vault, with the managed identity of its host."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Request

from keyless import KeylessError, SecretReader


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep one reader for the whole process."""
    async with SecretReader(os.environ.get("KEY_VAULT_URL", "https://contoso-kv.vault.azure.net")) as reader:
        app.state.reader = reader
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/database")
async def database(request: Request) -> dict[str, object]:
    """Connect with the password. This start only reports its version."""
    try:
        secret = await request.app.state.reader.aget("db-password")
    except KeylessError as error:
        raise HTTPException(503, f"{error.what} {error.remedy}") from error
    return {"connected_with_version": secret.version, "stale": secret.is_stale}
