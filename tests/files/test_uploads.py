"""Uploads: who may is asked before a byte is read; there is an end to how much, and how long."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from deskward.agent.model import Model
from deskward.app import Desk, open_desk
from deskward.core import database
from deskward.core.settings import Settings
from deskward.entrypoints.application import http_application
from deskward.gate.context import Context
from deskward.gate.outcome import Outcome
from deskward.security.principals import Kind, Principal
from tests.conftest import AUDITOR, CUSTOMER, OTHER, STAFF, recorded

MB = 1_000_000
UPLOAD = "/api/v1/files"


@pytest.fixture
async def small(settings: Settings, offline: Model) -> AsyncIterator[Desk]:
    """A desk that keeps two megabytes of each, and three of all."""
    few = settings.changed(upload_quota_mb=2, upload_tenant_quota_mb=3, upload_days=1)
    async with open_desk(few, model=offline, chat=False) as desk:
        yield desk


async def upload(desk: Desk, who: Principal = CUSTOMER, size: int = MB) -> Outcome:
    context = Context(who, "rest", carried=b"x" * size)
    return await desk.gate.act("upload_file", {"name": "a.txt", "sha256": "0" * 64}, context)


def code(outcome: Outcome) -> str:
    return str(outcome.value["error"]["code"]) if outcome.error else outcome.status


async def test_nobody_keeps_more_than_their_share(small: Desk) -> None:
    assert [code(await upload(small)) for _ in range(3)] == ["ok", "ok", "QUOTA_EXCEEDED"]
    assert [code(await upload(small, OTHER)) for _ in range(2)] == ["ok", "QUOTA_EXCEEDED"]
    foreign = Principal(Kind.CUSTOMER, "user_001", "acme", ("customer",))
    assert code(await upload(small, foreign)) == "ok"
    statuses = [(row["tool"], row["status"]) for row in await recorded(small)]
    assert statuses == [("upload_file", status) for status in ("ok", "ok", "error", "ok", "error")]


async def test_what_is_deleted_leaves_room(small: Desk) -> None:
    kept = [(await upload(small)).value["file_id"] for _ in range(2)]
    call = small.gate.call
    stolen = await call("delete_file", {"file_id": kept[0]}, Context(OTHER, "rest"))
    assert code(stolen) == "FILE_NOT_FOUND"
    assert code(await call("delete_file", {"file_id": kept[0]}, Context(CUSTOMER, "rest"))) == "ok"
    assert code(await upload(small)) == "ok"
    listed = (await call("list_files", {}, Context(CUSTOMER, "rest"))).value
    assert (len(listed["files"]), listed["size"]) == (2, 2 * MB)


async def test_files_are_kept_for_their_time(small: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    first = (await upload(small)).value["file_id"]
    moved = database.now() + timedelta(days=1)
    monkeypatch.setattr(database, "clock", lambda: moved)
    second = (await upload(small)).value["file_id"]
    listed = (await small.gate.call("list_files", {}, Context(CUSTOMER, "rest"))).value
    assert [file["file_id"] for file in listed["files"]] == [second] != [first]


async def test_what_is_kept_no_longer_is_attached_no_longer(
    small: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = (await upload(small, STAFF, size=10)).value["file_id"]
    mail = {"to": ["alice@example.com"], "subject": "s", "body": "b", "attachments": [made]}
    call = small.gate.call
    sent = await call("send_email_with_attachments", mail, Context(STAFF, "rest"))
    assert sent.status == "ok", sent.value
    moved = database.now() + timedelta(days=1)
    monkeypatch.setattr(database, "clock", lambda: moved)
    late = await call("send_email_with_attachments", mail, Context(STAFF, "rest"))
    assert code(late) == "FILE_NOT_FOUND"
    listed = (await call("list_files", {}, Context(STAFF, "rest"))).value
    assert listed["files"] == []


async def test_nobody_is_offered_what_only_doors_do(sqlite_desk: Desk) -> None:
    for name in ("upload_file", "delete_session", "begin_session"):
        for who in (CUSTOMER, OTHER):
            assert name not in {tool.name for tool in sqlite_desk.gate.tools_for(who)}
            outcome = await sqlite_desk.gate.call(name, {"session_id": "s"}, Context(who, "mcp"))
            assert code(outcome) == "UNKNOWN_TOOL"


async def post(desk: Desk, headers: dict[str, str]) -> tuple[int, bool]:
    """The status of an upload, and whether anything of its body was read."""
    read = False

    async def receive() -> dict[str, Any]:
        nonlocal read
        read = True
        return {"type": "http.request", "body": b"x" * MB, "more_body": True}

    statuses: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    given = {"host": "localhost", "content-type": "multipart/form-data; boundary=x", **headers}
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": UPLOAD,
        "raw_path": UPLOAD.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 4711),
        "server": ("localhost", 80),
        "transfer-encoding": "chunked",
    }
    await http_application(desk)(scope, receive, send)
    return statuses[0], read


async def test_who_uploads_is_asked_before_a_byte_is_read(sqlite_desk: Desk) -> None:
    key, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.STAFF, subject_id="otto", roles=("auditor",)
    )
    chunked = {"transfer-encoding": "chunked"}
    assert await post(sqlite_desk, chunked) == (401, False)
    assert await post(sqlite_desk, {**chunked, "x-api-key": "dw_00000000_x"}) == (401, False)
    assert await post(sqlite_desk, {**chunked, "x-api-key": key}) == (403, False)
    assert "files:write" not in sqlite_desk.gate.policy.roles.scopes(AUDITOR.roles)
    other, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.CUSTOMER, subject_id="user_001"
    )
    status, read = await post(sqlite_desk, {**chunked, "x-api-key": other})
    assert (status, read) == (413, True)  # it sends without end


async def test_an_upload_over_http_leaves_its_row(sqlite_desk: Desk) -> None:
    transport = httpx2.ASGITransport(app=http_application(sqlite_desk))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        done = await client.post(UPLOAD, files={"file": ("notes.txt", b"hello")})
        assert (done.status_code, done.json()["size"]) == (200, 5)
        assert (await client.get("/files")).json()["size"] == 5
        gone = await client.delete(f"/files/{done.json()['file_id']}")
        assert gone.status_code == 200
    tools = [row["tool"] for row in await recorded(sqlite_desk)]
    assert tools == ["upload_file", "list_files", "delete_file"]
