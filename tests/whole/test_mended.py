"""Defects that strangers met and that no other test names; see issue 10, "Mend on the way"."""

from __future__ import annotations

import httpx2
import pytest

from deskward.app import Desk
from deskward.entrypoints.application import http_application
from deskward.gate.context import Context
from deskward.security.principals import Kind
from deskward.text.words import words
from tests.agent.talk import Talk
from tests.conftest import CUSTOMER, OTHER, STAFF, Call


@pytest.mark.parametrize(
    "word", ["möchte", "übermorgen", "naïve", "señor", "çözüm", "Привет", "שלום"]
)
def test_no_letter_is_cut_off_a_word(word: str) -> None:
    assert words(f"Ich {word} das") == ["ich", word.lower(), "das"]


async def test_tickets_and_articles_are_found_whatever_their_case(desk: Desk, call: Call) -> None:
    await call("create_ticket", subject="Umzug nach Zürich", body="Neue Straße, bitte.")
    for query in ("ZÜRICH", "zürich", "Zürich"):
        found = (await call("search_tickets", STAFF, query=query)).value["tickets"]
        assert [one["subject"] for one in found] == ["Umzug nach Zürich"]


async def test_transactions_have_a_sign(sqlite_desk: Desk, sqlite_call: Call) -> None:
    told = (await sqlite_call("get_transaction_history", user_id="user_001")).value
    amounts = [one["amount"]["value"] for one in told["transactions"]]
    assert any(amount.startswith("-") for amount in amounts)
    assert any(not amount.startswith("-") for amount in amounts)
    answer = await Talk(sqlite_desk, CUSTOMER).say("show my recent transactions")
    assert "- $89.99" in answer
    assert "+ $3,500.00" in answer


async def test_a_service_that_names_no_customer_is_told_how(sqlite_desk: Desk) -> None:
    key, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.SERVICE, subject_id="website", new=True
    )
    transport = httpx2.ASGITransport(app=http_application(sqlite_desk))
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        body = {"session_id": "s", "message": "What is my account balance?"}
        answer = await client.post("/api/v1/chat", json=body, headers=headers)
    assert "Field required" not in answer.text
    assert "of whom" in answer.text.lower() or "X-User-ID" in answer.text


@pytest.mark.parametrize("asked", ["block my card", "freeze my card", "I lost my card, block it"])
async def test_a_card_is_named_before_anybody_is_asked(sqlite_desk: Desk, asked: str) -> None:
    """After others' texts are read, whoever decides sees which card it is."""
    talk = Talk(sqlite_desk, OTHER)  # who has one card
    await talk.say("How long does a transfer take?")
    await talk.say(asked)
    await talk.say("yes")
    waiting = await sqlite_desk.gate.call("list_approvals", {"status": None}, Context(STAFF, "cli"))
    assert all(one["label"] for one in waiting.value["approvals"])
    done = await sqlite_desk.gate.call("get_account_details", {}, Context(OTHER, "cli"))
    frozen = done.value["cards"][0]["status"] == "frozen"
    assert frozen or waiting.value["approvals"]
