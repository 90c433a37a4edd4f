"""Erasing customers with hostile names, ids and addresses changes the right values only."""

import asyncio
import contextlib
import itertools
import json
from datetime import timedelta
from typing import Any, cast

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskward.app import Desk
from deskward.core.database import Database, metadata, now
from deskward.core.jobs import jobs
from deskward.core.personal import DOCUMENT, LABEL, OWNER, TEXT, VALUE, columns
from deskward.customers.erasure import erase
from deskward.customers.models import Customer, customers
from deskward.customers.signs import ERASED, Person, Signs
from deskward.gate.ledger.verify import verify
from deskward.knowledge.published import Earlier
from deskward.security.key_rows import api_keys
from deskward.security.principals import Kind
from deskward.text.indexing import words_to_keep
from deskward.tickets.words import ticket_words

SPINE = {
    *("ledger", "ledger_heads", "subject_keys", "jobs", "policy_versions", "policy_changes"),
    "sla_watch",  # the database keeps it by itself, of tickets' numbers alone
    "knowledge_changes",  # the index takes them away meanwhile; they name passages alone
}
HOSTILE = [
    *("staff", "permit", "a", "%", "_", "%%", ".*", "[a-z]+", "(?i)x|", "'; DROP TABLE orders; --"),
    *('"', "\\", "default", "customer", "null", "true", "pending", "support-3", "0", "[erased]"),
    *("Alex Morgan", "Ann", "Ann Lee", "José Ñandú", "王伟", "Анна", "O'Brien <b>", "a b"),
    *("ann@example.com", "+41 44 555 01 23", "12 Garden Street, Dover"),
]
SOME = HOSTILE[::4]
NUMBERS = itertools.count(1)


NOT_WANTED = {"knowledge_sources": {"wanted_at": None}}
"""So that no job works on these rows meanwhile."""
KINDS = {"owner": OWNER, "label": LABEL, "value": VALUE, "text": TEXT, "document": DOCUMENT}


@pytest.fixture(autouse=True)
def nothing_is_brought_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a desk does at its start, for articles from before there were documents, is not done."""

    async def nothing(_: Earlier) -> None: ...

    monkeypatch.setattr(Earlier, "look", nothing)


def plain_value(column: sa.Column[Any], word: str) -> Any:
    """A value of what says nothing of people; it is called as the victim is, where it can be."""
    if isinstance(column.type, sa.LargeBinary):
        return word.encode()
    if isinstance(column.type, sa.JSON):
        return ["staff"] if column.name == "tags" else {"any": "staff"}
    if isinstance(column.type, sa.Boolean):
        return True
    if isinstance(column.type, sa.String):
        unique = column.name in {"id", "key"} or column.name in _distinguishing(column.table)
        return f"{next(NUMBERS)}" if unique else word[: column.type.length]
    if isinstance(column.type, sa.Integer | sa.Numeric):
        return next(NUMBERS)
    return now() + timedelta(days=1)  # nothing is due meanwhile


def _distinguishing(table: Any) -> set[str]:
    """The columns of a table's keys, alone or with others: two rows never have the same in them."""
    keys = [part.columns for part in table.constraints if isinstance(part, sa.UniqueConstraint)]
    keys += [index.columns for index in table.indexes if index.unique]
    return {column.name for key in (table.primary_key.columns, *keys) for column in key}


class Filled:
    """A tenant whose tables are full: a row of the victim's and one of a bystander's in each."""

    def __init__(self, victim: Customer, bystander: Customer) -> None:
        self.tenant = f"tenant-{next(NUMBERS)}"
        self.victim, self.bystander = victim, bystander
        self.made: dict[tuple[str, str], dict[str, Any]] = {}

    def row(self, table: sa.Table, who: Customer) -> dict[str, Any]:
        """A row of somebody's."""
        word = self.victim.name
        found = {column.name: plain_value(column, word) for column in table.columns}
        told = {"customer_id": who.customer_id, "kind": word[:9], "roles": ["staff"]}
        for name, kind in KINDS.items():
            for column in columns(table, kind):
                document = told if isinstance(column.type, sa.JSON) else json.dumps(told)
                found[column.name] = {
                    "owner": who.customer_id,
                    "label": f"customer:{who.customer_id}",
                    "value": found[column.name],
                    "text": f"{next(NUMBERS)} about {word}.",
                    "document": document,
                }[name]
        found |= {"tenant_id": self.tenant, **NOT_WANTED.get(table.name, {})}
        for key in table.foreign_key_constraints:
            above = self.made[key.referred_table.name, who.customer_id]
            for column, element in zip(key.columns, key.elements, strict=True):
                found[column.name] = above[element.column.name]
        return found

    async def fill(self, desk: Desk) -> None:
        async with desk.database.transaction() as db:
            for who in (self.victim, self.bystander):
                told = {**who.model_dump(), "tenant_id": self.tenant, "created_at": now()}
                told["id"] = told.pop("customer_id")
                self.made["customers", who.customer_id] = told
                await db.execute(customers.insert(), told)
            for table in metadata.sorted_tables:
                if table.name in SPINE or table is customers or "tenant_id" not in table.c:
                    continue
                for who in (self.victim, self.bystander):
                    made = self.row(table, who)
                    if table is api_keys:
                        made |= {"kind": "customer", "subject_id": who.customer_id}
                    self.made[table.name, who.customer_id] = made
                    keys = [column.name for column in table.primary_key]
                    if who is self.bystander and keys == ["tenant_id"]:
                        continue
                    await db.execute(table.insert(), made)

    async def rows(self, desk: Desk) -> dict[str, list[dict[str, Any]]]:
        found = {}
        for table in metadata.sorted_tables:
            if table.name not in SPINE and "tenant_id" in table.c:
                query = sa.select(table).where(table.c.tenant_id == self.tenant)
                rows = await desk.database.reader.all(query)
                found[table.name] = [dict(row._mapping) for row in rows]
        return found

    async def erase(self, desk: Desk) -> None:
        async with desk.database.transaction() as db:
            await erase(db, desk.gate.ledger.keys, self.tenant, self.victim)
        desk.jobs.wake()
        async with asyncio.timeout(60):
            while await desk.database.reader.first(sa.select(jobs)) is not None:
                await asyncio.sleep(0.01)


async def check(desk: Desk, word: str, field: str) -> None:
    """Erase somebody who is called so, and see what became of every row of the tenant."""
    told: dict[str, Any] = dict.fromkeys(("name", "email", "phone", "address"), word)
    ours = word[:32] if field == "customer_id" else f"v-{next(NUMBERS)}"
    victim = Customer(customer_id=ours, tier="standard", **told)
    other = {"name": f"{word} Junior", "email": f"x{word}", "phone": "-", "address": word}
    bystander = Customer(customer_id=f"{ours}x", tier=word[:32], **other)
    filled = Filled(victim, bystander)
    await filled.fill(desk)
    before = await filled.rows(desk)
    await filled.erase(desk)
    after = await filled.rows(desk)
    signs = Signs(
        Person(ours, **told), own=[word], others=[*other.values()]
    )  # the bystander lives where the victim lives: in their rows the word is theirs
    nobodys = Signs(Person(ours, **told), own=[], others=[*other.values()])
    worded = {(row["number"], row["seq"]): row["text"] for row in after["ticket_messages"]}
    gone = {
        (row["number"], row["seq"])
        for row in before["ticket_messages"]
        if worded.get((row["number"], row["seq"])) != row["text"]
    }
    for name, rows in before.items():
        table = metadata.tables[name]
        whose = {column.name for column in (*columns(table, OWNER), *columns(table, LABEL))}
        left = []
        for row in rows:
            if any(row[key] in (ours, f"customer:{ours}") for key in whose):
                continue
            told_by = signs if is_somebodys(table) else nobodys
            documents = [row[column.name] for column in columns(table, DOCUMENT)]
            if any(told_by.in_document(one, frozenset({"customer_id"})) for one in documents):
                continue
            kept = {
                key: told_by.without(value) if table.c[key] in columns(table, TEXT) else value
                for key, value in row.items()
            }
            if all(kept[column.name] == row[column.name] for column in table.primary_key):
                left.append(kept)  # in a key, the row goes
        if table is api_keys:
            assert {row["subject_id"] for row in after[name]} == {"", bystander.customer_id}
            ended = [row["revoked_at"] for row in after[name] if not row["subject_id"]]
            assert ended
            assert all(ended), name
            continue
        if table is ticket_words:  # a message's words go with it, and when it is worded otherwise
            left = [row for row in left if (row["number"], row["seq"]) not in gone]
            anew = {place: words_to_keep(text) for place, text in worded.items() if place in gone}
            found = [row for row in after[name] if (row["number"], row["seq"]) in gone]
            assert {(row["number"], row["seq"]): row["words"] for row in found} == anew
            after[name] = [row for row in after[name] if row not in found]
        left = [row for row in left if not hangs_on_nothing(table, row, after)]
        assert sorted(map(str, after[name])) == sorted(map(str, left)), name
    assert (await verify(desk.database)).sound


def is_somebodys(table: sa.Table) -> bool:
    """Whether the rows of a table, or what they hang on, say whose they are."""
    if columns(table, OWNER) or columns(table, LABEL):
        return True
    return any(is_somebodys(key.referred_table) for key in table.foreign_key_constraints)


def hangs_on_nothing(
    table: sa.Table, row: dict[str, Any], after: dict[str, list[dict[str, Any]]]
) -> bool:
    """Whether what a row hangs on is gone; parents are looked at before what hangs on them."""
    for key in table.foreign_key_constraints:
        pairs = [
            (column.name, element.column.name)
            for column, element in zip(key.columns, key.elements, strict=True)
        ]
        above = after.get(key.referred_table.name)
        if above is not None and not any(
            all(row[ours] == one[theirs] for ours, theirs in pairs) for one in above
        ):
            return True
    return False


async def test_only_the_right_values_change(desk: Desk) -> None:
    for word in SOME if desk.database.is_sqlite else SOME[::3]:
        await check(desk, word, "name")
    for word in HOSTILE[:4]:
        await check(desk, word, "customer_id")


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("field", ["name", "customer_id"])
async def test_only_the_right_values_change_for_each(desk: Desk, field: str, part: int) -> None:
    for word in HOSTILE[part::4]:
        await check(desk, word, field)


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    word=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
        lambda text: text.strip() == text
    ),
    field=st.sampled_from(["name", "customer_id"]),
)
async def test_only_the_right_values_change_whatever_the_name(
    sqlite_desk: Desk, word: str, field: str
) -> None:
    await check(sqlite_desk, word, field)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Transfer from Ann Lee", f"Transfer from {ERASED}"),
        ("Ann  Lee, ann lee and ANN LEE", f"{ERASED}, {ERASED} and {ERASED}"),
        ("Joann Lee and Ann Leen", "Joann Lee and Ann Leen"),
        ("Ann Lee Winter called", "Ann Lee Winter called"),
        ("write to ann@example.com.", f"write to {ERASED}."),
        ("joann@example.com, x.ann@example.com", "joann@example.com, x.ann@example.com"),
        ("ann@example.com.evil.org", "ann@example.com.evil.org"),
        ("of user_007 and user_0071", f"of {ERASED} and user_0071"),
    ],
)
def test_whole_words_and_nobody_elses(text: str, left: str) -> None:
    person = Person("user_007", "Ann Lee", "ann@example.com")
    assert Signs(person, others=["Ann Lee Winter"]).without(text) == left


def test_a_name_in_another_form_or_alphabet_is_found() -> None:
    assert Signs(Person("c", "José Ñandú")).in_text("Jose\u0301 N\u0303andu\u0301 rang")
    assert Signs(Person("c", "王伟")).in_text("我是王伟的朋友")
    assert Signs(Person("c", "Анна")).in_text("спросите, где Анна?")
    assert not Signs(Person("c", "Анна")).in_text("Аннабель")
    assert Signs(Person("c", "O'Brien & Co")).in_text("<p>O&#x27;Brien &amp; Co</p>")


def test_a_document_tells_of_whom_it_names() -> None:
    keys = frozenset({"customer_id"})
    signs = Signs(Person("staff", "permit"))
    assert signs.in_document({"of": [{"customer_id": "staff"}]}, keys)
    assert signs.in_document('{"owner": "customer:staff"}', keys)
    assert signs.in_document({"kind": "customer", "id": "staff"}, keys)
    for other in ({"kind": "staff", "id": "anna"}, {"effect": "permit"}, '"staff"', "staff", [1]):
        assert not signs.in_document(other, keys)
    assert Signs(Person("c", email="ann@example.com")).in_document({"ann@example.com": "550"}, keys)


async def test_the_keys_of_an_erased_customer_end_and_name_nobody(sqlite_desk: Desk) -> None:
    _, stored = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.CUSTOMER, subject_id="user_001", name="for Alex", new=True
    )
    staff = Customer(customer_id="user_001", name="staff", email="permit", phone="a", address="%",
                     tier="standard")  # fmt: skip
    _, kept = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.STAFF, subject_id="user_001", new=True
    )
    async with sqlite_desk.database.transaction() as db:
        await erase(db, sqlite_desk.gate.ledger.keys, "default", staff)
    found = {key.prefix: key for key in await sqlite_desk.keys.list()}
    assert (found[stored.prefix].state, found[stored.prefix].subject_id) == ("revoked", "")
    assert (found[kept.prefix].state, found[kept.prefix].subject_id) == ("active", "user_001")
    assert found[kept.prefix].kind is Kind.STAFF


async def test_a_search_goes_on_where_another_process_stopped(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages of one row, and a process that dies after each: the next attempt goes on from there."""
    from deskward.core import jobs as queue
    from deskward.customers import erasure

    monkeypatch.setattr(erasure, "PAGE", 1)
    looked: list[tuple[str, ...]] = []
    real = erasure._page

    async def page(db: Any, state: Any) -> Any:
        looked.append((state.tables[0], str(state.after)))
        return await real(db, state)

    monkeypatch.setattr(erasure, "_page", page)
    database, keys = sqlite_desk.database, sqlite_desk.gate.ledger.keys
    async with database.transaction() as db:
        victim = Customer(customer_id="user_001", name="Alex Morgan", email="a@example.com",
                          phone=None, address=None, tier="standard")  # fmt: skip
        await erase(db, keys, "default", victim)
        row = (await queue.due(db, [erasure.TRACES], 1))[0]
        job = await queue.claim(db, row)
    assert job is not None
    assert "Alex" not in str(row.payload)
    while job.payload:
        state = await erasure.Search.opened(database.reader, keys, job)
        with contextlib.suppress(ConnectionError):
            await erasure.search(dying(database), keys, job)
        left = await database.reader.first(sa.select(jobs.c.payload).where(jobs.c.id == job.id))
        assert left is not None
        job = queue.Job(job.id, job.kind, left[0], 1, job.lease)
        assert not left[0] or (await erasure.Search.opened(database.reader, keys, job)) != state
    assert len(looked) == len(set(looked)) > 20


def dying(database: Database) -> Database:
    """The database of a process that dies after its first transaction."""
    begun = []

    class Dying:
        reader = database.reader

        def transaction(self) -> Any:
            begun.append(1)
            if len(begun) > 1:
                raise ConnectionError
            return database.transaction()

    return cast(Database, Dying())
