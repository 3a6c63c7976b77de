"""Conditions on role assignments, decided as Azure's documents say: one row a case."""

from __future__ import annotations

import pytest

from keyless.errors import ConfigurationError
from keyless.local.azure.authorization.conditions.condition import Condition, facts_of

NAME = "@Resource[Microsoft.KeyVault/vaults/secrets:name]"
ASKED = "@Request[Microsoft.KeyVault/vaults/secrets:name]"
VAULT = "@Resource[Microsoft.KeyVault/vaults:name]"
ACTION = "Microsoft.KeyVault/vaults/secrets/"
GET, SET, LIST = f"{ACTION}getSecret/action", f"{ACTION}setSecret/action", f"{ACTION}readMetadata/action"
UPDATE, DELETE, RESTORE = f"{ACTION}update/action", f"{ACTION}delete", f"{ACTION}restore/action"
GUARD = f"!(ActionMatches{{'{GET}'}})"

T, F = True, False

# What StringX 'value' says of the secret's name: the operator, the value, and the answers for app-db, App-DB and other.
OPERATORS = [
    ("StringEquals", "app-db", (T, F, F)),
    ("StringNotEquals", "app-db", (F, T, T)),
    ("StringEqualsIgnoreCase", "APP-db", (T, T, F)),
    ("StringNotEqualsIgnoreCase", "APP-db", (F, F, T)),
    ("StringStartsWith", "app-", (T, F, F)),
    ("StringNotStartsWith", "app-", (F, T, T)),
    ("StringStartsWithIgnoreCase", "APP-", (T, T, F)),
    ("StringNotStartsWithIgnoreCase", "APP-", (F, F, T)),
    ("StringEndsWith", "-db", (T, F, F)),
    ("StringNotEndsWith", "-db", (F, T, T)),
    ("StringEndsWithIgnoreCase", "-Db", (T, T, F)),
    ("StringNotEndsWithIgnoreCase", "-Db", (F, F, T)),
    ("StringContains", "p-d", (T, F, F)),
    ("StringNotContains", "p-d", (F, T, T)),
    ("StringContainsIgnoreCase", "P-D", (T, T, F)),
    ("StringNotContainsIgnoreCase", "P-D", (F, F, T)),
    ("StringLike", "a*-d?", (T, F, F)),
    ("StringNotLike", "a*-d?", (F, T, T)),
    ("StringLikeIgnoreCase", "A*-d?", (T, T, F)),
    ("StringNotLikeIgnoreCase", "A*-d?", (F, F, T)),
]

# A condition, the action, the secret's name (None for a list), and whether the assignment takes effect.
CASES = [
    # One attribute, from one source.
    (f"{NAME} StringEquals 'app-db'", GET, "app-db", T),
    (f"{NAME} StringEquals 'app-db'", UPDATE, "app-db", T),
    (f"{NAME} StringEquals 'app-db'", DELETE, "app-db", T),
    (f"{NAME} StringEquals 'app-db'", LIST, "app-db", T),
    (f"{VAULT} StringEquals 'contoso-kv'", GET, "app-db", T),
    (f"{VAULT} StringEquals 'contoso-kv'", LIST, None, T),
    (f"{VAULT} StringEquals 'contoso-kv'", SET, "app-db", T),
    (f"{VAULT} StringEquals 'other-kv'", GET, "app-db", F),
    (f"{VAULT} StringStartsWith 'contoso'", DELETE, "app-db", T),
    # A secret that is set may not exist: its name is an attribute of the request.
    (f"{ASKED} StringEquals 'app-db'", SET, "app-db", T),
    (f"{ASKED} StringEquals 'app-db'", SET, "other", F),
    (f"{ASKED} StringEquals 'app-db'", RESTORE, "app-db", T),
    (f"{ASKED} StringEquals 'app-db'", GET, "app-db", F),
    (f"{NAME} StringEquals 'app-db'", SET, "app-db", F),
    (f"{NAME} StringEquals 'app-db'", RESTORE, "app-db", F),
    (f"{NAME} StringEquals 'a' OR {ASKED} StringEquals 'a'", SET, "a", T),
    (f"{NAME} StringEquals 'a' OR {ASKED} StringEquals 'a'", GET, "a", T),
    # A missing attribute makes every comparison false, a negative one too.
    (f"{NAME} StringNotEquals 'app-db'", LIST, None, F),
    (f"{NAME} StringNotLike 'x*'", LIST, None, F),
    (f"{NAME} StringNotEquals 'app-db'", SET, "other", F),
    (f"NOT ({NAME} StringEquals 'app-db')", LIST, None, T),
    (f"!({NAME} StringEquals 'app-db')", SET, "app-db", T),
    ("@Resource[Microsoft.KeyVault/vaults/secrets:tag] StringEquals 'x'", GET, "app-db", F),
    ("@Resource[Microsoft.KeyVault/vaults/secrets:tag] StringNotEquals 'x'", GET, "app-db", F),
    (f"{NAME} ForAllOfAllValues:StringNotEquals {{'x'}}", LIST, None, F),
    # Exists.
    (f"Exists {NAME}", GET, "app-db", T),
    (f"Exists {NAME}", LIST, None, F),
    (f"exists {NAME}", GET, "app-db", T),
    (f"NOT Exists {NAME}", LIST, None, T),
    (f"!(Exists {NAME}) OR {NAME} StringStartsWith 'app-'", LIST, None, T),
    (f"!(Exists {NAME}) OR {NAME} StringStartsWith 'app-'", LIST, "other", F),
    (f"Exists {ASKED}", SET, "app-db", T),
    (f"Exists {VAULT}", LIST, None, T),
    # The guard: what is not named stays as the role says.
    (f"({GUARD}) OR ({NAME} StringStartsWith 'app-')", GET, "app-db", T),
    (f"({GUARD}) OR ({NAME} StringStartsWith 'app-')", GET, "other", F),
    (f"({GUARD}) OR ({NAME} StringStartsWith 'app-')", GET, "App-DB", F),
    (f"({GUARD}) OR ({NAME} StringStartsWith 'app-')", LIST, None, T),
    (f"({GUARD}) OR ({NAME} StringStartsWith 'app-')", SET, "other", T),
    (f"({GUARD}) OR ({NAME} StringStartsWith 'app-')", DELETE, "other", T),
    # Without the guard a condition on the name refuses every list.
    (f"{NAME} StringStartsWith 'app-'", LIST, None, F),
    (f"{NAME} StringStartsWith 'app-'", LIST, "app-db", T),
    # A guard on readMetadata makes lists 403 and leaves the rest.
    (f"!(ActionMatches{{'{LIST}'}}) OR {NAME} StringStartsWith 'app-'", LIST, None, F),
    (f"!(ActionMatches{{'{LIST}'}}) OR {NAME} StringStartsWith 'app-'", GET, "other", T),
    # Two guarded parts, joined by AND.
    (f"({GUARD} OR {NAME} StringLike 'a*') AND (!(ActionMatches{{'{SET}'}}) OR {ASKED} StringLike 'b*')", GET, "ab", T),
    (f"({GUARD} OR {NAME} StringLike 'a*') AND (!(ActionMatches{{'{SET}'}}) OR {ASKED} StringLike 'b*')", SET, "ba", T),
    (f"({GUARD} OR {NAME} StringLike 'a*') AND (!(ActionMatches{{'{SET}'}}) OR {ASKED} StringLike 'b*')", SET, "ab", F),
    (f"({GUARD} OR {NAME} StringLike 'a*') AND (!(ActionMatches{{'{SET}'}}) OR {ASKED} StringLike 'b*')", GET, "ba", F),
    (
        f"({GUARD} OR {NAME} StringLike 'a*') AND (!(ActionMatches{{'{SET}'}}) OR {ASKED} StringLike 'b*')",
        LIST,
        None,
        T,
    ),
    # ActionMatches: any case, and * for any text.
    (f"ActionMatches{{'{GET}'}}", GET, "app-db", T),
    (f"ActionMatches{{'{GET.upper()}'}}", GET, "app-db", T),
    (f"actionmatches{{'{GET}'}}", GET, "app-db", T),
    (f"ACTIONMATCHES {{ '{GET}' }}", GET, "app-db", T),
    (f"ActionMatches{{'{ACTION}*'}}", DELETE, "app-db", T),
    ("ActionMatches{'Microsoft.KeyVault/*/action'}", GET, "app-db", T),
    ("ActionMatches{'Microsoft.KeyVault/*/action'}", DELETE, "app-db", F),
    ("ActionMatches{'*'}", LIST, None, T),
    ("ActionMatches{'Microsoft.KeyVault/vaults/keys/*'}", GET, "app-db", F),
    ("ActionMatches{'Microsoft.KeyVault/vaults/secrets/getSecre?/action'}", GET, "app-db", F),
    ("ActionMatches{'Microsoft.KeyVault/vaults/secrets/[g]etSecret/action'}", GET, "app-db", F),
    # AND, OR, NOT, in words and in signs, in any case.
    (f"{NAME} StringLike 'a*' AND {NAME} StringLike '*b'", GET, "app-db", T),
    (f"{NAME} StringLike 'a*' AND {NAME} StringLike '*x'", GET, "app-db", F),
    (f"{NAME} StringLike 'a*' && {NAME} StringLike '*b'", GET, "app-db", T),
    (f"{NAME} StringLike 'x*' || {NAME} StringLike '*b'", GET, "app-db", T),
    (f"{NAME} StringLike 'x*' OR {NAME} StringLike '*x'", GET, "app-db", F),
    (f"{NAME} StringLike 'a*' and {NAME} StringLike '*b' and {NAME} StringLike '*-*'", GET, "app-db", T),
    (f"{NAME} StringLike 'x' or {NAME} StringLike 'y' or {NAME} StringLike 'app-db'", GET, "app-db", T),
    (f"not ({NAME} StringLike 'a*')", GET, "app-db", F),
    (f"!{NAME} StringLike 'x*'", GET, "app-db", T),
    (f"!!({NAME} StringLike 'a*')", GET, "app-db", T),
    (f"NOT NOT ({NAME} StringLike 'a*')", GET, "app-db", T),
    (f"({NAME} StringLike 'x' AND {NAME} StringLike 'y') OR {NAME} StringLike 'a*'", GET, "app-db", T),
    (f"{NAME} StringLike 'x' AND ({NAME} StringLike 'y' OR {NAME} StringLike 'a*')", GET, "app-db", F),
    (f"(((({NAME} StringEquals 'app-db'))))", GET, "app-db", T),
    (f"\n(\n  {NAME}\n    StringEquals 'app-db'\n)\n", GET, "app-db", T),
    # Quantifiers: the first half is about the attribute's values (a vault's have one), the second about those given.
    (f"{NAME} ForAnyOfAnyValues:StringEquals {{'app-db', 'other'}}", GET, "app-db", T),
    (f"{NAME} ForAnyOfAnyValues:StringEquals {{'app-db', 'other'}}", GET, "third", F),
    (f"{NAME} ForAllOfAnyValues:StringEquals {{'app-db', 'other'}}", GET, "other", T),
    (f"{NAME} ForAllOfAnyValues:StringEquals {{'app-db', 'other'}}", GET, "third", F),
    (f"{NAME} ForAnyOfAllValues:StringEquals {{'app-db', 'other'}}", GET, "app-db", F),
    (f"{NAME} ForAnyOfAllValues:StringEquals {{'app-db', 'app-db'}}", GET, "app-db", T),
    (f"{NAME} ForAllOfAllValues:StringNotEquals {{'app-db', 'other'}}", GET, "third", T),
    (f"{NAME} ForAllOfAllValues:StringNotEquals {{'app-db', 'other'}}", GET, "other", F),
    (f"{NAME} ForAnyOfAnyValues:StringNotEquals {{'app-db', 'other'}}", GET, "app-db", T),
    (f"{NAME} forallofallvalues:stringlike {{'a*', '*b'}}", GET, "app-db", T),
    (f"{NAME} ForAllOfAllValues:StringLike {{'a*', '*x'}}", GET, "app-db", F),
    (f"{NAME} ForAnyOfAnyValues:StringStartsWithIgnoreCase {{'x', 'APP'}}", GET, "app-db", T),
    (f"{NAME} ForAnyOfAnyValues:StringEquals {{'app-db'}}", GET, "app-db", T),
    # Patterns: * any text, ? one character, and a backslash for the characters themselves.
    (f"{NAME} StringLike '*'", GET, "app-db", T),
    (f"{NAME} StringLike 'app?db'", GET, "app-db", T),
    (f"{NAME} StringLike 'app??db'", GET, "app-db", F),
    (f"{NAME} StringLike 'app'", GET, "app-db", F),
    (f"{NAME} StringLike 'app.db'", GET, "app-db", F),
    (f"{NAME} StringLike 'app-[d]b'", GET, "app-db", F),
    (f"{NAME} StringLike 'app\\*'", GET, "app-db", F),
    (f"{NAME} StringLike 'app\\?db'", GET, "app-db", F),
    # Names compare as they are spelled, though Key Vault's own names do not.
    (f"{NAME} StringEquals 'App-DB'", GET, "app-db", F),
    (f"{NAME} StringEqualsIgnoreCase 'App-DB'", GET, "app-db", T),
    # The attribute's name and its source are read in any case; GUIDs compare in any case.
    ("@resource[microsoft.keyvault/vaults/secrets:NAME] StringEquals 'app-db'", GET, "app-db", T),
    ("@Resource [ Microsoft.KeyVault/vaults/secrets:name ] StringEquals 'app-db'", GET, "app-db", T),
    ("@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] GuidEquals 'AB'", GET, "app-db", F),
    # A quotation mark inside a text.
    (rf"{NAME} StringEquals 'it\'s'", GET, "app-db", F),
]

# A text that is no condition, where the error is, and what the error says.
REFUSED = [
    ("", (1, 1), "ends too early"),
    ("   ", (1, 4), "ends too early"),
    (f"{NAME} StringEquals", (1, 63), "quotation marks after StringEquals"),
    (f"{NAME} StringEqual 'a'", (1, 51), "Did you mean StringEquals?"),
    (f"{NAME} NumericEquals 3", (1, 65), "close each mark"),
    (f"{NAME} NumericEquals '3'", (1, 51), "operators compare texts"),
    (f'{NAME} StringEquals "a"', (1, 64), "quotation marks"),
    (f"{NAME} StringEquals 'a", (1, 64), "close each mark"),
    (f"{NAME} StringEquals {{'a', 'b'}}", (1, 64), "Write ForAnyOfAnyValues:StringEquals"),
    (f"{NAME} ForAny:StringEquals {{'a'}}", (1, 51), "ForAllOfAnyValues"),
    (f"{NAME} ForAnyOfAnyValues:StringEquals {{}}", (1, 83), "quotation marks after {"),
    (f"{NAME} ForAnyOfAnyValues:StringEquals {{'a',}}", (1, 87), "quotation marks after ,"),
    (f"{NAME} ForAnyOfAnyValues:StringEquals {{'a'", (1, 86), "Write } after"),
    (f"({NAME} StringEquals 'a'", (1, 68), "Write ) after"),
    (f"{NAME} StringEquals 'a')", (1, 67), "close each parenthesis once"),
    (f"{NAME} StringEquals 'a' AND", (1, 71), "ends too early"),
    (f"{NAME} StringEquals 'a' {NAME} StringEquals 'b'", (1, 68), "AND or OR"),
    (f"{GUARD} AND {GUARD} OR {GUARD}", (1, 147), "AND and OR are mixed"),
    (f"{GUARD} ||\n{GUARD} &&\n{GUARD}", (2, 72), "AND and OR are mixed"),
    ("AND", (1, 1), "Write ActionMatches"),
    ("ActionMatches", (1, 14), "Write { after ActionMatches"),
    ("ActionMatches{Microsoft}", (1, 15), "quotation marks after ActionMatches{"),
    ("ActionMatches{'a'", (1, 18), "Write } after the action"),
    ("SubOperationMatches{'Blob.List'}", (1, 1), "no suboperations"),
    ("Exists", (1, 7), "attribute after Exists"),
    ("Exists 'a'", (1, 8), "attribute after Exists"),
    ("@Principal[x] StringEquals 'a'", (1, 1), "Use @Resource or @Request"),
    ("@Environment[isPrivateLink] StringEquals 'a'", (1, 1), "Use @Resource or @Request"),
    ("@Resource[] StringEquals 'a'", (1, 1), "attribute's name between the brackets"),
    ("@Resource[a StringEquals 'a'", (1, 1), "close each mark and bracket"),
    ("Resource[a] StringEquals 'a'", (1, 9), "bracket"),
    ("'a' StringEquals 'a'", (1, 1), "Write ActionMatches"),
    ("NOT", (1, 4), "ends too early"),
    ("()", (1, 2), "Write ActionMatches"),
    ("(" * 200, (1, 101), "100 levels"),
    ("#", (1, 1), "cannot be there"),
]


def decide(condition: str, action: str, secret: str | None) -> bool:
    return Condition.read(condition).allows(facts_of(action, vault="contoso-kv", secret=secret))


@pytest.mark.parametrize(("operator", "value", "expected"), OPERATORS)
def test_each_operator_decides_by_the_name_of_the_secret(
    operator: str, value: str, expected: tuple[bool, bool, bool]
) -> None:
    decided = tuple(decide(f"{NAME} {operator} '{value}'", GET, name) for name in ("app-db", "App-DB", "other"))

    assert decided == expected


@pytest.mark.parametrize(("condition", "action", "secret", "expected"), CASES)
def test_a_condition_decides_as_azure_documents(
    condition: str, action: str, secret: str | None, expected: object
) -> None:
    assert decide(condition, action, secret) is expected


@pytest.mark.parametrize(("text", "place", "words"), REFUSED)
def test_what_is_no_condition_is_refused_with_line_column_and_remedy(
    text: str, place: tuple[int, int], words: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Condition.read(text)

    assert f"line {place[0]}, column {place[1]}." in refused.value.what
    assert words in f"{refused.value.cause} {refused.value.remedy}"


def test_a_condition_over_eight_kilobytes_is_refused() -> None:
    longest = f"{NAME} StringEquals '{'a' * 8128}'"
    assert len(longest) == 8193

    with pytest.raises(ConfigurationError, match="8,192 bytes at most"):
        Condition.read(longest)
    assert Condition.read(longest.replace("aa", "a", 1)).text


@pytest.mark.parametrize(
    ("condition", "action", "secret", "reason"),
    [
        (f"{NAME} StringEquals 'a'", GET, "b", f"{NAME} is 'b', so `{NAME} StringEquals 'a'` is false"),
        (f"{NAME} StringEquals 'a'", LIST, None, f"the call has no {NAME}, so `{NAME} StringEquals 'a'` is false"),
        (
            f"({GUARD}) OR ({NAME} StringEquals 'a')",
            GET,
            "b",
            f"the action is {GET} and {NAME} is 'b', so `{NAME} StringEquals 'a'` is false",
        ),
        (f"({GUARD}) OR ({NAME} StringEquals 'a')", LIST, None, f"the action is {LIST}"),
        (f"Exists {NAME} AND {GUARD}", LIST, None, f"the call has no {NAME}"),
    ],
)
def test_the_reason_names_what_decided(condition: str, action: str, secret: str | None, reason: str) -> None:
    assert Condition.read(condition).reason(facts_of(action, vault="contoso-kv", secret=secret)) == reason


def test_the_table_has_at_least_150_cases() -> None:
    assert len(OPERATORS) * 3 + len(CASES) + len(REFUSED) >= 150
