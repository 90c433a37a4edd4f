"""What one is asked before it is done for one, over HTTP: the answer, the stream, the button."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from deskward.app import Desk
from deskward.cli.call import _confirmed
from deskward.gate.context import Context
from deskward.gate.policy.engine import Policy
from deskward.security.principals import Kind
from tests.agent.scripted import ScriptedModel, tool
from tests.conftest import CUSTOMER, recorded
from tests.policies import FILES

CARD = tool("deactivate_card", card="4242")
QUESTION = "Shall I deactivate your card for good (Visa ••4242)? This cannot be undone."
BODY = {"session_id": "s1", "message": "block my card for good"}


def script(desk: Desk, *steps: Any) -> None:
    desk.conversations.agent.model = ScriptedModel(*steps)


async def statuses(desk: Desk) -> list[str]:
    made = await desk.gate.call("get_account_details", {}, Context(CUSTOMER, "cli"))
    return [card["status"] for card in made.value["cards"]]


async def ask(client: httpx2.AsyncClient, **headers: str) -> str:
    response = await client.post("/api/v1/chat", json=BODY, headers=headers)
    body = response.json()
    assert body["message"] == QUESTION
    (asked,) = body["confirmations"]
    assert (asked["question"], asked["tool"]) == (QUESTION, "deactivate_card")
    assert asked["arguments"] == {"card": "**********"}
    return f"/api/v1/sessions/s1/confirmations/{asked['confirmation_id']}"


async def test_a_button_says_yes(client: httpx2.AsyncClient, sqlite_desk: Desk) -> None:
    script(sqlite_desk, [CARD], ["Your card is deactivated."], ["Hello."])
    address = await ask(client)
    response = await client.post(address, json={"answer": True})
    body = response.json()
    assert (response.status_code, body["message"]) == (200, "Your card is deactivated.")
    assert "confirmations" not in body  # as documented, where nothing is asked
    assert await statuses(sqlite_desk) == ["deactivated", "active"]
    again = await client.post(address, json={"answer": True})
    assert (again.status_code, again.json()["error"]) == (409, "CONFLICT")
    history = (await client.get("/api/v1/sessions/s1/history")).json()["messages"]
    assert [line["content"] for line in history] == [
        BODY["message"],
        QUESTION,
        "Yes.",
        "Your card is deactivated.",
    ]


async def test_a_button_says_no(client: httpx2.AsyncClient, sqlite_desk: Desk) -> None:
    script(sqlite_desk, [CARD], ["All right."])
    response = await client.post(await ask(client), json={"answer": False})
    assert response.json()["message"] == "All right."
    assert await statuses(sqlite_desk) == ["active", "active"]
    rows = [r for r in await recorded(sqlite_desk) if r["kind"] == "confirmation"]
    assert [(r["status"], r["how"]) for r in rows] == [("no", "button")]


@pytest.mark.parametrize("answer", ["yes", 1, None])
async def test_only_a_boolean_is_an_answer(
    client: httpx2.AsyncClient, sqlite_desk: Desk, answer: object
) -> None:
    script(sqlite_desk, [CARD])
    response = await client.post(await ask(client), json={"answer": answer})
    assert response.status_code == 400


async def test_nobody_else_answers(client: httpx2.AsyncClient, sqlite_desk: Desk) -> None:
    async def key(kind: Kind, subject: str) -> dict[str, str]:
        made, _ = await sqlite_desk.keys.create(tenant_id="default", kind=kind, subject_id=subject)
        return {"Authorization": f"Bearer {made}"}

    mine = await key(Kind.CUSTOMER, "user_001")
    script(sqlite_desk, [CARD], ["Done."])
    address = await ask(client, **mine)
    for kind, subject in ((Kind.CUSTOMER, "user_002"), (Kind.STAFF, "anna")):
        refused = await client.post(
            address, json={"answer": True}, headers=await key(kind, subject)
        )
        assert (refused.status_code, refused.json()["error"]) == (404, "CONFIRMATION_NOT_FOUND")
    # Somebody who is only vouched for does not answer for who came with a key of their own.
    vouched = {**await key(Kind.SERVICE, "website"), "X-User-ID": "user_001"}
    refused = await client.post(address, json={"answer": True}, headers=vouched)
    assert (refused.status_code, refused.json()["error"]) == (403, "FORBIDDEN")
    elsewhere = address.replace("/s1/", "/s2/")
    refused = await client.post(elsewhere, json={"answer": True}, headers=mine)
    assert refused.status_code == 404
    assert await statuses(sqlite_desk) == ["active", "active"]
    assert (await client.post(address, json={"answer": True}, headers=mine)).status_code == 200


async def test_the_question_is_in_the_stream(client: httpx2.AsyncClient, sqlite_desk: Desk) -> None:
    script(sqlite_desk, [CARD])
    response = await client.post("/api/v1/chat/stream", json=BODY)
    events = [json.loads(b.splitlines()[0][6:]) for b in response.text.split("\n\n") if b]
    needed = next(event for event in events if event["type"] == "confirm_needed")
    assert needed["label"] == "Visa ••4242"
    assert list(needed) == [
        *("type", "id", "tool", "confirmation_id", "question", "arguments", "label"),
        "expires_at",
        "session_id",
    ]
    assert "".join(e["content"] for e in events if e["type"] == "token") == QUESTION


async def test_by_user_id_too(client: httpx2.AsyncClient, sqlite_desk: Desk) -> None:
    script(sqlite_desk, [CARD], ["Done."])
    body = {"user_id": "user_001", "message": "block my card"}
    answer = (await client.post("/api/chat", json=body)).json()
    assert answer["response"] == QUESTION
    assert answer["confirmations"][0]["question"] == QUESTION
    done = (await client.post("/api/chat", json={**body, "message": "yes"})).json()
    assert done == {"response": "Done."}


async def test_a_new_conversation_leaves_what_was_asked_in_the_old_one(
    client: httpx2.AsyncClient, sqlite_desk: Desk
) -> None:
    script(sqlite_desk, [CARD], ["Done."])
    body = {"user_id": "user_001", "message": "block my card"}
    answer = (await client.post("/api/chat", json=body)).json()
    key = answer["confirmations"][0]["confirmation_id"]
    await client.post("/api/reset", json={"user_id": "user_001"})
    late = await client.post(
        f"/api/v1/sessions/user_001-1/confirmations/{key}", json={"answer": True}
    )
    assert late.status_code == 409
    assert await statuses(sqlite_desk) == ["active", "active"]


ALWAYS = '@id("always") forbid (principal, action == Action::"freeze_card", resource)' + (
    " when { !context.confirmed };"
)


async def waiting(client: httpx2.AsyncClient, desk: Desk) -> str:
    """Have a direct call asked about, as an operator's policy may want it."""
    desk.gate.policy = Policy({**FILES, "always.cedar": ALWAYS}, desk.gate.tools.values())
    response = await client.post("/accounts/user_001/cards/freeze", json={"card": "4242"})
    assert (response.status_code, response.json()["status"]) == (202, "confirmation_needed")
    return str(response.json()["confirmation_id"])


async def test_a_call_outside_any_conversation(
    client: httpx2.AsyncClient, sqlite_desk: Desk
) -> None:
    key = await waiting(client, sqlite_desk)
    in_session = f"/api/v1/sessions/s1/confirmations/{key}"
    assert (await client.post(in_session, json={"answer": True})).status_code == 404
    done = await client.post(f"/api/v1/confirmations/{key}", json={"answer": True})
    assert (done.status_code, done.json()["cards"][0]["status"]) == (200, "frozen")
    again = await client.post(f"/api/v1/confirmations/{key}", json={"answer": True})
    assert again.status_code == 409


async def test_a_no_outside_any_conversation(client: httpx2.AsyncClient, sqlite_desk: Desk) -> None:
    key = await waiting(client, sqlite_desk)
    said = await client.post(f"/api/v1/confirmations/{key}", json={"answer": False})
    assert (said.status_code, said.json()["error"]) == (409, "NOT_CONFIRMED")
    assert await statuses(sqlite_desk) == ["active", "active"]


@pytest.mark.parametrize(("said", "status"), [("yes", "ok"), ("sure, but later", "error")])
async def test_at_a_terminal_whoever_sits_there_is_asked(
    client: httpx2.AsyncClient,
    sqlite_desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    status: str,
) -> None:
    sqlite_desk.gate.policy = Policy(
        {**FILES, "always.cedar": ALWAYS}, sqlite_desk.gate.tools.values()
    )
    asked = await sqlite_desk.gate.call("freeze_card", {"card": "4242"}, Context(CUSTOMER, "cli"))
    monkeypatch.setattr("sys.stdin.readline", lambda: f"{said}\n", raising=False)
    assert (await _confirmed(sqlite_desk, CUSTOMER, asked)).status == status
