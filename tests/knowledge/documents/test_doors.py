"""The doors of documents: uploads, and webhooks that have a source read again."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deskward.app import Desk
from deskward.core.database import now
from deskward.entrypoints.application import http_application
from deskward.security.hook_signatures import signed
from deskward.security.principals import Kind
from tests.conftest import Call, recorded
from tests.knowledge.documents.conftest import CHIEF, Sync, documents_of, settled, syncer, write

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwsr"


@pytest.fixture
async def client(sqlite_desk: Desk) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the desk, with the key of a member of staff of tier 2."""
    key, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.STAFF, subject_id="emil", roles=("support-2",)
    )
    transport = httpx2.ASGITransport(app=http_application(sqlite_desk))
    headers = {"authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://localhost", headers=headers
    ) as made:
        yield made


async def upload(client: httpx2.AsyncClient, name: str, data: bytes, **more: Any) -> Any:
    path = "/api/v1/knowledge/documents"
    return await client.post(path, files={"file": (name, data)}, data=more)


async def test_a_document_is_uploaded_and_replaced(
    client: httpx2.AsyncClient, sqlite_desk: Desk, sqlite_call: Call
) -> None:
    answer = await upload(client, "a/setup.md", b"# Setup\n\nPlug it in.", audience="customer",
                          tags="net, lan", versions="2.x")  # fmt: skip
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["title"], told["audience"], told["passages"]) == ("Setup", "customer", 1)
    again = (await upload(client, "setup.md", b"# Setup\n\nPlug it in.", audience="customer",
                          tags="net, lan", versions="2.x")).json()  # fmt: skip
    assert (again["document_id"], again["changed"]) == (told["document_id"], False)
    other = (await upload(client, "setup.md", b"# Setup\n\nPull it out.")).json()
    assert (other["document_id"], other["changed"]) == (told["document_id"], True)
    assert other["audience"] == "staff"
    (shown,) = (await documents_of(sqlite_call, "uploads")).values()
    assert (shown["path"], shown["audience"]) == ("setup.md", "staff")
    removed = await client.delete(f"/knowledge/documents/{told['document_id']}")
    assert removed.status_code == 200
    assert await documents_of(sqlite_call, "uploads") == {}
    assert "upload_document" in {row["tool"] for row in await recorded(sqlite_desk)}


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("a.exe", b"MZ", "not read. Types"),
        ("a.pdf", b"hello", "its content is none"),
        ("a.md", b"\xff\xfe\xff", "not valid"),
        ("a.docx", b"PK\x03\x04", "damaged"),
        ("a.md", b"", "empty"),
    ],
)
async def test_what_is_not_taken(
    client: httpx2.AsyncClient, name: str, data: bytes, problem: str
) -> None:
    answer = await upload(client, name, data)
    assert answer.status_code == (400 if name == "a.exe" else 409), answer.text
    assert problem in answer.json()["message"]


async def test_who_may_upload_and_how_much(client: httpx2.AsyncClient, sqlite_desk: Desk) -> None:
    large = await upload(client, "a.md", b"x" * 33_000_000)
    assert large.status_code == 413
    customers = await client.post(
        "/api/v1/knowledge/documents", files={"file": ("a.md", b"# A\n\nB")},
        headers={"authorization": "Bearer dw_00000000_nobody"},
    )  # fmt: skip
    assert customers.status_code == 401
    odd = await upload(client, "a.md", b"# A\n\nB", audience="everybody")
    assert odd.status_code == 400
    json = await client.post("/api/v1/knowledge/documents", json={})
    assert json.status_code == 415


async def test_a_signed_request_has_the_source_read_again(
    client: httpx2.AsyncClient, sqlite_desk: Desk, sqlite_call: Call, tmp_path: Path
) -> None:
    sync: Sync = syncer(sqlite_desk, sqlite_call)
    write(tmp_path / "docs", a_md="# A\n\nOne.")
    source = await sync(kind="folder", location=str(tmp_path / "docs"))
    named = source["source_id"]
    path, body = f"/hooks/knowledge/{named}", b'{"ref": "refs/heads/main"}'
    raw = base64.b64decode(SECRET.removeprefix("whsec_"))
    moment = int(now().timestamp())
    good = signed(raw, "msg_1", moment, body)
    assert (await client.post(path, content=body, headers=good)).status_code == 401  # none is set
    await sqlite_call("set_source_hook", CHIEF, source_id=named, secret=SECRET)
    bad = [
        signed(raw, "msg_1", moment - 3600, body),
        {**good, "webhook-timestamp": str(moment + 1)},
        signed(b"x" * 24, "msg_1", moment, body),
        {"webhook-id": "msg_1"},
        {"x-hub-signature-256": "sha256=00"},
        {},
    ]
    for headers in bad:
        assert (await client.post(path, content=body, headers=headers)).status_code == 401
    unknown = await client.post(f"/hooks/knowledge/{'0' * 32}", content=body, headers=good)
    assert unknown.status_code == 401
    write(tmp_path / "docs", b_md="# B\n\nTwo.")
    told = await client.post(path, content=body, headers=good)
    assert told.status_code == 200, told.text
    assert (await settled(sqlite_desk, sqlite_call, named))["ready"] == 2
    write(tmp_path / "docs", c_md="# C\n\nThree.")
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    hosts = {"x-hub-signature-256": f"sha256={digest}"}
    assert (await client.post(path, content=body, headers=hosts)).status_code == 200
    assert (await settled(sqlite_desk, sqlite_call, named))["ready"] == 3
    rows = await recorded(sqlite_desk)
    assert [row["by"] for row in rows if row["tool"] == "sync_source"][-1] == "service:source-hook"
