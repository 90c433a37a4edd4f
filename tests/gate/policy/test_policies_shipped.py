"""The policies that ship: sound by Cedar's validator, and as their truth tables say."""

import pytest

from deskward.gate.policy.engine import Policy, Verdict, read
from deskward.gate.policy.schema import check
from deskward.gate.policy.truth_table import (
    Question,
    questions,
    read_tables,
    run_tables,
)
from deskward.security.roles import FILE as ROLES
from deskward.security.roles import Roles, merged
from tests.everything import GROUPS, POLICIES
from tests.policies import FILES, policy_of

TOOLS = [tool for group in GROUPS for tool in group.tools]
SHIPPED = policy_of(FILES, TOOLS)
QUESTIONS = list(questions(read_tables(*POLICIES)))


@pytest.mark.slow
def test_they_pass_cedars_validator() -> None:
    assert check(SHIPPED, TOOLS) == []


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_they_say_what_the_tables_say(question: Question) -> None:
    row = question.ask(SHIPPED)
    assert row.passed, row


def test_every_limit_is_tried_on_both_sides() -> None:
    """A number in a policy that no table comes near could be changed unnoticed."""
    import re

    numbers = {
        int(number)
        for text in FILES.values()
        for line in text.splitlines()
        if not line.lstrip().startswith("//")
        for number in re.findall(r"(?:<=?|>=?|==) (\d+)", line)
        if int(number) > 10
    }
    tried = " ".join(row.name for row in QUESTIONS)
    for number in numbers:
        for value in (number - 1, number, number + 1):
            assert f"= {value}" in tried, f"no table has {value}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '@id("x") permit (principal, action == Action::"no_tool", resource);',
            "unrecognized action",
        ),
        (
            '@id("x") permit (principal, action == Action::"get_faq", resource)'
            ' when { context.args.question == "a" };',
            "not found",
        ),
        (
            '@id("x") permit (principal, action == Action::"get_faq", resource)'
            ' when { context.args.limit == "3" };',
            "Long",
        ),
        (
            '@id("x") permit (principal, action == Action::"list_tickets", resource)'
            ' when { context.args.status == "open" };',
            "optional",
        ),
    ],
)
def test_the_validator_finds_what_is_wrong(text: str, problem: str) -> None:
    found = check(policy_of(text, TOOLS), TOOLS)
    assert any(problem in one.problem for one in found), found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: {extends: b}", "no role"),
        ("a: {extends: b}\nb: {extends: a}", "extends itself"),
        ("a: {scope: [x]}", "a.scope"),
        ("a: [", "not valid YAML"),
    ],
)
def test_roles_that_cannot_be_used_are_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Roles.parse(text)


def test_a_role_has_what_it_extends() -> None:
    roles = Roles.parse(FILES[ROLES])
    assert roles.scopes(("support",)) < roles.scopes(("support-3",))
    assert [roles.tier((name,)) for name in ("support", "support-2", "support-3", "auditor")] == [
        *(1, 2, 3, 0)
    ]
    assert roles.scopes(("nobody",)) == frozenset()


def test_a_limit_is_changed_without_touching_code() -> None:
    files = dict(FILES)
    files["orders.cedar"] = files["orders.cedar"].replace("> 5000 ", "> 6000 ")
    case = [one for one in read_tables(*POLICIES) if one.case == "a refund by tier 1"]
    rows = {row.name: row for row in run_tables(Policy(files, TOOLS), case)}
    assert rows["a refund by tier 1, record.amount = 5001"].decision.verdict is Verdict.ALLOW


def test_roles_of_several_files_are_put_together() -> None:
    one = "support: {tier: 1, scopes: [a:read]}\ncustomer: {}"
    roles = Roles.parse(
        merged([one, "support: {scopes: [b:read]}", "customer: {scopes: [b:read]}"])
    )
    assert roles.scopes(("support",)) == {"a:read", "b:read"}
    assert roles.scopes(("customer",)) == {"b:read"}
    assert roles.tier(("support",)) == 1
    with pytest.raises(ValueError, match=r"do not agree on support\.tier"):
        merged([one, "support: {tier: 2}"])


def test_two_files_of_policies_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two policy folders hold a file"):
        read(*POLICIES, POLICIES[0])
