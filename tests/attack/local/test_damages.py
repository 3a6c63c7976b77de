"""A damaged store costs what was damaged: no hang, no wrong value, no traceback, and no value in what is written."""

from __future__ import annotations

import os
import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.attack.local.malformed import CANARY

from keyless.errors import LocalAzureError
from keyless.local.azure.config.config import Config
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from pathlib import Path

COUNT = int(os.environ.get("KEYLESS_ATTACK_DAMAGES", "10"))
SECRETS = {f"secret-{number}": f"{CANARY}-{number}-" + "x" * 600 for number in range(40)}


def filled(folder: Path) -> None:
    with LocalAzure(data=folder) as azure:
        for name, value in SECRETS.items():
            azure.vault("contoso-kv").set_secret(name, value)
    with closing(sqlite3.connect(folder / "secrets.db")) as connection, connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def damage(store: Path, chance: random.Random) -> None:
    content = bytearray(store.read_bytes())
    kind = chance.choice(("cut", "flip", "flip", "value", "value", "empty", "random", "zero"))
    at = chance.randrange(len(content))
    if kind == "cut":
        del content[at:]
    elif kind == "flip":
        content[at : at + 64] = chance.randbytes(64)
    elif kind == "value":
        inside = content.find(f"{CANARY}-{chance.randrange(len(SECRETS))}-".encode()) + 100
        content[inside : inside + 8] = b"\xff" * 8
    elif kind == "empty":
        content.clear()
    elif kind == "random":
        content = bytearray(chance.randbytes(len(content)))
    else:
        content[at : at + 4096] = bytes(4096)
    store.write_bytes(content)


@pytest.mark.parametrize("seed", range(COUNT))
def test_a_damaged_store_is_told_of_in_words_or_costs_what_was_damaged(
    seed: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    filled(folder)
    damage(folder / "secrets.db", random.Random(seed))
    try:
        with LocalAzure(data=folder) as azure:
            vault = azure.vault("contoso-kv")
            there = {found.name for found in vault.list_secrets()} & set(SECRETS)
            wrong = [name for name in there if vault.get_secret(name).value != SECRETS[name]]
    except LocalAzureError as error:
        refused, written = str(error), ""
    else:
        refused, written = "", capfd.readouterr().err
        missing = set(SECRETS) - there
        assert not wrong
        assert all(name in written for name in missing), "what is missing is said"
        assert len(missing) <= 2
    for told in (refused, written, capfd.readouterr().err):
        assert CANARY not in told
        assert "Traceback" not in told


def test_one_damaged_value_costs_one_secret(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "data"
    filled(folder)
    with closing(sqlite3.connect(folder / "secrets.db")) as connection, connection:
        connection.execute(
            "UPDATE object_version SET value = CAST(x'ff00fe' AS TEXT) WHERE value LIKE ?", (f"{CANARY}-7-%",)
        )
    with LocalAzure(Config(), data=folder) as azure:
        assert azure.azure.objects is not None
    with LocalAzure(data=folder) as azure:
        names = {found.name for found in azure.vault("contoso-kv").list_secrets()}
    assert set(SECRETS) - names == {"secret-7"}
    assert "contoso-kv/secret-7" in capfd.readouterr().err


@pytest.mark.parametrize("file", ["ca.pem", "bundle.pem", "secrets.db", "authority.pem"])
def test_a_folder_in_the_place_of_a_file_is_told_of_in_words(tmp_path: Path, file: str) -> None:
    (tmp_path / file).mkdir()
    tmp_path.chmod(0o700)
    with pytest.raises(LocalAzureError) as raised:
        LocalAzure(data=tmp_path).__enter__()
    assert raised.value.remedy
