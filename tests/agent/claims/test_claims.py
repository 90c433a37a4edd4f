"""The promise check: what a reply may claim."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from deskward.agent.claims.clauses import MAX_SENTENCE, sentences
from deskward.agent.claims.lexicon import lexicon
from deskward.agent.claims.unsupported import MAX_REPLY, Evidence, unsupported
from deskward.agent.events import ToolAnswered, ToolCalled
from deskward.agent.model import Model
from deskward.app import GROUPS, open_desk
from deskward.evaluation.promises import measure
from deskward.security.principals import Kind, Principal
from tests.agent.talk import Talk
from tests.conftest import settings_in
from tests.evaluation.test_corpora import flows


def money(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD", "formatted": f"${amount / 100:,.2f}"}


def order(name: str, status: str) -> dict[str, Any]:
    line = {"sku": "CB", "description": "USB-C cable 1 m", "quantity": 3}
    return {
        "id": name,
        "lines": [{**line, "unit_price": money(750), "total": money(2250)}],
        "total": money(2250),
        "shipping_address": "12 Garden Street, Springfield, IL 62701",
        "status": status,
        "created_at": "2026-03-01T08:00:00.000000Z",
        "updated_at": "2026-03-05T16:40:00.000000Z",
    }


def shows(tool: str, answer: dict[str, Any], **arguments: Any) -> Evidence:
    return Evidence(tool, "ok", arguments, answer)


def article(name: str, question: str, answer: str) -> Evidence:
    found = {"id": name, "question": question, "answer": answer, "relevance": 1.0}
    return shows("get_faq", {"query": "q", "articles": [found]})


EVIDENCE = {
    "pending_order": shows("get_order_by_id", order("O1003", "pending"), order_id="O1003"),
    "shipped_order": shows("get_order_by_id", order("O1002", "shipped"), order_id="O1002"),
    "orders": shows(
        "get_orders_by_customer",
        {"total": 2, "orders": [order("O1003", "pending"), order("O1002", "shipped")]},
    ),
    "cancelled": shows(
        "update_order_status",
        {"message": "Order O1003 is now cancelled.", "order": order("O1003", "cancelled")},
        order_id="O1003",
    ),
    "refunded": shows(
        "refund_order",
        {"refund_id": "R1", "order_id": "O1003", "amount": money(2250), "message": "Granted."},
        order_id="O1003",
    ),
    "balance": shows("get_account_balance", {"user_id": "user_001", "balance": money(542050)}),
    "account": shows(
        "get_account_details",
        {
            "user_id": "user_001",
            "name": "Alex Morgan",
            "email": "alex.morgan@example.com",
            "phone": "+1 555 010 0001",
            "address": "12 Garden Street, Springfield, IL 62701",
            "status": "active",
            "balance": money(542050),
            "cards": [
                {"card_id": "card_001", "brand": "Visa", "last4": "4242", "status": "active"},
                {
                    "card_id": "card_002",
                    "brand": "Mastercard",
                    "last4": "4444",
                    "status": "deactivated",
                },
            ],
        },
    ),
    "customer": shows("get_customer", {"customer_id": "user_001", "tier": "standard"}),
    "blocked": shows(
        "deactivate_card",
        {
            "card": {
                "card_id": "card_001",
                "brand": "Visa",
                "last4": "4242",
                "status": "deactivated",
            }
        },
        card="4242",
    ),
    "waiting": Evidence(
        "deactivate_card",
        "pending",
        {"card": "4242"},
        {"status": "pending_approval", "approval_id": "a" * 32, "message": "It must be approved."},
    ),
    "failed": Evidence(
        "deactivate_card",
        "error",
        {"card": "4242"},
        {"success": False, "error": {"code": "UNAVAILABLE", "message": "Try later."}},
    ),
    "refused": Evidence(
        "update_order_status",
        "error",
        {"order_id": "O1002", "status": "cancelled"},
        {
            "success": False,
            "error": {"code": "CONFLICT", "message": "No.", "details": {"status": "shipped"}},
        },
    ),
    "password": shows("change_password", {"message": "The password was changed."}),
    "address": shows("update_address", {"address": "5 Main Street, Boston"}),
    "mailed": shows(
        "send_text_email", {"email_id": "e1", "status": "sent", "message": "The mail was sent."}
    ),
    "unmailed": shows(
        "send_text_email", {"email_id": "e1", "status": "failed", "message": "It was not sent."}
    ),
    "handed_over": shows(
        "hand_over",
        {"ticket_id": "T1005", "status": "open", "message": "A person will take over."},
    ),
    "reported": shows("report_issue", {"ticket_id": "T1004", "status": "open", "message": "Ok."}),
    "complained": shows(
        "register_complaint", {"complaint_id": "C1002", "status": "open", "message": "Ok."}
    ),
    "ticket": shows(
        "get_ticket",
        {
            "id": "T1001",
            "subject": "App crashes",
            "status": "resolved",
            "priority": "high",
            "assignee": "bob",
            "updated_at": "2026-03-04T10:15:00Z",
        },
    ),
    "transactions": shows(
        "get_transaction_history",
        {
            "transactions": [
                {
                    "transaction_id": "txn_1002",
                    "at": "2026-03-11T09:12:30Z",
                    "description": "Amazon Purchase",
                    "amount": {"amount": -8999, "currency": "USD", "formatted": "-$89.99"},
                },
                {
                    "transaction_id": "txn_1001",
                    "at": "2026-03-09T09:12:30Z",
                    "description": "Salary Deposit",
                    "amount": money(350000),
                },
            ]
        },
    ),
    "refunds": article(
        "faq-refunds",
        "How long do refunds take?",
        "A merchant's refund goes back to the card or account that paid. It shows within five to "
        "ten business days after the merchant sent it.",
    ),
}
CASES = yaml.safe_load(Path(__file__).with_name("claims.yaml").read_text("utf-8"))


def found(case: dict[str, Any]) -> list[Any]:
    evidence = [EVIDENCE[name] for name in case.get("after", [])]
    return unsupported(case["reply"], evidence, case.get("said", []))


@pytest.mark.parametrize("case", CASES["unsupported"], ids=lambda case: case["reply"][:60])
def test_claims_that_nothing_supports_are_found(case: dict[str, Any]) -> None:
    assert found(case)


@pytest.mark.parametrize("case", CASES["supported"], ids=lambda case: case["reply"][:60])
def test_what_is_borne_out_or_claims_nothing_is_left_alone(case: dict[str, Any]) -> None:
    assert found(case) == []


def test_what_is_found_says_where_and_why() -> None:
    reply = "Hello! I have cancelled O1003. Your balance is $12.00."
    first, second = unsupported(reply, [EVIDENCE["balance"]], ["cancel O1003"])
    assert (first.sentence, first.kind) == ("I have cancelled O1003.", "action")
    assert "cancelled" in first.why
    assert (second.sentence, second.kind) == ("Your balance is $12.00.", "fact")
    assert "$12.00" in second.why


def test_saying_a_thing_does_not_make_it_done() -> None:
    said = ["I was told on 3 May that the $40.00 were refunded"]
    assert unsupported("The $40.00 were refunded on 3 May.", [], said)
    assert not unsupported("You write about $40.00 and 3 May.", [], said)


def test_a_reply_that_is_too_long_is_not_sent() -> None:
    assert unsupported("a " * MAX_REPLY, [])


@given(st.text(max_size=400), st.booleans())
def test_no_text_is_too_odd(text: str, anything_shown: bool) -> None:
    evidence = list(EVIDENCE.values()) if anything_shown else []
    for item in unsupported(text, evidence, [text]):
        assert item.why


PIECES = st.sampled_from(
    """I we you your card order O1003 T1 4242 $5 1,000.00 3 March is has been have will not be sent
    cancelled refunded and , ; : ( ) " . ! ? if that who [faq-x] 2026-13-45 10:99 31 February
    99999999999999 €""".split()
)


@given(st.lists(PIECES, max_size=60).map(" ".join))
@example("that sent is sent")
@example("sent is sent")
def test_no_sentence_is_too_odd(text: str) -> None:
    unsupported(text, list(EVIDENCE.values()), [text])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    "id status amount currency cards total balance error details".split()
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ),
    st.sampled_from(["ok", "pending", "error"]),
    st.sampled_from(["get_faq", "get_transaction_history", "get_order_by_id", "other"]),
)
def test_no_answer_is_too_odd(answer: Any, status: Any, tool: str) -> None:
    evidence = [Evidence(tool, status, {}, {"answer": answer, "transactions": answer})]
    reply = "Your order O1001 was cancelled; $5.00 arrived on 3 March. You have two cards."
    unsupported(reply, evidence, [])


def test_a_monstrous_sentence_is_read_in_parts() -> None:
    parts = sentences("sent " * 2000)
    assert max(map(len, parts)) <= MAX_SENTENCE
    assert unsupported("sent " * 2000 + "I have refunded you.", [])


def test_the_tools_of_the_word_list_exist() -> None:
    known = lexicon()
    named = {tool for deed in known.deeds for tool in deed.tools} | set(known.writes)
    assert named <= {tool.name for group in GROUPS for tool in group.tools}


async def test_the_offline_models_own_answers_pass(
    template: Path, tmp_path: Path, offline: Model
) -> None:
    """A sample of the flows of honest customers, with everything that their tools showed."""
    alarms = []
    for flow in flows()[::8]:
        folder = tmp_path / flow.id
        folder.mkdir()
        shutil.copy(template, folder / "deskward.db")
        settings = settings_in(folder, secret_key="k" * 32)
        customer = Principal(Kind.CUSTOMER, flow.customer, "default", ("customer",))
        async with open_desk(settings, model=offline) as desk:
            talk, evidence = Talk(desk, customer), list[Evidence]()
            for place, said in enumerate(flow.turns, 1):
                reply = await talk.say(said)
                calls = {e.id: e.arguments for e in talk.events if isinstance(e, ToolCalled)}
                evidence += [
                    Evidence(e.name, e.status, calls.get(e.id, {}), e.answer)
                    for e in talk.events
                    if isinstance(e, ToolAnswered)
                ]
                alarms += unsupported(reply, evidence, flow.turns[:place])
    assert alarms == []


def test_the_words_serve_replies_that_they_were_not_tuned_on() -> None:
    """Not better than this yet: see what each split misses before loosening it."""
    known, unseen = measure("development"), measure("test")
    assert known.missed_rate <= 0.01
    assert known.false_alarm_rate <= 0.01
    assert unseen.missed_rate <= 0.15
    assert unseen.false_alarm_rate <= 0.14
    assert sum(kind.unsupported for kind in unseen.kinds.values()) == unseen.unsupported
    assert sum(len(kind.false_alarms) for kind in unseen.kinds.values()) == len(unseen.false_alarms)
