"""The promise check: what a reply may claim, in every language."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deskward.agent.claims.check import MAX_REPLY
from deskward.agent.leaves import Evidence
from deskward.evaluation.promises import SPLITS, labelled_replies, measure
from deskward.gate.tool import Risk
from deskward.text.clauses import NONE, grammar
from tests.agent.claims.results import EVIDENCE
from tests.everything import CLAIMS, GROUPS

CASES = yaml.load(
    Path(__file__).with_name("claims.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader
)


def flagged(reply: str, *shown: str, said: str = "") -> list[str]:
    found = CLAIMS.unsupported(reply, [EVIDENCE[name] for name in shown], [said])
    return [one.sentence for one in found]


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        ("Your order O1003 has been cancelled.", "cancelled"),
        ("Ihre Bestellung O1003 wurde storniert.", "cancelled"),
        ("Votre commande O1003 a bien été annulée.", "cancelled"),
        ("He cancelado tu pedido O1003.", "cancelled"),
        ("Ho annullato il suo ordine O1003.", "cancelled"),
        ("O seu pedido O1003 foi cancelado.", "cancelled"),
        ("Ihr Passwort wurde geändert.", "password"),
        ("Votre carte Visa se terminant par 4242 est désormais bloquée.", "blocked"),
        ("Su tarjeta Visa terminada en 4242 ha sido bloqueada.", "blocked"),
        ("Ihr Kontostand beträgt 5.420,50 $.", "balance"),
        ("Le solde de votre compte est de 5 420,50 $.", "balance"),
        ("La última operación es una compra de 89,99 $ el 11 de marzo de 2026.", "transactions"),
    ],
)
def test_what_a_call_made_true_may_be_said_in_each_language(reply: str, shown: str) -> None:
    assert flagged(reply, shown) == []
    assert flagged(reply) == [reply]
    assert flagged(reply, "ticket") == [reply]


@pytest.mark.parametrize(
    "reply",
    [
        "He cancelado y reembolsado tu pedido.",
        "I will refund you tomorrow.",
        "Wir werden Ihnen den Betrag morgen erstatten.",
        "Nous vous rembourserons demain.",
        "Mañana te reembolsaremos el importe.",
        "Le rimborseremo l'importo domani.",
        "Vamos reembolsar o valor amanhã.",
        "Ich habe Ihre Karte soeben gesperrt.",
        "J'ai réinitialisé votre mot de passe.",
        "Your Visa is blocked, is there anything else?",
    ],
)
def test_nothing_was_done_and_nothing_is_promised(reply: str) -> None:
    assert flagged(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "I have not cancelled anything.",
        "Ich habe nichts storniert.",
        "Je n'ai rien annulé.",
        "No he cancelado nada.",
        "Non ho annullato nulla.",
        "Não cancelei nada.",
        "Shall I cancel your order?",
        "Soll ich Ihre Bestellung stornieren?",
        "Voulez-vous que j'annule votre commande ?",
        "¿Quieres que cancele tu pedido?",
        "Vuole che annulli il suo ordine?",
        "Quer que eu cancele o seu pedido?",
        "I can cancel your order for you.",
        "Wenn Sie möchten, kann ich Ihre Karte sperren.",
        "Si vous le souhaitez, je peux bloquer votre carte.",
        "Si quieres, puedo bloquear tu tarjeta.",
        "Se vuole, posso bloccare la sua carta.",
        "Se quiser, posso bloquear o seu cartão.",
    ],
)
def test_negations_questions_offers_and_conditions_claim_nothing(reply: str) -> None:
    assert flagged(reply) == []


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        ("Ihre Bestellung O1002 wurde storniert.", "cancelled"),
        ("Ihre Mastercard mit den Endziffern 4444 ist gesperrt.", "blocked"),
        ("Ihr Kontostand beträgt 5.240,50 $.", "balance"),
        ("Le solde de votre compte est de 5 240,50 $.", "balance"),
        ("El saldo de tu cuenta es de 5.420,00 dólares.", "balance"),
        ("La última operación es una compra de 89,99 $ el 12 de marzo de 2026.", "transactions"),
        ("Your latest transaction was a salary of $89.99.", "transactions"),
        ("Sie haben drei Bestellungen.", "orders"),
        ("T1001 has low priority.", "ticket"),
        ("Ihre Karte mit den Endziffern 4242 ist gesperrt.", "waiting"),
        ("Your card ending in 4242 is blocked.", "failed"),
    ],
)
def test_other_values_and_calls_that_came_to_nothing_show_nothing(reply: str, shown: str) -> None:
    assert flagged(reply, shown)


def test_saying_a_thing_does_not_make_it_done() -> None:
    assert flagged("The $40.00 were refunded to you.", said="I was promised a refund of $40.00")
    assert flagged("Your balance is $40.00.", said="I think that my balance is $40.00")
    assert not flagged("You write about $40.00.", said="I was promised a refund of $40.00")


def test_an_amount_is_one_of_its_currency() -> None:
    money = {"amount": 985000, "currency": "JPY", "value": "985000", "formatted": "¥985,000"}
    shown = Evidence("get_account_balance", "ok", {}, {"account": "main", "balance": money})
    assert CLAIMS.unsupported("Your balance is $985,000.", [shown], [""])
    assert not CLAIMS.unsupported("Your balance is ¥985,000.", [shown], [""])


def test_what_the_desk_wrote_into_a_record_shows_what_it_says() -> None:
    resolved = Evidence(
        "get_complaint",
        "ok",
        {},
        {
            "id": "C1004",
            "status": "resolved",
            "resolution": "The second charge of $89.99 was refunded.",
        },
    )
    reply = "Ihnen wurden 89,99 $ erstattet."
    assert not CLAIMS.unsupported(reply, [resolved])
    written = Evidence("get_ticket", "ok", {}, {"id": "T1", "body": resolved.answer["resolution"]})
    assert CLAIMS.unsupported(reply, [written])


def test_a_marked_sentence_is_compared_with_that_result_alone() -> None:
    shown = ("balance", "cancelled")
    assert flagged("Your order O1003 was cancelled [[r2]].", *shown) == []
    assert flagged("Your balance is $5,420.50 [[r1]].", *shown) == []
    assert flagged("Your order O1003 was cancelled [[r1]].", *shown)
    assert flagged("Your balance is $5,420.50 [[r2]].", *shown)
    assert flagged("Your order O1003 was cancelled [[r3]].", *shown)


def test_in_a_language_that_nothing_was_learned_of_only_marks_and_quotations_pass() -> None:
    polish, turkish = "Twoje zamówienie O1003 zostało anulowane", "Siparişiniz O1003 iptal edildi"
    thai, persian = "คำสั่งซื้อของคุณถูกยกเลิกแล้ว", "سفارش شما لغو شد و پول برگشت"
    for said in (polish, turkish, "Ваш заказ отменён", "您的订单已取消", thai, persian):
        assert flagged(f"{said}.", "cancelled")
        assert flagged(f"{said} [[r1]].", "cancelled") == []
    assert flagged(f"{polish.replace('O1003', 'O1002')} [[r1]].", "cancelled")
    assert flagged(f"{polish} [[r1]].") != []
    own = Evidence("x", "ok", {}, {"message": "Zamówienie anulowane."})
    assert not CLAIMS.unsupported("Zamówienie anulowane.", [own])


def test_what_an_unknown_tool_did_may_be_said_with_its_mark() -> None:
    label = Evidence("print_label", "ok", {}, {"label": "L77"})
    assert CLAIMS.unsupported("I have printed label L77 for you.", [label])
    assert not CLAIMS.unsupported("I have printed label L77 for you [[r1]].", [label])
    assert CLAIMS.unsupported("I have refunded $12.00 to you [[r1]].", [label])


def balance(amount: int) -> Evidence:
    money = {"amount": amount, "currency": "USD", "formatted": f"{amount / 100:.2f}"}
    return Evidence("get_account_balance", "ok", {}, {"user_id": "user_001", "balance": money})


@pytest.mark.parametrize(
    ("reply", "true", "false"),
    [
        ("Your balance is zero.", 0, 542050),
        ("Ihr Kontostand ist null.", 0, 542050),
        ("Your account is overdrawn.", -2300, 542050),
        ("Votre compte est à découvert.", -2300, 542050),
        ("Tu cuenta está en números rojos.", -2300, 542050),
        ("Il suo conto è scoperto.", -2300, 542050),
        ("You have more than five thousand dollars.", 542050, 642050),
        ("Sie haben mehr als fünftausend Dollar.", 542050, 642050),
        ("Você tem mais de cinco mil dólares na conta.", 542050, 642050),
    ],
)
def test_a_fact_that_is_told_in_words_is_compared_with_the_record(
    reply: str, true: int, false: int
) -> None:
    assert not CLAIMS.unsupported(reply, [balance(true)])
    assert CLAIMS.unsupported(reply, [balance(false)])


def test_what_is_said_of_all_records_must_hold_for_each() -> None:
    def orders(*statuses: str) -> Evidence:
        found = [{"id": f"O100{at}", "status": status} for at, status in enumerate(statuses)]
        return Evidence("get_orders_by_customer", "ok", {}, {"total": 2, "orders": found})

    for reply in ("All your orders were delivered.", "Alle Ihre Bestellungen wurden geliefert."):
        assert not CLAIMS.unsupported(reply, [orders("delivered", "delivered")])
        assert CLAIMS.unsupported(reply, [orders("delivered", "pending")])


def test_that_something_is_not_there_is_compared_with_what_is() -> None:
    def history(*found: str) -> Evidence:
        items = [{"transaction_id": f"txn_{at}", "description": d} for at, d in enumerate(found)]
        return Evidence("get_transaction_history", "ok", {}, {"transactions": items})

    for reply in ("No salary has come in yet.", "Ihr Gehalt ist noch nicht da."):
        assert not CLAIMS.unsupported(reply, [history("Amazon Purchase")])
        assert CLAIMS.unsupported(reply, [history("Amazon Purchase", "Salary Deposit")])
    for reply in ("There were no transactions.", "Es gab keine Buchungen."):
        assert not CLAIMS.unsupported(reply, [history()])
        assert CLAIMS.unsupported(reply, [history("Amazon Purchase")])


def test_what_a_result_denies_is_no_quotation_of_it() -> None:
    failed = Evidence(
        "send_text_email", "ok", {}, {"status": "failed", "message": "It was not sent."}
    )
    assert CLAIMS.unsupported("The e-mail was sent to you.", [failed])
    queued = {"status": "queued", "message": "The mail is queued and will be sent when it is back."}
    assert CLAIMS.unsupported("The mail was sent.", [Evidence("send_text_email", "ok", {}, queued)])


def test_a_text_that_somebody_wrote_shows_nothing() -> None:
    for body in ("Your refund was sent", "Your refund of $5.00 was sent to you"):
        ticket = {"id": "T1001", "subject": body, "body": body, "status": "open"}
        assert CLAIMS.unsupported(f"{body}.", [Evidence("get_ticket", "ok", {}, ticket)])


def test_a_word_of_a_reply_is_in_the_language_of_the_rest() -> None:
    assert not flagged("Herzlichen Glückwunsch! Wie lautet Ihre neue Adresse?")
    assert flagged("Gratulacje. Zamówienie zostało anulowane wczoraj.", "cancelled")


def test_a_reply_that_is_too_long_is_not_sent() -> None:
    assert CLAIMS.unsupported("a " * MAX_REPLY, [])


@settings(max_examples=40)
@given(st.text(max_size=300), st.booleans())
@example("‹order#0› was cancelled ‹title›", True)
@example("[[r1]] [[r", True)
def test_no_text_is_too_odd(text: str, anything_shown: bool) -> None:
    evidence = list(EVIDENCE.values()) if anything_shown else []
    assert all(one.why for one in CLAIMS.unsupported(text, evidence, [text]))


PIECES = st.sampled_from(
    """I we you your card order O1003 T1 4242 $5 1,000.00 3 March is has been have will not be sent
    cancelled refunded and , ; : ( ) " . ! ? if that who [faq-x] 2026-13-45 10:99 31 February
    99999999999999 € ich habe nicht storniert wenn ‹x› [[r1]]""".split()
)


@settings(max_examples=40)
@given(st.lists(PIECES, max_size=40).map(" ".join))
def test_no_sentence_is_too_odd(text: str) -> None:
    CLAIMS.unsupported(text, list(EVIDENCE.values()), [text])


@settings(max_examples=40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    "id status amount currency cards total balance error details message".split()
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
    CLAIMS.unsupported("Your order O1001 was cancelled; $5.00 arrived on 3 March.", evidence)


def test_what_is_declared_are_tools_and_every_language() -> None:
    tools = {tool.name: tool for group in GROUPS for tool in group.tools}
    assert CLAIMS.declared.tools <= tools.keys()
    said = {(name, language) for language, name, _ in CLAIMS.declared.sentences}
    for name in {NONE, *CLAIMS.declared.acts}:
        assert {language for act, language in said if act == name} == set(grammar()), name
    undeclared = {
        name
        for name, tool in tools.items()
        if tool.risk is not Risk.READ and name not in CLAIMS.declared.tools
    }
    reasons = [name for some in UNTOLD.values() for name in some.split()]
    assert len(reasons) == len(set(reasons))
    assert undeclared == set(reasons)


UNTOLD = {
    "people alone call it, and no model speaks of it to a customer": """
        approve_call deny_call clear_taint erase_customer operate create_customer update_customer
        merge_customers import_customers import_tickets import_articles create_article
        change_article publish_article unpublish_article draft_article record_payment
        answer_ticket add_ticket_note link_tickets mark_spam merge_tickets snooze_ticket
        split_ticket change_tickets save_ticket_view change_ticket_view delete_ticket_view
        handle_ticket retry_incoming_mail switch_notices take_over_conversation
        answer_in_conversation give_back_conversation add_source change_source remove_document
        remove_source set_source_hook sync_source upload_document
        validate_solution_accuracy add_webhook enable_webhook remove_webhook replay_webhook
        test_webhook register_query retire_query""",
    "staff say where tests go, and only they": "allow_test_target remove_test_target",
    "staff alone work on queues and in them": """
        claim_escalation release_escalation finish_escalation set_specialist remove_specialist""",
    "staff alone declare incidents and end them": """
        update_incident resolve_incident add_incident_source remove_incident_source""",
    "staff alone keep products and contacts on record": """
        set_customer_product remove_customer_product save_interaction""",
    "staff and programs alone deal with outside systems": """
        publish_message acknowledge_messages create_topic s3_upload_file s3_download_file
        s3_delete_object lambda_invoke""",
    "a program calls it, not a model": "take_alerts take_collected receive_news",
    "a door calls it, and it is no wish": """
        begin_session delete_session upload_file delete_file call_off_questions""",
}
"""Why no reply to a customer is about them, or is not known to be: reason → tools."""


def test_the_hand_written_cases_are_told_apart() -> None:
    """They were looked at while it was written: see the test split for what it does unseen."""
    wrong: dict[str, list[str]] = {"unsupported": [], "supported": []}
    for label, found in wrong.items():
        for case in CASES[label]:
            shown, said = case.get("after", []), " ".join(case.get("said", []))
            if bool(flagged(case["reply"], *shown, said=said)) != (label == "unsupported"):
                found.append(case["reply"])
    assert len(wrong["unsupported"]) <= 0.07 * len(CASES["unsupported"]), wrong
    assert len(wrong["supported"]) <= 0.05 * len(CASES["supported"]), wrong


def test_the_labelled_replies_are_many_in_six_languages() -> None:
    blind = [one for one in labelled_replies() if one.split == "blind"]
    assert len(blind) >= 300
    assert {one.kind for one in blind} == {"en", "de", "fr", "es", "it", "pt"}
    other = {one.reply for one in labelled_replies() if one.split == "development"}
    assert not other & {one.reply for one in blind}
    learned = {text.casefold().strip(" .!") for _, _, text in CLAIMS.declared.sentences}
    known = [one.id for one in blind if one.reply.casefold().strip(" .!") in learned]
    assert len(known) <= 0.03 * len(blind)  # short ones that the frames happen to make


@pytest.mark.slow
@pytest.mark.parametrize("split", SPLITS)
def test_replies_that_it_was_not_tuned_on_are_told_apart(split: Any) -> None:
    """As docs/decisions/0019 tells; no worse than that."""
    found = measure(split)
    assert found.missed_rate <= MOST[split][0]
    assert found.false_alarm_rate <= MOST[split][1]
    of_kinds = sum(kind.unsupported for kind in found.kinds.values())
    # What is marked is of a language and of a way of being false.
    assert of_kinds == found.unsupported * (2 if "marked" in split else 1)


MOST = {
    "development": (0.02, 0.02),
    "test": (0.05, 0.08),
    "blind": (0.09, 0.04),
    "blind_stranger": (0.04, 0.04),
    "blind_others": (0.06, 0.04),
    "blind_second": (0.09, 0.1),
    "blind_marked_tune": (0.04, 0.01),
    "blind_marked_test": (0.19, 0.21),
}
