"""Policy: allow, ask, deny; nothing is allowed by accident."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskward.core.settings import Settings
from deskward.gate.context import Context
from deskward.gate.facts import facts_of
from deskward.gate.policy.engine import Decision, Policy, Verdict
from deskward.gate.tool import Tool
from deskward.security.principals import Kind, Principal
from deskward.shipped import policy_files
from deskward.shipped import policy_of as policy_in_use
from tests.conftest import AUDITOR, CUSTOMER, SERVICE, STAFF
from tests.everything import EVERYTHING, GROUPS
from tests.policies import FILES, policy_of

TOOLS = {tool.name: tool for group in GROUPS for tool in group.tools}
SHIPPED = policy_of(FILES, TOOLS.values())
OWN = {"owner": "user_001"}
OTHERS = {"owner": "user_002"}


NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday


def judge(policy: Policy, tool: Tool, context: Context, arguments, record) -> Decision:
    facts = facts_of(tool, context, arguments, record, NOON)
    return policy.judge(tool, context.principal, facts)


def decide(text: str, arguments=None, record=None, principal: Principal = CUSTOMER, tool="get_faq"):
    policy = policy_of(text, TOOLS.values())
    return judge(policy, TOOLS[tool], Context(principal, "rest"), arguments or {}, record)


PERMIT = '@id("all") permit (principal, action, resource);'


def test_nothing_permits_nothing() -> None:
    decision = decide('@id("never") permit (principal, action, resource) when { false };')
    assert (decision.verdict, decision.policies) == (Verdict.DENY, ())


def test_the_deciding_policies_are_named() -> None:
    decision = decide(PERMIT + '@id("no") forbid (principal, action, resource);')
    assert (decision.verdict, decision.policies) == (Verdict.DENY, ("no",))
    assert decide(PERMIT).policies == ("all",)


def test_a_policy_for_no_action_at_all_stops_nothing() -> None:
    decision = decide(PERMIT + '@id("nothing") forbid (principal, action in [], resource);')
    assert (decision.verdict, decision.policies) == (Verdict.ALLOW, ("all",))


def test_what_is_permitted_only_with_a_person_asks() -> None:
    text = '@id("ask") forbid (principal, action, resource) when { context.unattended };'
    decision = decide(PERMIT + text)
    assert (decision.verdict, decision.policies) == (Verdict.ASK, ("ask",))
    attended = (
        '@id("with-a-person") permit (principal, action, resource) unless { context.unattended };'
    )
    assert decide(attended).verdict is Verdict.ASK
    assert decide(attended).policies == ("with-a-person",)


@pytest.mark.parametrize(
    "broken",
    [
        "context.args.amount < 100",  # there is no such argument
        "context.args.q < 5",  # of another type
        "context.record.owner == principal.id",  # there is no record
        "principal.no_such == 1",
    ],
)
@pytest.mark.parametrize("effect", ["permit", "forbid"])
def test_an_evaluation_error_is_deny(broken: str, effect: str) -> None:
    text = f'@id("broken") {effect} (principal, action, resource) when {{ {broken} }};'
    decision = decide(PERMIT + text, {"q": "text"})
    assert decision.verdict is Verdict.DENY
    assert decision.errors


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("permit (principal, action, resource);", "@id"),
        (PERMIT + PERMIT, "two policies"),
        ('@id("x") permit (', "unexpected"),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        policy_of(text, TOOLS.values())


@pytest.mark.parametrize(
    ("text", "problem"),
    [(b"permit (", "unexpected"), (b"permit (principal, action, resource);", "@id"), (b"\xff", "")],
)
def test_a_broken_file_is_named(tmp_path, text: bytes, problem: str) -> None:
    (tmp_path / "good.cedar").write_text(PERMIT, encoding="utf-8")
    (tmp_path / "more.cedar").write_bytes(text)
    settings = Settings(policy_dir=tmp_path)
    with pytest.raises(ValueError, match=f"more.cedar.*{problem}") as error:
        policy_in_use(settings, EVERYTHING, TOOLS.values())
    assert str(error.value).startswith(f"POLICY_DIR={tmp_path}: ")


def test_an_empty_folder_is_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="holds no"):
        Policy(policy_files(tmp_path, EVERYTHING), TOOLS.values())


def test_arguments_of_every_kind_can_be_judged() -> None:
    text = (
        '@id("x") permit (principal, action, resource) when {'
        ' context.args.n == 5 && context.args.list.contains("a") && context.args.map.k'
        ' && context.args.part.lessThan(decimal("0.86")) && !(context.args has none) };'
    )
    arguments = {"n": 5, "list": ["a", None], "map": {"k": True}, "part": 0.85, "none": None}
    assert decide(text, arguments).verdict is Verdict.ALLOW
    assert decide(text, {**arguments, "part": 0.86}).verdict is Verdict.DENY


def test_a_policy_sees_scope_risk_role_and_agent() -> None:
    text = (
        '@id("x") permit (principal in Role::"customer",'
        ' action in [Action::"knowledge:read"], resource)'
        ' when { principal.agent == "assistant" };'
    )
    assert decide(text, principal=CUSTOMER.with_agent("assistant")).verdict is Verdict.ALLOW
    assert decide(text).verdict is Verdict.DENY
    assert (
        decide(text, principal=CUSTOMER.with_agent("assistant"), tool="get_ticket").verdict
        is Verdict.DENY
    )


ALLOW, ASK, DENY = Verdict.ALLOW, Verdict.ASK, Verdict.DENY
RESOLVE = {"ticket_id": "T1001", "update": {"status": "resolved"}}
ASSIGN = {"ticket_id": "T1001", "update": {"status": None, "assignee": "anna"}}


@pytest.mark.parametrize(
    ("principal", "tool", "arguments", "record", "verdict"),
    [
        (CUSTOMER, "get_account_balance", {}, None, ALLOW),
        (CUSTOMER, "change_password", {}, None, ALLOW),
        (CUSTOMER, "deactivate_card", {}, None, ALLOW),
        (CUSTOMER, "hand_over", {}, None, ALLOW),
        (CUSTOMER, "get_ticket", {}, OWN, ALLOW),
        (CUSTOMER, "get_ticket", {}, OTHERS, DENY),
        (CUSTOMER, "update_ticket", RESOLVE, OWN, DENY),
        (STAFF, "get_account_balance", {}, None, ALLOW),
        (STAFF, "update_ticket", RESOLVE, OTHERS, ALLOW),
        (STAFF, "update_address", {}, None, ASK),
        (STAFF, "deactivate_card", {}, None, ASK),
        (STAFF, "change_password", {}, None, DENY),
        (AUDITOR, "get_ticket", {}, OTHERS, ALLOW),
        (AUDITOR, "update_ticket", RESOLVE, OTHERS, DENY),
        (AUDITOR, "get_account_balance", {}, None, DENY),
        (SERVICE, "update_ticket", ASSIGN, OTHERS, ALLOW),
        (SERVICE, "update_ticket", RESOLVE, OTHERS, ASK),
        (SERVICE, "deactivate_card", {}, None, DENY),
    ],
)
def test_the_shipped_policies(principal, tool: str, arguments, record, verdict: Verdict) -> None:
    decision = judge(SHIPPED, TOOLS[tool], Context(principal, "rest"), arguments, record)
    assert decision.verdict is verdict, decision
    assert not decision.errors


@pytest.mark.slow
def test_judging_by_the_relevant_policies_is_judging_by_all() -> None:
    """The slices that calls are judged by leave out only what cannot match."""
    whole, everything = policy_of(FILES, TOOLS.values()), _everything()
    whole._relevant = lambda tool, principal: everything  # type: ignore[method-assign]  # for comparison
    for principal in (CUSTOMER, STAFF, AUDITOR, SERVICE):
        for name, tool in TOOLS.items():
            for record in (None, OWN, OTHERS):
                arguments = RESOLVE if name == "update_ticket" else {}
                context = Context(principal, "rest")
                sliced = judge(SHIPPED, tool, context, arguments, record)
                assert sliced.verdict is judge(whole, tool, context, arguments, record).verdict


def _everything():
    import cedarpy

    from deskward.gate.policy.engine import Relevant
    from deskward.gate.policy.memo import reads_of

    return Relevant(cedarpy.PolicySet.from_str(SHIPPED.text), reads_of(SHIPPED.policies.values()))


@given(
    owner=st.text(min_size=1, max_size=20),
    customer=st.text(min_size=1, max_size=20),
    tool=st.sampled_from(sorted(TOOLS)),
)
def test_no_customer_reaches_a_record_of_another(owner: str, customer: str, tool: str) -> None:
    principal = Principal(Kind.CUSTOMER, customer, "default", ("customer",))
    arguments = RESOLVE if tool == "update_ticket" else {}
    decision = judge(
        SHIPPED, TOOLS[tool], Context(principal, "agent"), arguments, {**OTHERS, "owner": owner}
    )
    assert owner == customer or decision.verdict is Verdict.DENY


@given(
    roles=st.lists(st.sampled_from([*SHIPPED.roles.names, "unknown"]), max_size=3),
    tool=st.sampled_from(sorted(TOOLS)),
)
def test_a_role_gives_no_more_than_its_scopes(roles: list[str], tool: str) -> None:
    principal = Principal(Kind.STAFF, "x", "default", tuple(roles))
    granted = SHIPPED.roles.scopes(tuple(roles))
    assert SHIPPED.may_use(TOOLS[tool], principal) == (TOOLS[tool].scope in granted)


def test_a_tool_of_another_desk_is_denied_not_an_exception() -> None:
    tool: Tool = TOOLS["get_faq"]
    policy = policy_of(PERMIT, [TOOLS["get_ticket"]])
    assert judge(policy, tool, Context(CUSTOMER, "rest"), {}, None).verdict is Verdict.DENY
