"""A body may be the one object that a tool takes, and errors say what is wanted in plain words."""

from __future__ import annotations

import httpx2
import pytest

from deskward.app import Desk
from deskward.entrypoints.application import http_application
from tests.conftest import STAFF


@pytest.mark.parametrize(
    "body",
    [
        {"update": {"priority": "high"}},
        {"priority": "high"},
        {"ticket_id": "T902", "priority": "high"},
    ],
)
async def test_a_patch_takes_the_plain_body_too(sqlite_desk: Desk, body: dict[str, object]) -> None:
    async with client(sqlite_desk) as http:
        answer = await http.patch("/tickets/T902", json=body, headers=await staff(sqlite_desk))
    assert answer.status_code == 200, answer.text
    assert answer.json()["ticket"]["priority"] == "high"


async def test_a_slip_in_a_plain_body_is_named(sqlite_desk: Desk) -> None:
    async with client(sqlite_desk) as http:
        headers = await staff(sqlite_desk)
        answer = await http.patch("/tickets/T902", json={"prio": "high"}, headers=headers)
    assert answer.status_code in (400, 422)
    assert "prio" in answer.text


async def test_no_regular_expression_is_an_error_message(sqlite_desk: Desk) -> None:
    async with client(sqlite_desk) as http:
        headers = await staff(sqlite_desk)
        wrong = await http.get("/orders/1001x", headers=headers)
        chat = {"session_id": "with space", "message": "hello"}
        said = await http.post("/api/v1/chat", json=chat, headers=headers)
    assert "not of the form that is wanted, which is that of O1001" in wrong.text
    for text in (wrong.text, said.text):
        assert "pattern" not in text
        assert "^" not in text


def client(desk: Desk) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=http_application(desk))
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost")


async def staff(desk: Desk) -> dict[str, str]:
    key, _ = await desk.keys.create(
        tenant_id="default", kind=STAFF.kind, subject_id="anna", roles=STAFF.roles, new=True
    )
    return {"Authorization": f"Bearer {key}"}
