"""What is repeated of an error answer: its own fields, on one line, bounded."""

import json

import pytest

from keyless._wire.error_answer import ErrorAnswer, read_error

NOTHING = ErrorAnswer(None, None, "")


@pytest.mark.parametrize(
    ("body", "nested", "flat"),
    [
        ({"error": {"code": "a", "message": "b\r\n c", "innererror": {"code": "d"}}},) + (ErrorAnswer("a", "d", "b c"),) * 2,
        ({"error": {"code": "a", "innerError": {"code": "d"}}},) + (ErrorAnswer("a", "d", ""),) * 2,
        ({"error": {"code": 403, "message": None, "innererror": "x"}},) + (ErrorAnswer("403", None, ""),) * 2,
        ({"error": "invalid_request", "error_description": "no"}, NOTHING, ErrorAnswer("invalid_request", None, "no")),
        ({"statusCode": 400, "message": "no"}, NOTHING, ErrorAnswer(None, None, "no")),
        ({"Message": "no"}, NOTHING, ErrorAnswer(None, None, "no")),
        ({"error": "a", "access_token": "canary"}, NOTHING, NOTHING),
        ([], NOTHING, NOTHING),
        ({"error": ["a"]}, NOTHING, NOTHING),
    ],
)  # fmt: skip
def test_its_own_fields_are_read_in_each_service_s_form(body: object, nested: ErrorAnswer, flat: ErrorAnswer) -> None:
    assert (read_error(json.dumps(body)), read_error(json.dumps(body), flat=True)) == (nested, flat)


def test_text_that_is_no_json_says_nothing_and_long_text_is_cut() -> None:
    assert read_error("<html>", flat=True) == NOTHING
    long = read_error(json.dumps({"error": {"code": "c" * 5000, "message": "m " * 5000}}))
    assert (len(long.code or ""), len(long.message)) == (100, 1000)
