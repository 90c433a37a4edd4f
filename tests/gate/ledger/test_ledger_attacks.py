"""A thousand ways to change a ledger behind its back; what is sealed in it; exported heads."""

import asyncio
import json
import random
import sqlite3
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from deskward.app import Desk
from deskward.gate.ledger.chain import GENESIS, Ledger, chained, ledger_rows, rows_of
from deskward.gate.ledger.export import lines
from deskward.gate.ledger.heads import Head, Signer, current_heads
from deskward.gate.ledger.verify import verify
from tests.agent.talk import Talk
from tests.conftest import FOREIGN, STAFF, Call, recorded

Row = tuple[Any, ...]


async def filled(desk: Desk, call: Call) -> None:
    talk = Talk(desk)
    for text in ("hello", "What is my balance?", "show my last 3 transactions"):
        await talk.say(text)
    for _ in range(8):
        await call("get_account_balance", FOREIGN)
        await call("list_tickets", STAFF)


async def heads_of(desk: Desk, signer: Signer) -> list[Head]:
    return [
        signer.sign(row.tenant_id, row.seq, row.hash)
        for row in await current_heads(desk.database.reader)
    ]


def edit(rows: list[Row], chance: random.Random) -> list[Row]:
    """One character of one cell becomes another one."""
    at, column = chance.randrange(len(rows)), chance.choice([0, 2, 3, 4])
    cell = str(rows[at][column] or "none")
    place = chance.randrange(len(cell))
    other = chance.choice([c for c in "abcdefghijklmnopqrstuvwxyz0123456789" if c != cell[place]])
    changed = list(rows[at])
    changed[column] = cell[:place] + other + cell[place + 1 :]
    return [*rows[:at], tuple(changed), *rows[at + 1 :]]


def delete(rows: list[Row], chance: random.Random) -> list[Row]:
    at = chance.randrange(len(rows))
    gone = chance.randint(1, min(3, len(rows) - at))
    return rows[:at] + rows[at + gone :]


def reorder(rows: list[Row], chance: random.Random) -> list[Row]:
    """The bodies and hashes of two rows of one tenant change places."""
    one, two = chance.sample([i for i, row in enumerate(rows) if row[0] == "default"], 2)
    changed = list(rows)
    changed[one] = (*rows[one][:2], *rows[two][2:])
    changed[two] = (*rows[two][:2], *rows[one][2:])
    return changed


def truncate(rows: list[Row], chance: random.Random) -> list[Row]:
    """The end of one tenant's chain is cut off."""
    tenant = chance.choice(["default", "acme"])
    last = max(row[1] for row in rows if row[0] == tenant)
    keep = chance.randrange(last)
    return [row for row in rows if row[0] != tenant or row[1] <= keep]


@pytest.mark.slow
async def test_a_thousand_changes_are_all_found(sqlite_desk: Desk, sqlite_call: Call) -> None:
    await filled(sqlite_desk, sqlite_call)
    file = sqlite3.connect(
        str(sqlite_desk.settings.database_location.database),
        isolation_level=None,
        check_same_thread=False,
    )
    whole = file.execute("SELECT * FROM ledger ORDER BY tenant_id, seq").fetchall()
    heads = file.execute("SELECT * FROM ledger_heads").fetchall()
    signer = Signer(sqlite_desk.settings.key)
    exported = await heads_of(sqlite_desk, signer)
    chance = random.Random(4)
    for number in range(1000):
        change = (edit, delete, reorder, truncate)[number % 4]
        changed = change(whole, chance)
        consistent = number % 8 >= 4  # the attacker also writes the heads anew
        await asyncio.to_thread(_write, file, changed, _heads_of(changed) if consistent else heads)
        report = await verify(sqlite_desk.database, exported=exported)
        assert not report.sound, (number, change.__name__)
    await asyncio.to_thread(_write, file, whole, heads)
    assert (await verify(sqlite_desk.database, exported=exported)).sound
    file.close()


def _heads_of(rows: list[Row]) -> list[Row]:
    last = {row[0]: (row[0], row[1], row[3]) for row in rows}
    return list(last.values())


def _write(file: sqlite3.Connection, rows: list[Row], heads: list[Row]) -> None:
    """In a thread: what the desk is just writing needs the loop to end."""
    file.execute("BEGIN IMMEDIATE")
    file.execute("DELETE FROM ledger")
    file.execute("DELETE FROM ledger_heads")
    file.executemany("INSERT OR IGNORE INTO ledger VALUES (?, ?, ?, ?, ?)", rows)
    file.executemany("INSERT INTO ledger_heads VALUES (?, ?, ?)", heads)
    file.execute("COMMIT")


async def test_a_chain_written_anew_is_found_by_its_old_head(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    await filled(sqlite_desk, sqlite_call)
    signer = Signer(sqlite_desk.settings.key)
    exported = await heads_of(sqlite_desk, signer)
    file = sqlite3.connect(
        str(sqlite_desk.settings.database_location.database),
        isolation_level=None,
        check_same_thread=False,
    )
    rows = file.execute("SELECT * FROM ledger ORDER BY tenant_id, seq").fetchall()
    forged, digest = [], {"default": GENESIS, "acme": GENESIS}
    for tenant, seq, body, _, conversation in rows:
        body = body.replace('"kind"', '"Kind"') if seq == 3 else body
        digest[tenant] = chained(digest[tenant], tenant, seq, body.encode())
        forged.append((tenant, seq, body, digest[tenant], conversation))
    await asyncio.to_thread(_write, file, forged, _heads_of(forged))
    file.close()
    assert (await verify(sqlite_desk.database)).sound  # by itself it fits
    report = await verify(sqlite_desk.database, exported=exported)
    assert {finding.tenant for finding in report.findings} == {"default", "acme"}


async def test_a_chain_that_was_cut_short_is_found_by_its_old_head(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    await filled(sqlite_desk, sqlite_call)
    exported = await heads_of(sqlite_desk, Signer(sqlite_desk.settings.key))
    file = sqlite3.connect(
        str(sqlite_desk.settings.database_location.database),
        isolation_level=None,
        check_same_thread=False,
    )
    rows = file.execute("SELECT * FROM ledger ORDER BY tenant_id, seq").fetchall()
    last = {row[0]: row[1] for row in rows}
    short = [row for row in rows if row[1] < last[row[0]]]
    await asyncio.to_thread(_write, file, short, _heads_of(short))
    file.close()
    assert (await verify(sqlite_desk.database)).sound  # by itself it fits
    findings = (await verify(sqlite_desk.database, exported=exported)).findings
    assert {finding.tenant: finding.seq for finding in findings} == last
    assert all("rows when its head was exported" in finding.problem for finding in findings)


async def test_heads_are_signed(desk: Desk, call: Call) -> None:
    await filled(desk, call)
    signer, other = Signer(desk.settings.key), Signer(b"another secret key of 32 characters")
    head = (await heads_of(desk, signer))[0]
    assert head.is_signed_by(signer.public_key)
    assert not head.is_signed_by(other.public_key)
    assert not head.model_copy(update={"seq": head.seq + 1}).is_signed_by(signer.public_key)
    assert not head.is_signed_by("no key")
    forged = await heads_of(desk, other)
    report = await verify(desk.database, exported=forged, keys=[signer.public_key])
    assert "not signed by this desk" in report.findings[0].problem


async def test_an_export_can_be_followed_without_the_desk(desk: Desk, call: Call) -> None:
    await filled(desk, call)
    written = [json.loads(line) async for line in exported(desk)]
    digest: dict[str, str] = {}
    for line in written:
        if "head" in line:
            head = Head.model_validate(line["head"])
            assert digest[head.tenant] == head.hash
            continue
        before = digest.get(line["tenant"], GENESIS)
        after = chained(before, line["tenant"], line["seq"], line["body"].encode())
        assert line["hash"] == after
        digest[line["tenant"]] = after
    assert set(digest) == {"default", "acme"}
    assert "user_001" not in json.dumps(written)  # sealed
    opened = [json.loads(line) async for line in exported(desk, opened=True)]
    assert opened[0]["opened"]["principal"]["id"] == "user_001"


def exported(desk: Desk, *, opened: bool = False):
    return lines(desk.database, desk.settings.key, tenant=None, opened=opened)


async def test_nothing_personal_is_in_the_clear(desk: Desk, call: Call) -> None:
    await Talk(desk).say("change my address to 77 Zinnia Avenue, Dover, DE 19901")
    await call("get_account_details", STAFF, user_id="user_001")
    bodies = "".join(row.body for row in await rows_of(desk.database.reader, "default", limit=99))
    for trace in ("user_001", "Zinnia", "Alex", "example.com", '"s"'):
        assert trace not in bodies
    kinds = [row["kind"] for row in await recorded(desk)]
    assert kinds == ["turn", "model", "call", "model", "turn", "call"]


async def test_another_secret_key_reads_nothing(desk: Desk, call: Call) -> None:
    await call("get_account_balance")
    rows = await rows_of(desk.database.reader, "default", limit=9)
    stranger = Ledger(b"another secret key of 32 characters")
    with pytest.raises(ValueError, match="another SECRET_KEY"):
        await stranger.read(desk.database.reader, "default", rows)


async def test_a_key_that_was_rolled_back_is_not_used(sqlite_desk: Desk, sqlite_call: Call) -> None:
    """The first row about a customer fails to commit; the next must not be sealed for ever."""
    ledger = sqlite_desk.gate.ledger
    real = ledger.write

    async def fails(connection: Any, entries: Any) -> None:
        await real(connection, entries)
        raise OperationalError("INSERT", {}, sqlite3.OperationalError("disk full"))

    sqlite_desk.database.before_commit = fails
    assert (await sqlite_call("get_account_balance")).error is not None
    sqlite_desk.database.before_commit = real
    await sqlite_call("get_account_balance")
    (row,) = await recorded(sqlite_desk)
    assert row["principal"]["id"] == "user_001"


def test_the_table_is_what_the_attacks_write() -> None:
    assert [column.name for column in ledger_rows.columns] == [
        *("tenant_id", "seq", "body", "hash", "conversation")
    ]
