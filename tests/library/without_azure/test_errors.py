"""The errors are a documented tree, and each one says what, why and what to do."""

import inspect
import pickle

import pytest

import keyless
from keyless import errors
from keyless.errors import AccessDeniedError, KeylessError, ReadErrors, SecretNotFoundError

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, KeylessError)]
SINGLE = [kind for kind in KINDS if kind is not ReadErrors]


def make(kind: type[KeylessError]) -> KeylessError:
    return kind("It broke.", cause="Because.", remedy="Mend it.", code="Literal", status=418, retry_after=2.0)


@pytest.mark.parametrize("kind", SINGLE)
def test_an_error_says_what_why_and_what_to_do_and_keeps_the_services_code(kind: type[KeylessError]) -> None:
    error = make(kind)
    assert str(error) == f"It broke. Cause: Because. Remedy: Mend it. [{kind.kl_code}]"
    assert (error.code, error.status, error.retry_after) == ("Literal", 418, 2.0)


def test_a_long_error_is_read_in_paragraphs_with_each_command_on_a_line_of_its_own() -> None:
    command = f'az role assignment create --scope "{"x" * 60}"'
    remedy = f"Give it the role: `{command}`. It takes effect soon, see `az login`. Portal: Key vault > Secrets."
    error = AccessDeniedError(f"It said {'no ' * 60}.", cause="Because.", remedy=remedy)
    assert str(error) == (
        f"It said {'no ' * 60}.\n\nCause: Because.\n\nRemedy: Give it the role:\n    {command}\n"
        "It takes effect soon, see `az login`.\nPortal: Key vault > Secrets.\n[KL-303]"
    )
    assert error.line == f"{error.what} Cause: Because. Remedy: {remedy} [KL-303]"
    assert str(ReadErrors({"a": error, "b": make(SecretNotFoundError)}, {})) == (
        f"2 of 2 secrets could not be read: a, b. [KL-403]\n\na: {error}\n\nb: {make(SecretNotFoundError)}"
    )


@pytest.mark.parametrize("kind", SINGLE)
def test_an_error_survives_the_way_between_processes(kind: type[KeylessError]) -> None:
    error = pickle.loads(pickle.dumps(make(kind)))
    assert type(error) is kind
    assert str(error) == str(make(kind))
    assert error.status == 418


def test_every_error_has_a_code_of_its_own_and_stands_in_the_tree() -> None:
    codes = [kind.kl_code for kind in KINDS]
    assert len(set(codes)) == len(codes)
    tree = errors.__doc__ or ""
    assert [kind.__name__ for kind in KINDS if kind.__name__ not in tree] == []


def test_every_error_of_the_library_can_be_imported_from_the_package() -> None:
    of_the_library = {kind.__name__ for kind in KINDS} - {"LocalAzureError"}
    assert of_the_library <= set(keyless.__all__)


def test_every_public_name_can_be_had() -> None:
    assert [name for name in keyless.__all__ if getattr(keyless, name, None) is None] == []
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        keyless.nonsense  # type: ignore[attr-defined]  # noqa: B018


def test_only_outages_let_a_stale_value_be_served() -> None:
    never = {
        "AccessDeniedError",
        "SecretDisabledError",
        "SecretNotFoundError",
        "IdentityRefusedError",
        "ConfigurationError",
    }
    assert never.isdisjoint(kind.__name__ for kind in KINDS if kind.stale_ok)


def test_read_errors_can_be_caught_as_one_and_one_by_one() -> None:
    denied, missing = make(AccessDeniedError), make(SecretNotFoundError)
    caught: list[str] = []
    try:
        raise ReadErrors({"a": denied, "b": missing}, {})
    except* AccessDeniedError as group:
        caught += [type(error).__name__ for error in group.exceptions]
    except* SecretNotFoundError as group:
        caught += [type(error).__name__ for error in group.exceptions]
    assert caught == ["AccessDeniedError", "SecretNotFoundError"]
    with pytest.raises(KeylessError, match="2 of 2 secrets could not be read: a, b"):
        raise ReadErrors({"a": denied, "b": missing}, {})
    assert pickle.loads(pickle.dumps(ReadErrors({"a": denied}, {}))).errors.keys() == {"a"}
