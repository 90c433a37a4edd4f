"""Erasing a customer: no byte of theirs is left, and the ledger's chain verifies."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core.database import metadata, now
from deskward.core.jobs import jobs
from deskward.core.personal import IMPERSONAL, TEXT, check_declared
from deskward.customers.erasure import erase
from deskward.customers.models import Customer, customers
from deskward.gate.ledger.verify import verify
from deskward.security.principals import Kind, Principal
from deskward.tickets import service as tickets
from tests.agent.talk import Talk
from tests.conftest import STAFF, Call, recorded
from tests.services.server import server

LEAD = Principal(Kind.STAFF, "lena", "default", ("support-3",))
CHIEF = Principal(Kind.STAFF, "carl", "default", ("support-3",))

WORDS = "The purple teapot leaks since Whitsun."


async def lived(desk: Desk, call: Call) -> None:
    """Leave traces of user_001 everywhere."""
    talk = Talk(desk)
    await talk.say("What is my balance?")
    await talk.say("change my address to 77 Zinnia Avenue, Dover, DE 19901")
    await talk.say(f"I want to report an issue: {WORDS}")
    opened = await call("create_ticket", subject=WORDS, body=WORDS, key="k1")
    await call("register_complaint", description=WORDS)
    await call("get_ticket", STAFF, ticket_id=opened.value["ticket_id"])
    await call("create_ticket", STAFF, customer_id="user_001", subject=WORDS, body=WORDS, key="k2")
    await call("send_text_email", STAFF, to="alex.morgan@example.com", subject="Hi", body=WORDS)
    await call("update_address", STAFF, user_id="user_001", new_address="78 Zinnia Avenue, Dover")
    await call("refund_order", STAFF, order_id="O1001", amount="1.00", reason=WORDS)
    helper = Talk(desk, STAFF, "desk")
    await helper.say("What is the status of ticket T1001?")


async def erased(desk: Desk, call: Call) -> None:
    asked = await call("erase_customer", LEAD, customer_id="user_001", reason="by letter")
    assert asked.status == "pending"
    decided = await call("approve_call", CHIEF, approval_id=asked.value["approval_id"])
    assert decided.status == "ok", decided.value
    async with asyncio.timeout(30):
        while await desk.database.reader.first(sa.select(jobs)) is not None:
            await asyncio.sleep(0.05)


TRACES = [
    *("Alex Morgan", "alex.morgan@example.com", "+1 555 010 0001", "12 Garden Street"),
    *("Zinnia", "purple teapot", "user_001"),
]


async def test_nothing_is_left_in_any_table(desk: Desk, call: Call) -> None:
    await lived(desk, call)
    before = len(await recorded(desk))
    await erased(desk, call)
    for table in metadata.sorted_tables:
        rows = await desk.database.reader.all(sa.select(table))
        of_acme = [row for row in rows if getattr(row, "tenant_id", "") != "acme"]
        text = json.dumps([tuple(row) for row in of_acme], default=str)
        assert [trace for trace in TRACES if trace in text] == [], table.name
    book = await recorded(desk)
    assert len(book) > before
    assert all(row.get("erased") for row in book if row.get("by") == "customer")
    assert (await verify(desk.database)).sound
    assert (await call("get_account_balance")).error is not None


async def test_no_byte_is_left_in_files_and_logs(sqlite_desk: Desk, sqlite_call: Call) -> None:
    await lived(sqlite_desk, sqlite_call)
    await erased(sqlite_desk, sqlite_call)
    folder = Path(sqlite_desk.settings.data_dir)
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert any(file.name == "deskward.db" for file in files)
    for file in files:
        data = file.read_bytes()
        found = [trace for trace in TRACES[:-1] if trace.encode() in data]
        assert found == [], file.name


async def test_others_keep_what_is_theirs(desk: Desk, call: Call) -> None:
    other = Principal(Kind.CUSTOMER, "user_002", "default", ("customer",))
    before = (await call("get_account_details", other)).value
    history = (await call("get_transaction_history", other)).value["transactions"]
    await lived(desk, call)
    await erased(desk, call)
    assert (await call("get_account_details", other)).value == before
    after = (await call("get_transaction_history", other)).value["transactions"]
    assert len(after) == len(history)
    assert "Transfer from [erased]" in json.dumps(after)
    rows = [row for row in await recorded(desk) if row.get("tool") == "get_account_details"]
    assert [row["result"]["name"] for row in rows if not row.get("erased")] == ["Sam Rivera"] * 2
    foreign = Principal(Kind.CUSTOMER, "user_001", "acme", ("customer",))
    assert (await call("get_account_details", foreign)).value["name"] == "Chris Weber"


def test_a_text_column_that_says_nothing_is_an_error_at_start() -> None:
    check_declared(metadata.sorted_tables)
    found = sa.MetaData()
    tenant = sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL)
    silent = sa.Table("silent", found, tenant, sa.Column("note", sa.Text))
    homeless = sa.Table("homeless", found, sa.Column("note", sa.Text, info=TEXT))
    with pytest.raises(ValueError, match=r"silent\.note does not declare"):
        check_declared([silent])
    with pytest.raises(ValueError, match="of no tenant"):
        check_declared([homeless])


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_no_byte_is_left_of_a_served_desk_and_its_logs(tmp_path: Path) -> None:
    talked = [
        "What is my balance?",
        "change my address to 77 Zinnia Avenue, Dover, DE 19901",
        f"I want to report an issue: {WORDS}",
    ]
    log = str(tmp_path / "app.log")
    async with (
        server(tmp_path, level="DEBUG", LOG_FILE_PATH=log) as (url, _),
        httpx2.AsyncClient(base_url=url, timeout=30) as client,
    ):
        for text in talked:
            body = {"session_id": "alex.morgan@example.com", "message": text}
            answer = await client.post("/api/v1/chat", json=body)
            assert answer.status_code == 200
        assert (await client.get("/accounts/user_001")).json()["name"] == "Alex Morgan"
        await client.get("/faq/search", params={"q": WORDS})
        customer = ["call", "erase_customer", "customer_id=user_001", "reason=by letter"]
        asked = await run_command(tmp_path, *customer, "--staff", "lena", "--role", "support-3")
        approval = json.loads(asked)["approval_id"]
        done = await run_command(tmp_path, "approvals", "approve", approval)
        assert "done: the customer was erased" in done
        assert (await client.get("/accounts/user_001")).status_code in (401, 404)
    assert "sound" in await run_command(tmp_path, "ledger", "verify")
    for file in tmp_path.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            traces = TRACES if file == Path(log) else TRACES[:-1]
            assert [trace for trace in traces if trace.encode() in data] == [], file.name
    assert "/api/v1/chat" in Path(log).read_text(encoding="utf-8")


async def run_command(folder: Path, *words: str) -> str:
    def run() -> str:
        environment = {**os.environ, "DATA_DIR": str(folder), "LOG_TO_FILE": "false"}
        done = subprocess.run(
            [sys.executable, "-m", "deskward", *words],
            capture_output=True,
            text=True,
            env=environment,
            cwd=folder,
        )
        assert done.returncode in (0, 3), done.stderr
        return done.stdout

    return await asyncio.to_thread(run)


@pytest.mark.parametrize("name", ["Zoë-ñ", 'a "b" \\ c', "客户", "x" * 64])
async def test_rows_that_name_a_customer_in_any_letters_go_with_them(
    sqlite_desk: Desk, sqlite_call: Call, name: str
) -> None:
    told = {"name": "Zoë", "email": "z@example.com", "phone": "-", "address": "-"}
    customer = Customer(customer_id=name, tier="standard", **told)
    async with sqlite_desk.database.transaction() as db:
        row = {**told, "id": name, "tier": "standard", "tenant_id": "default", "created_at": now()}
        await db.execute(customers.insert(), row)
        await tickets.create(db, "default", name, subject=WORDS, body=WORDS)
    listed = await sqlite_call("list_tickets", STAFF)
    assert name in [ticket["customer_id"] for ticket in listed.value["tickets"]]
    assert WORDS in str(await recorded(sqlite_desk))
    async with sqlite_desk.database.transaction() as db:
        await erase(db, sqlite_desk.gate.ledger.keys, "default", customer)
    book = await recorded(sqlite_desk)
    assert [row.get("erased") for row in book if row.get("tool") == "list_tickets"] == [True]
    assert WORDS not in str(book)
    assert (await verify(sqlite_desk.database)).sound
