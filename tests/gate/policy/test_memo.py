"""Remembered decisions: always what Cedar would say now, whatever was asked before."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskward.gate.policy import memo
from deskward.gate.policy.engine import Decision, Policy, Verdict
from deskward.gate.policy.memo import reads_of
from deskward.security.principals import Kind, Principal, Proof
from deskward.security.roles import FILE as ROLES
from tests.conftest import CUSTOMER, OTHER, SERVICE
from tests.everything import GROUPS
from tests.policies import FILES, policy_of

TOOLS = {tool.name: tool for group in GROUPS for tool in group.tools}

ODD = """
@id("all") permit (principal, action, resource);
@id("whole") forbid (principal, action == Action::"get_faq", resource)
    when { context == {"door": "rest"} };
@id("whole-args") forbid (principal, action == Action::"get_faq", resource)
    when { context.args == {"q": "a"} || [1, true].contains(context.args) };
@id("chosen") forbid (principal, action, resource)
    when { context has a && {"x": context.a, "y": 1}["x"] == true };
@id("one") forbid (principal == Customer::"user_001", action == Action::"update_ticket", resource);
@id("literal") forbid (principal, action == Action::"refund_order", resource)
    when { context has b && Customer::"user_001" has tier && Customer::"user_001".tier > 0 };
@id("itself") forbid (principal, action == Action::"send_email", resource)
    when { context has b && [Customer::"user_002", Service::"website"].contains(principal) };
@id("passed") forbid (principal, action == Action::"get_account_balance", resource)
    when { context has b && context.b == principal };
@id("deep") forbid (principal, action, resource)
    when { context has args && context.args has update && context.args.update has status
           && (if context.args.update.status like "r*" then context.tainted else false) };
@id("odd names") forbid (principal, action, resource)
    when { context has "in" && context["in"] has "Var" && context["in"]["Var"] == "a" };
@id("kind") forbid (principal, action, resource)
    when { principal is Staff in Role::"support" && context has minute && context.minute > 600 };
@id("spoken-for") forbid (principal, action, resource)
    when { context.unattended && (principal has via || principal.proof < 2) };
@id("limit") forbid (principal, action, resource)
    when { context has confidence && context.confidence.lessThan(decimal("0.85")) };
"""
POLICIES = {
    "shipped": policy_of(FILES, TOOLS.values()),
    "odd": policy_of(ODD, TOOLS.values()),
}
ASKED_OFTEN = ("get_account_balance", "update_ticket", "refund_order", "send_email", "get_faq")

PRINCIPALS = st.builds(
    Principal,
    st.sampled_from(Kind),
    st.sampled_from(["user_001", "user_002", "website"]),
    st.sampled_from(["default", "acme"]),
    st.sampled_from([("customer",), ("support",), ("support-2",), ("service",), ("auditor",), ()]),
    st.sampled_from([None, "assistant"]),
    st.sampled_from([None, "service:website"]),
    st.sampled_from(Proof),
)
SCALARS = st.sampled_from(
    [
        *(True, False, 0, 1, -1, 5001, 700, 2**63, 0.85, 0.5, 1.0, 1e300, float("inf"), None),
        *("", "a", "EUR", "user_001", "resolved", "\ud800", "é"),
    ]
)
ODDITIES: list[Any] = [
    {"__extn": {"fn": "decimal", "arg": "1.00"}},
    {"__extn": {"fn": "decimal", "arg": "no number"}},
    {"__entity": {"type": "Customer", "id": "user_001"}},
    {"Var": "a"},
    [{"Var": "context"}],
]
VALUES = st.one_of(
    SCALARS,
    st.lists(st.sampled_from(["a", "legal", "EUR", 1]), max_size=2),
    st.dictionaries(st.sampled_from(["q", "status", "owner", "Var"]), SCALARS, max_size=2),
    st.sampled_from(ODDITIES),
)
PROPER: dict[str, st.SearchStrategy[Any]] = {
    "door": st.sampled_from(["rest", "mcp", "agent"]),
    "taint": st.sampled_from([[], ["ticket"]]),
    "tainted": st.booleans(),
    "own_words": st.booleans(),
    "about_known": st.booleans(),
    "weekday": st.integers(1, 7),
    "minute": st.sampled_from([0, 479, 480, 700, 1079, 1080]),
    "doubts": st.sampled_from([[], ["words"]]),
    "args": st.fixed_dictionaries(
        {},
        optional={
            "q": st.sampled_from(["a", "b"]),
            "status": st.sampled_from(["cancelled", "open"]),
            "update": st.fixed_dictionaries(
                {},
                optional={
                    "status": st.sampled_from(["resolved", "open", None]),
                    "reply": st.just("Hello"),
                },
            ),
        },
    ),
}
RECORD = st.fixed_dictionaries(
    {},
    optional={
        "owner": st.sampled_from(["user_001", "user_002"]),
        "amount": st.sampled_from([2000, 2001, 5001, 50001, 500001]),
        "currency": st.sampled_from(["EUR", "CHF"]),
        "verified": st.booleans(),
        "recipients": st.sampled_from([1, 11]),
        "reversible": st.booleans(),
        "risks": st.sampled_from([[], ["legal"]]),
        "risk": st.sampled_from(["read", "outside"]),
        "group": st.sampled_from(["accounts", "orders"]),
        "tool": st.sampled_from(["erase_customer", "get_faq"]),
    },
)
MORE: dict[str, st.SearchStrategy[Any]] = {
    "record": RECORD,
    "about": st.sampled_from(["user_001", "user_002"]),
    "confidence": st.sampled_from([0.0, 0.5, 0.85, 1.0]),
}
FACTS = st.one_of(
    st.fixed_dictionaries(PROPER, optional=MORE),
    st.dictionaries(
        st.sampled_from([*PROPER, *MORE, "a", "b", "in", "unattended", "__extn"]),
        VALUES,
        max_size=6,
    ),
    st.builds(
        lambda facts, name, value: {**facts, name: value},
        st.fixed_dictionaries(PROPER, optional=MORE),
        st.sampled_from([*PROPER, *MORE, "a", "b", "in"]),
        VALUES,
    ),
)
TOOL = st.one_of(st.sampled_from(ASKED_OFTEN), st.sampled_from([*sorted(TOOLS), "no_such_tool"]))


OTHER_CALLERS: list[dict[str, Any]] = [
    *({"id": name} for name in ("user_001", "user_002", "website")),
    *({"tenant": name} for name in ("default", "acme")),
    *({"roles": (name,)} for name in ("customer", "support", "support-2", "service")),
    *({"kind": kind} for kind in Kind),
    *({"proof": proof} for proof in Proof),
    *({"via": name} for name in (None, "service:website")),
    *({"agent": name} for name in (None, "assistant")),
]
NOTHING: dict[str, Any] = {}
OTHER_FACTS: list[dict[str, Any]] = [
    *({name: value} for name in ("tainted", "own_words", "about_known") for value in (True, False)),
    *({"minute": minute, "weekday": day} for minute, day in ((479, 3), (480, 3), (700, 6))),
    *({"args": {"update": {"status": status}}} for status in ("resolved", "open", 1, None)),
    *({"args": {"update": value}} for value in ({"reply": "Hello"}, "open", None)),
    *(
        {"args": value}
        for value in (NOTHING, {"q": "a"}, {"q": 2**63}, {"q": "\ud800"}, [1], 1, True)
    ),
    *({"args": {"q": value}} for value in ODDITIES),
    *({"record": {"owner": owner, "amount": 1}} for owner in ("user_001", "user_002", 1, None)),
    *({"record": {"amount": n, "currency": "EUR"}} for n in (2000, 2001, 5001, 50001, 500001)),
    *({"record": value} for value in (None, NOTHING, 1)),
    *({"confidence": value} for value in (0.5, 0.85, None, 1, float("inf"))),
    *({"a": value} for value in (True, 1, 1.0, "true", None)),
    *({"b": value} for value in (True, None)),
    *({"in": value} for value in ({"Var": "a"}, {"Var": "b"}, NOTHING, None)),
]


@pytest.mark.slow
@pytest.mark.parametrize("name", POLICIES)
@given(tool=TOOL, principal=PRINCIPALS, facts=FACTS)
@settings(max_examples=60)
def test_a_remembered_decision_is_the_one_that_cedar_would_make(
    name: str, tool: str, principal: Principal, facts: dict[str, Any]
) -> None:
    """Asked for a call and for all that differ from it in one thing."""
    policy = POLICIES[name]  # it remembers the decisions of all examples before
    calls = [(replace(principal, **who), facts) for who in OTHER_CALLERS]
    calls += [(principal, {**facts, **what}) for what in OTHER_FACTS]
    for who, what in [(principal, facts), *calls]:
        assert policy.judge_named(tool, who, what) == policy.judge_afresh(tool, who, what)


FACTS_OF_A_READ = {
    "door": "rest",
    "args": {"user_id": "user_001"},
    "taint": [],
    "tainted": False,
    "own_words": False,
    "about_known": True,
    "weekday": 3,
    "minute": 600,
    "doubts": [],
}


class Counted(Policy):
    """Policies that count how often Cedar is asked."""

    asked = 0

    def judge_afresh(self, tool: str, principal: Principal, facts: Any) -> Decision:
        self.asked += 1
        return super().judge_afresh(tool, principal, facts)


def counted(text: str | None = None) -> Counted:
    return Counted({ROLES: FILES[ROLES], "a.cedar": text} if text else FILES, TOOLS.values())


def test_cedar_is_asked_once_for_calls_that_no_policy_tells_apart() -> None:
    policy = counted()
    for minute in range(600, 700):
        facts = {**FACTS_OF_A_READ, "minute": minute, "args": {"q": str(minute)}}
        assert policy.judge_named("get_account_balance", CUSTOMER, facts).verdict is Verdict.ALLOW
    assert policy.asked == 1


def test_what_a_policy_reads_is_asked_anew() -> None:
    policy = counted()
    late = {**FACTS_OF_A_READ, "minute": 1200, "record": {"amount": 100, "currency": "EUR"}}
    early = {**late, "minute": 700}
    assert policy.judge_named("refund_order", SERVICE, early).verdict is Verdict.ALLOW
    assert policy.judge_named("refund_order", SERVICE, late).verdict is Verdict.ASK
    assert policy.asked == 2


def test_a_policy_that_compares_the_caller_is_asked_for_each() -> None:
    text = '@id("a") permit (principal == Customer::"user_001", action, resource);'
    policy = counted(text)
    assert policy.judge_named("get_faq", CUSTOMER, FACTS_OF_A_READ).verdict is Verdict.ALLOW
    assert policy.judge_named("get_faq", OTHER, FACTS_OF_A_READ).verdict is Verdict.DENY


def test_nothing_is_remembered_of_an_error() -> None:
    policy = counted('@id("a") permit (principal, action, resource) when { context.record.x };')
    for _ in range(2):
        decision = policy.judge_named("get_faq", CUSTOMER, FACTS_OF_A_READ)
        assert decision.verdict is Verdict.DENY
        assert decision.errors
    assert policy.asked == 2


@pytest.mark.parametrize("unread", [2**63, "\ud800", ODDITIES[1], float("nan"), 1e300])
def test_an_unread_value_that_cedar_refuses_is_refused_again(unread: Any) -> None:
    policy = counted('@id("a") permit (principal, action, resource);')
    facts = {**FACTS_OF_A_READ, "args": {"q": "a"}}
    assert policy.judge_named("get_faq", CUSTOMER, facts).verdict is Verdict.ALLOW
    decision = policy.judge_named("get_faq", CUSTOMER, {**facts, "args": {"q": unread}})
    assert decision.verdict is Verdict.DENY
    assert decision.errors


def test_new_tools_and_new_policies_forget_what_was_decided() -> None:
    policy = counted()
    policy.judge_named("get_account_balance", CUSTOMER, FACTS_OF_A_READ)
    policy.know(TOOLS.values())
    policy.judge_named("get_account_balance", CUSTOMER, FACTS_OF_A_READ)
    assert policy.asked == 2


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "MOST", 3)
    policy = counted('@id("a") permit (principal, action, resource) when { context.args.n > 0 };')

    def ask(number: int) -> None:
        policy.judge_named("get_faq", CUSTOMER, {**FACTS_OF_A_READ, "args": {"n": number}})

    for number in (1, 2, 3, 1, 4, 1):  # 2 is what was not needed for longest
        ask(number)
    assert policy.asked == 4
    ask(2)
    assert policy.asked == 5
    assert len(policy._memo._known) == 3


def test_a_call_of_which_much_is_read_is_not_remembered() -> None:
    policy = counted('@id("a") permit (principal, action, resource) when { context.args == {} };')
    facts = {**FACTS_OF_A_READ, "args": {"text": "x" * 2000}}
    for _ in range(2):
        assert policy.judge_named("get_faq", CUSTOMER, facts).verdict is Verdict.DENY
    assert policy.asked == 2
    assert not policy._memo._known


@pytest.mark.parametrize(
    ("condition", "values", "presences", "principal_id"),
    [
        ("context.args.a.b == 1", {("args", "a", "b")}, set(), False),
        ("context.args has a", set(), {("args", "a")}, False),
        ("context.args has a.b", set(), {("args", "a"), ("args", "a", "b")}, False),
        ("context.args has a && context.args.a", {("args", "a")}, set(), False),
        ('{"x": context.y}["x"] == 1', {("y",)}, set(), False),
        ("context == {}", {()}, set(), False),
        ("principal.id == context.about", {("about",)}, set(), True),
        ("principal.tier > 1 && principal has agent", set(), set(), False),
        ('principal in [Role::"a"] && principal is Staff', set(), set(), False),
        ('principal in Customer::"a"', set(), set(), True),
        ('principal == Staff::"a"', set(), set(), True),
        ('Customer::"a".tier == 1', set(), set(), True),
        ('principal.hasTag("a")', set(), set(), True),
        ('resource == Tenant::"a"', set(), set(), False),
    ],
)
def test_what_a_condition_reads(
    condition: str, values: set[Any], presences: set[Any], principal_id: bool
) -> None:
    text = f'@id("a") permit (principal, action, resource) when {{ {condition} }};'
    reads = reads_of(policy_of(text, ()).policies.values())
    assert (set(reads.values), set(reads.presences)) == (values, presences)
    assert reads.principal_id is principal_id
