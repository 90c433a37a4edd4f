"""Chat by user id, and files."""

import httpx2
import pytest

from deskward.app import Desk
from deskward.security.principals import Kind

BALANCE = "Your current account balance is $5,420.50."


async def chat(client: httpx2.AsyncClient, user: str, message: str, **more: str) -> dict:
    body = {"user_id": user, "message": message}
    response = await client.post("/api/chat", json=body, headers=more)
    assert response.status_code == 200, response.text
    answer: dict = response.json()
    return answer


async def test_the_addresses_of_the_document(client: httpx2.AsyncClient) -> None:
    assert await chat(client, "user_001", "What's my account balance?") == {"response": BALANCE}
    assert (await chat(client, "user_002", "hello"))["response"]
    history = (await client.get("/api/history/user_001")).json()
    assert list(history) == ["user_id", "session_id", "message_count", "messages"]
    assert [m["content"] for m in history["messages"]] == ["What's my account balance?", BALANCE]
    reset = (await client.post("/api/reset", json={"user_id": "user_001"})).json()
    assert reset == {
        "message": "Conversation reset",
        "user_id": "user_001",
        "session_id": "user_001-2",
    }
    assert (await client.get("/api/history/user_001")).json()["messages"] == []
    assert (await client.get("/api/history/user_002")).json()["message_count"] == 2
    again = (await client.post("/api/reset", json={"user_id": "user_001"})).json()
    assert again["session_id"] == "user_001-2"  # which is empty
    await chat(client, "user_001", "hello")
    listed = (await client.get("/api/v1/sessions")).json()
    assert [s["session_id"] for s in listed["sessions"]] == ["user_001-2", "user_001-1"]


async def test_switching_the_user_tells_who_it_is(client: httpx2.AsyncClient) -> None:
    answer = (await client.put("/api/user/user_002")).json()
    assert answer["message"] == "Switched to user: user_002"
    assert (answer["user_id"], answer["session_id"]) == ("user_002", "user_002-1")
    assert answer["name"]
    assert (await client.put("/api/user/nobody")).status_code == 401
    assert (await client.get("/api/history/a%20b")).status_code == 400


async def test_nobody_speaks_for_another(client: httpx2.AsyncClient, sqlite_desk: Desk) -> None:
    async def key(kind: Kind, subject: str) -> dict[str, str]:
        made, _ = await sqlite_desk.keys.create(
            tenant_id="default", kind=kind, subject_id=subject, new=True
        )
        return {"Authorization": f"Bearer {made}"}

    customer, service = await key(Kind.CUSTOMER, "user_001"), await key(Kind.SERVICE, "website")
    assert await chat(client, "user_001", "my balance", **customer)
    assert await chat(client, "user_002", "my balance", **service)
    body = {"user_id": "user_002", "message": "my balance"}
    assert (await client.post("/api/chat", json=body, headers=customer)).status_code == 403
    for path in ("/api/history/user_002", "/api/user/user_002"):
        method = "GET" if "history" in path else "PUT"
        assert (await client.request(method, path, headers=customer)).status_code == 403
    assert (await client.post("/api/chat", json=body)).status_code == 401
    other = {**service, "X-User-ID": "user_001"}
    assert (await client.post("/api/chat", json=body, headers=other)).status_code == 400


async def test_a_repeated_message_is_answered_once(client: httpx2.AsyncClient) -> None:
    key = {"Idempotency-Key": "k"}
    first = await chat(client, "user_001", "Report a bug: the app crashed today", **key)
    assert await chat(client, "user_001", "Report a bug: the app crashed today", **key) == first
    assert (await client.get("/api/history/user_001")).json()["message_count"] == 2


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("invoice.pdf", b"%PDF-1.7", 200),
        ("notes.TXT", b"hello", 200),
        ("../../etc/notes.txt", b"hello", 200),
        ("invoice.pdf", b"no pdf", 400),
        ("program.exe", b"MZ", 400),
        ("page.html", b"<script>", 400),
        ("noending", b"x", 400),
        ("empty.txt", b"", 400),
        ("x" * 300 + ".txt", b"x", 400),
        ("large.txt", b"x" * 10_000_001, 400),
        ("huge.txt", b"x" * 10_100_000, 413),
    ],
)
async def test_files_are_taken_by_what_they_are(
    client: httpx2.AsyncClient, name: str, content: bytes, status: int
) -> None:
    response = await client.post("/api/v1/files", files={"file": (name, content)})
    assert response.status_code == status, response.text
    if status == 200:
        stored = response.json()
        assert stored["name"] == name.rpartition("/")[2]
        assert stored["size"] == len(content)
        assert len(stored["file_id"]) == 32


async def test_an_upload_is_a_form_with_a_file(client: httpx2.AsyncClient) -> None:
    response = await client.post("/api/v1/files", json={"file": "x"})
    assert (response.status_code, response.json()["error"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    response = await client.post("/api/v1/files", files={"other": ("a.txt", b"x")})
    assert response.status_code == 400
