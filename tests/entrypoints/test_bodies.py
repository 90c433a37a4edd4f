"""Answers on the wire: compressed where they are long, asked for by tag, and whole lines."""

import gzip
import json
import time

import httpx2
import pytest
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message

from deskward.app import Desk
from deskward.cli.ways import ChatOptions, RemoteLine
from deskward.entrypoints.bodies import LONG, Bodies, accepts_gzip
from deskward.security.principals import Kind
from tests.agent.scripted import ScriptedModel
from tests.entrypoints.conftest import client_of

ENDS = "a\u2028b\u2029c\x85d"
SEEN = "a b c d"
"""As an answer says it."""


async def raw(
    client: httpx2.AsyncClient, path: str, **headers: str
) -> tuple[httpx2.Response, bytes]:
    """An answer, and its body as it was on the wire."""
    async with client.stream("GET", path, headers=headers) as answer:
        return answer, b"".join([chunk async for chunk in answer.aiter_raw()])


async def test_the_document_is_compressed_and_not_sent_again(
    client: httpx2.AsyncClient, sqlite_desk: Desk
) -> None:
    answer, sent = await raw(client, "/openapi.json", **{"Accept-Encoding": "br, gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert len(sent) == int(answer.headers["content-length"])
    whole = gzip.decompress(sent)
    assert len(whole) > 500_000
    assert len(whole) > 10 * len(sent)
    plain, sent = await raw(client, "/openapi.json", **{"Accept-Encoding": "identity"})
    assert (sent, "content-encoding" in plain.headers) == (whole, False)
    tag = plain.headers["etag"]
    assert tag == answer.headers["etag"]
    for known in (tag, f'"x", {tag}', tag.removeprefix("W/"), "*"):
        again, sent = await raw(client, "/openapi.json", **{"If-None-Match": known})
        assert (again.status_code, sent, again.headers["etag"]) == (304, b"", tag)
    other, _ = await raw(client, "/openapi.json", **{"If-None-Match": 'W/"x"'})
    assert other.status_code == 200
    await sqlite_desk.keys.create(tenant_id="default", kind=Kind.STAFF, subject_id="anna", new=True)
    changed, _ = await raw(client, "/openapi.json", **{"If-None-Match": tag})
    assert (changed.status_code, changed.headers["etag"] == tag) == (200, False)


async def test_processes_tell_the_same_tag(sqlite_desk: Desk) -> None:
    tags = set()
    for _ in range(2):
        async with client_of(sqlite_desk) as client:
            tags.add((await client.get("/openapi.json")).headers["etag"])
        time.sleep(0.002)
    assert len(tags) == 1


async def test_what_the_pages_load_is_compressed(client: httpx2.AsyncClient) -> None:
    answer, sent = await raw(
        client, "/docs/assets/swagger-ui-bundle.js", **{"Accept-Encoding": "gzip"}
    )
    assert len(gzip.decompress(sent)) > 3 * len(sent)
    again, _ = await raw(
        client, "/docs/assets/swagger-ui-bundle.js", **{"If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304


async def many_tickets(client: httpx2.AsyncClient, count: int = 30) -> None:
    for number in range(count):
        made = await client.post("/tickets", json={"subject": f"Lamp {number}", "body": "x" * 300})
        assert made.status_code == 200, made.text


async def test_a_long_answer_is_compressed_a_short_one_is_not(client: httpx2.AsyncClient) -> None:
    await many_tickets(client)
    plain, whole = await raw(client, "/tickets?limit=20", **{"Accept-Encoding": "identity"})
    assert len(whole) > LONG
    assert plain.headers["vary"] == "Accept-Encoding"
    lengths = set()
    for _ in range(20):
        answer, sent = await raw(client, "/tickets?limit=20", **{"Accept-Encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert int(answer.headers["content-length"]) == len(sent) < len(whole) / 3
        assert gzip.decompress(sent) == whole
        lengths.add(len(sent))
    assert len(lengths) > 5  # what is in it cannot be told from one byte more or less
    short, _ = await raw(client, "/tickets/T1001", **{"Accept-Encoding": "gzip"})
    assert "content-encoding" not in short.headers
    head = await client.head("/tickets?limit=20", headers={"Accept-Encoding": "gzip"})
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("more", [{}, {"content-encoding": "gzip"}, {"content-type": "image/png"}])
async def test_only_json_is_touched(more: dict[str, str]) -> None:
    sent = b'{"a": "\xc2\x85"}'
    response = Response(sent, headers={"content-type": "application/json", **more})
    messages = []

    async def send(message: Message) -> None:
        messages.append(message)

    async def receive() -> Message:
        raise AssertionError

    scope = {"type": "http", "method": "GET", "headers": []}
    await Bodies(response)(scope, receive, send)
    assert messages[1]["body"] == (sent if more else b'{"a": "\\u0085"}')
    assert dict(messages[0]["headers"])[b"content-length"] == b"%d" % len(messages[1]["body"])


async def test_a_stream_is_not_compressed(client: httpx2.AsyncClient, sqlite_desk: Desk) -> None:
    sqlite_desk.conversations.agent.model = ScriptedModel(["word " * 3000])
    body = {"session_id": "s", "message": "Hello"}
    answer = await client.post("/api/v1/chat/stream", json=body)
    assert len(answer.content) > LONG
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("told", "takes"),
    [
        ("gzip", True),
        ("GZIP;q=0.5", True),
        ("br, deflate , gzip", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("identity", False),
        ("", False),
    ],
)
def test_who_takes_gzip(told: str, takes: bool) -> None:
    assert accepts_gzip(Headers({"accept-encoding": told})) is takes


# ---- Lines ------------------------------------------------------------------------------------


async def test_no_answer_is_split_by_a_naive_reader(
    client: httpx2.AsyncClient, sqlite_desk: Desk
) -> None:
    sqlite_desk.conversations.agent.model = ScriptedModel([f"Look: {ENDS}"], [f"Look: {ENDS}"])
    body = {"session_id": "s", "message": "Hello"}
    stream = await client.post("/api/v1/chat/stream", json=body)
    events = [json.loads(x[6:]) for x in stream.text.splitlines() if x.startswith("data: ")]
    assert "".join(e.get("content", "") for e in events) == f"Look: {SEEN}"
    assert events[-1]["type"] == "done"
    answer = await client.post("/api/v1/chat", json=body)
    assert answer.json()["message"] == f"Look: {SEEN}"
    ticket = await client.post("/tickets", json={"subject": "Lines", "body": ENDS})
    shown = await client.get(f"/tickets/{ticket.json()['ticket_id']}")
    assert ENDS in shown.json()["body"]
    history = await client.get("/api/v1/sessions/s/history")
    unknown = await client.get(f"/nowhere/{ENDS}")
    for each in (answer, ticket, shown, history, unknown):
        assert len(each.text.splitlines()) == 1
        assert int(each.headers["content-length"]) == len(each.content)


async def test_our_own_client_is_not_split_by_what_a_desk_sends() -> None:
    token = {"type": "token", "content": ENDS, "session_id": "s"}
    done = {"type": "done", "session_id": "s", "message_count": 2}
    sent = "".join(f"data: {json.dumps(e, ensure_ascii=False)}\nid: x\n\n" for e in (token, done))

    def serve(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=sent.encode())

    options = ChatOptions(
        once=None,
        user="user_001",
        tenant=None,
        session=None,
        json=False,
        url="http://desk",
        key=None,
        demo=False,
    )
    transport = httpx2.MockTransport(serve)
    async with httpx2.AsyncClient(transport=transport, base_url="http://desk") as http:
        line = RemoteLine(http, options)
        assert [event async for event in line.send("user_001", "s", "Hello")] == [token, done]
