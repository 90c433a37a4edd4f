"""The customer is asked through their MCP client, in both eras, and no model answers for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult

from deskward.app import Desk
from deskward.security.principals import Kind
from tests.conftest import recorded
from tests.entrypoints.conftest import client_of
from tests.entrypoints.mcp.test_mcp import Connect, connect, headers, modern

__all__ = ["connect"]

CARD = {"card": "4242"}
NEEDED = "confirmation_needed"
ERAS = ["legacy", "2026-07-28"]

Handler = Callable[..., Awaitable[Any]]


def answering(answer: Any, asked: list[str]) -> Handler:
    async def handler(message: str, *_: Any) -> Any:
        asked.append(message)
        return answer

    return handler


def answering_with(answers: Sequence[Any]) -> Handler:
    waiting = list(answers)

    async def handler(*_: Any) -> Any:
        return waiting.pop(0)

    return handler


def asking(client: Client[Any], handler: Handler) -> Client[Any]:
    client.set_elicitation_callback(handler)
    return client


@pytest.mark.slow
async def test_the_customer_says_yes_in_their_client(connect: Connect) -> None:
    asked: list[str] = []
    yes = ElicitResult(action="accept", content={"confirm": True})
    for era, card in zip(ERAS, ("4242", "4444"), strict=True):
        async with asking(connect(era), answering(yes, asked)) as client:
            done = await client.call_tool("deactivate_card", {"card": card})
            assert done.structured_content["card"]["status"] == "deactivated"
    assert asked[0] == (
        "Shall I deactivate your card for good (Visa ••4242)? This cannot be undone."
    )


NO = [
    ElicitResult(action="decline"),
    ElicitResult(action="accept", content={"confirm": False}),
]


@pytest.mark.slow
async def test_everything_else_is_no_yes(connect: Connect) -> None:
    for era in ERAS:
        async with asking(connect(era), answering_with(NO)) as client:
            for _ in NO:
                refused = await client.call_tool("deactivate_card", CARD, raise_on_error=False)
                assert "NOT_CONFIRMED" in refused.content[0].text
            account = await client.call_tool("get_account_details", {})
            assert {card["status"] for card in account.structured_content["cards"]} == {"active"}


@pytest.mark.slow
async def test_a_client_that_cannot_ask_is_told_how(connect: Connect) -> None:
    for era in ERAS:
        async with connect(era) as client:
            waits = await client.call_tool("deactivate_card", CARD)
            assert waits.structured_content["status"] == NEEDED
            # Whatever its model calls then is another call, which waits as well.
            again = {**CARD, "confirmed": True, "confirm": True}
            refused = await client.call_tool("deactivate_card", again, raise_on_error=False)
            assert "INVALID_INPUT" in refused.content[0].text
            once_more = await client.call_tool("deactivate_card", CARD)
            assert once_more.structured_content["status"] == NEEDED


async def call(
    desk: Desk,
    params: dict[str, Any],
    *,
    can_ask: bool = True,
    more: dict[str, str] | None = None,
) -> Any:
    meta: dict[str, Any] = {
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}} if can_ask else {}
    }
    body = modern("tools/call", {"name": "deactivate_card", **params}, meta)
    async with client_of(desk) as client:
        response = await client.post(
            "/mcp", json=body, headers={**headers("tools/call", "deactivate_card"), **(more or {})}
        )
    return response.json()["result"]


def answered(state: str, **content: Any) -> dict[str, Any]:
    return {
        "requestState": state,
        "inputResponses": {"confirm": {"action": "accept", "content": content}},
    }


async def test_an_answer_counts_for_the_call_that_was_asked_about_and_once(
    sqlite_desk: Desk,
) -> None:
    asked = await call(sqlite_desk, {"arguments": CARD})
    assert asked["resultType"] == "input_required"
    state = asked["requestState"]
    other = await call(
        sqlite_desk, {"arguments": {"card": "4444"}, **answered(state, confirm=True)}
    )
    assert "CONFIRMATION_VOID" in other["content"][0]["text"]
    forged = await call(sqlite_desk, {"arguments": CARD, **answered("0" * 32, confirm=True)})
    assert "CONFIRMATION_NOT_FOUND" in forged["content"][0]["text"]
    done = await call(sqlite_desk, {"arguments": CARD, **answered(state, confirm=True)})
    assert done["structuredContent"]["card"]["status"] == "deactivated"
    twice = await call(sqlite_desk, {"arguments": CARD, **answered(state, confirm=True)})
    assert twice["isError"]
    rows = [r for r in await recorded(sqlite_desk) if r["kind"] == "confirmation"]
    assert [(r["status"], r["how"]) for r in rows] == [("yes", "elicitation")]


async def test_an_answer_that_nobody_asked_for_is_no_answer(sqlite_desk: Desk) -> None:
    """Of a client that cannot ask, and of a service that speaks for a customer."""
    asked = await call(sqlite_desk, {"arguments": CARD})
    yes = answered(asked["requestState"], confirm=True)
    said = await call(sqlite_desk, {"arguments": CARD, **yes}, can_ask=False)
    assert said["structuredContent"]["status"] == NEEDED
    key, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.SERVICE, subject_id="website"
    )
    as_service = {"Authorization": f"Bearer {key}", "X-User-ID": "user_001"}
    said = await call(sqlite_desk, {"arguments": CARD, **yes}, more=as_service)
    assert said.get("structuredContent", {}).get("status") == NEEDED


async def test_who_closes_the_question_is_given_the_receipt(sqlite_desk: Desk) -> None:
    asked = await call(sqlite_desk, {"arguments": CARD})
    closed = {
        "requestState": asked["requestState"],
        "inputResponses": {"confirm": {"action": "cancel"}},
    }
    waits = await call(sqlite_desk, {"arguments": CARD, **closed})
    assert waits["structuredContent"]["confirmation_id"] == asked["requestState"]


async def test_a_client_can_ask_for_more_care(sqlite_desk: Desk) -> None:
    meta = {"deskward/unsure": True}
    body = modern("tools/call", {"name": "freeze_card", "arguments": CARD}, meta)
    async with client_of(sqlite_desk) as client:
        response = await client.post(
            "/mcp", json=body, headers=headers("tools/call", "freeze_card")
        )
    assert response.json()["result"]["structuredContent"]["status"] == NEEDED
