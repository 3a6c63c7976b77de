from __future__ import annotations

from typing import Any

import pytest

from keyless.errors import LocalAzureError
from keyless.local.instruments.journal import Journal
from keyless.local.instruments.journal_entry import Entry
from keyless.local.operations.codes import CODES
from keyless.local.operations.names import OPERATIONS


def _entry(**changes: object) -> Entry:
    fields: dict[str, object] = {"time": 0.0, "service": "vault", "operation": "getSecret", "status": 200, "reason": ""}
    return Entry(**{**fields, **changes})  # type: ignore[arg-type]


def test_the_oldest_entries_give_way() -> None:
    journal = Journal(limit=2)
    for number in range(3):
        journal.record(_entry(kind="secret", name=f"s{number}"))
    assert [entry.secret for entry in journal.entries()] == ["s1", "s2"]


def test_entries_are_found_by_all_that_is_given() -> None:
    journal = Journal()
    journal.record(_entry(identity="system", vault="kv", kind="secret", name="A"))
    journal.record(_entry(identity="system", vault="kv", kind="secret", name="B", status=403, code="SecretDisabled"))
    journal.record(_entry(service="identity", operation="getToken", identity="system"))
    assert journal.count() == 3
    assert journal.count(identity="system", vault="KV") == 2
    assert journal.count(secret="a") == 1
    assert [entry.secret for entry in journal.entries(code="SecretDisabled")] == ["B"]
    assert journal.count(service="identity", operation="getToken", status=200) == 1
    assert journal.count(identity="nobody") == 0


def test_an_entry_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        _entry().status = 500  # type: ignore[misc]


@pytest.mark.parametrize(
    ("word", "given", "meant"),
    [
        ("operation", "getSecrets", "getSecret"),
        ("service", "vaults", "vault"),
        ("code", "ForbiddenByRBAC", "ForbiddenByRbac"),
        ("code", "Malformed backup", "Malformed backup blob"),
    ],
)
def test_a_filter_that_could_never_match_is_refused(word: str, given: str, meant: str) -> None:
    filters: dict[str, Any] = {word: given}
    for ask in (Journal().entries, Journal().count):
        with pytest.raises(LocalAzureError, match=f"Did you mean '{meant}'"):
            ask(**filters)


def test_an_operation_of_another_service_is_refused_too() -> None:
    journal = Journal()
    assert journal.count(service="identity", operation="getToken") == 0
    with pytest.raises(LocalAzureError, match="no operation of the service vault 'getToken'"):
        journal.count(service="vault", operation="getToken")


def test_every_word_that_the_journal_holds_can_be_asked_for() -> None:
    journal = Journal()
    for service, names in OPERATIONS.items():
        for name in names:
            journal.record(_entry(service=service, operation=name))
            assert journal.count(service=service, operation=name) == 1
    for code in CODES:
        journal.record(_entry(code=code))
        assert journal.count(code=code) == 1


@pytest.mark.parametrize("name", ["value", "access_token"])
def test_the_body_of_an_answer_is_kept_without_what_is_secret_in_it(name: str) -> None:
    journal = Journal()
    sent = {name: "s3cr3t", "id": "kept"}
    journal.record(_entry(), sent)
    assert journal.answer(0) == {name: "(hidden)", "id": "kept"}
    assert sent[name] == "s3cr3t"
    assert "s3cr3t" not in repr(vars(journal))


def test_the_items_of_a_list_are_kept_and_answers_give_way_to_later_ones() -> None:
    journal = Journal()
    journal.record(_entry(), {"value": [{"id": "a"}]})
    assert journal.answer(0) == {"value": [{"id": "a"}]}
    for _ in range(1000):
        journal.record(_entry(), {"id": "later"})
    assert journal.answer(0) is None
    assert journal.answer(1000) == {"id": "later"}
    journal.clear()
    assert journal.answer(1000) is None
