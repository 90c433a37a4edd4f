"""Marked sentences against their results, and scripts of their own."""

from typing import Any

import pytest

from deskward.agent.leaves import Evidence
from tests.agent.claims.test_claims import flagged
from tests.everything import CLAIMS


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        ("ご注文O1003をキャンセルしました。", "cancelled"),
        ("お客様の末尾4242のカードを停止いたしました。", "blocked"),
        ("パスワードを変更しました。", "password"),
        ("3月11日に89.99ドルのお支払いがありました。", "transactions"),
        ("تم إلغاء طلبك O1003.", "cancelled"),
        ("أوقفتُ البطاقة المنتهية بـ4242.", "blocked"),
        ("تم تغيير كلمة المرور.", "password"),
        ("رصيدك ٥٬٤٢٠٫٥٠ دولار.", "balance"),
    ],
)
def test_what_a_call_made_true_may_be_said_in_scripts_of_their_own(reply: str, shown: str) -> None:
    assert flagged(reply, shown) == []
    assert flagged(f"{reply} [[r1]]", shown) == []
    assert flagged(reply)
    assert flagged(f"{reply} [[r1]]", "ticket")


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        ("ご注文O1002をキャンセルしました[[r1]]。", "cancelled"),
        ("残高は54,205円です[[r1]]。", "balance"),
        ("3月12日に89.99ドルのお支払いがありました[[r1]]。", "transactions"),
        ("カードを停止しました[[r1]]。明日、担当者からお電話いたします。", "blocked"),
        ("末尾4242のカードを停止しました[[r1]]。", "failed"),
        ("تم إلغاء طلبك O1002 [[r1]].", "cancelled"),
        ("رصيدك 5,240.50 دولار [[r1]].", "balance"),
        ("البطاقة 4242 مجمدة الآن [[r1]].", "failed"),
        ("أوقفت البطاقة [[r1]]. سيتصل بك أحد موظفينا غدا.", "blocked"),
    ],
)
def test_nor_may_other_things_in_these(reply: str, shown: str) -> None:
    assert flagged(reply, shown)


@pytest.mark.parametrize(
    "reply",
    [
        "カードを停止しましょうか？",
        "恐れ入りますが、ご本人以外の口座についてはお答えできません。",
        "هل تريد إلغاء الطلب؟",
        "بكل سرور. حاول مرة أخرى بعد قليل.",
    ],
)
def test_what_claims_nothing_in_these_needs_no_mark(reply: str) -> None:
    assert flagged(reply) == []


QUESTION = {"status": "confirmation_needed", "confirmation_id": "1", "question": "Cancel O1003?"}


def test_of_a_call_that_waits_it_may_be_said_that_it_is_not_done() -> None:
    asked = {"order_id": "O1003", "status": "cancelled"}
    waiting = Evidence("update_order_status", "confirm", asked, QUESTION | {"arguments": asked})
    for reply in (
        "Order O1003 isn't cancelled yet; please answer the question the desk is asking you",
        "O1003 non è ancora annullato: manca la Sua conferma",
        "O1003 wurde noch nicht storniert, bitte bestätigen Sie erst",
    ):
        assert not CLAIMS.unsupported(f"{reply} [[r1]].", [waiting])
    for reply in ("Order O1003 is cancelled", "O1003 è annullato", "O1003 wurde storniert"):
        assert CLAIMS.unsupported(f"{reply} [[r1]].", [waiting])


def test_a_number_within_another_shows_nothing() -> None:
    opened = {"ticket_id": "T34027", "status": "open", "request_id": "a262a568e9a124557efaab6f8d95"}
    shown = [Evidence("create_ticket", "ok", {}, opened | {"at": "2026-03-12T09:54:24.240Z"})]
    assert not CLAIMS.unsupported("I opened ticket T34027 for you [[r1]].", shown)
    assert CLAIMS.unsupported("I opened ticket T3402 for you [[r1]].", shown)
    assert CLAIMS.unsupported("I opened a ticket for you, number 24 [[r1]].", shown)


def test_what_was_paid_back_before_is_on_the_order() -> None:
    def order(*refunds: dict[str, Any]) -> list[Evidence]:
        return [Evidence("get_order_by_id", "ok", {}, {"id": "O2088", "refunds": list(refunds)})]

    refund = {"refund_id": "r", "amount": {"amount": 14000, "currency": "USD", "value": "140.00"}}
    assert not CLAIMS.unsupported("$140.00 for O2088 was refunded [[r1]].", order(refund))
    assert CLAIMS.unsupported("O2088 was refunded [[r1]].", order())


def test_a_name_is_known_without_its_accents() -> None:
    ticket = {"id": "T6610", "status": "pending", "assignee": "ines"}
    shown = [Evidence("get_ticket", "ok", {}, ticket)]
    assert not CLAIMS.unsupported("Tu ticket T6610 lo lleva Inés [[r1]].", shown)
    assert CLAIMS.unsupported("Tu ticket T6610 lo lleva Pilar [[r1]].", shown)
