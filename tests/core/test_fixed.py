"""Fixed statements: on the driver itself, with the same answers as through SQLAlchemy."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from deskward.app import Desk
from deskward.core import fixed as module
from deskward.core.fixed import fixed, plan_of
from deskward.core.moments import UtcDateTime

# Every slice's statements are marked when it is imported, which `deskward.app` has done.
MARKED = list(module._fixed)

things = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime),
    sa.Column("data", sa.JSON(none_as_null=True)),
    sa.Column("raw", sa.LargeBinary),
    sa.Column("name", sa.String(20), unique=True),
    sa.Column("flag", sa.Boolean),
)
INSERT = fixed(things.insert())
BY_ID = fixed(sa.select(things).where(things.c.id == sa.bindparam("id")))
KNOWN = fixed(sa.select(things).where(things.c.id == sa.bindparam("id")), knows_rows=True)
OPEN = fixed(
    sa.select(things.c.name, things.c.id)
    .where(
        sa.or_(things.c.name == "a", things.c.name == "b"),
        things.c.at > sa.bindparam("since", type_=UtcDateTime),
    )
    .order_by(things.c.id)
    .limit(2)
)
RENAME = fixed(
    sa.update(things)
    .where(things.c.id == sa.bindparam("b_id"))
    .values(name=sa.bindparam("b_name"), flag=True)
)
TAKE = fixed(
    sa.delete(things)
    .where(things.c.id == sa.bindparam("b_id"))
    .returning(things.c.at, things.c.data)
)

PARIS = datetime(2026, 3, 4, 12, 30, 0, 123456, timezone(timedelta(hours=1)))
ROW = {
    "id": 1,
    "at": PARIS,
    "data": {"ü": [1, None, "x"]},
    "raw": b"\0\xff",
    "name": "a",
    "flag": False,
}
NULLS = {**dict.fromkeys(ROW), "id": 2}


@pytest.fixture
async def table(desk: Desk) -> Desk:
    async with desk.database.transaction() as transaction:
        await transaction.execute(sa.schema.CreateTable(things))
        await transaction.change(INSERT, ROW)
        await transaction.change(INSERT, NULLS)
    return desk


async def test_values_are_what_sqlalchemy_gives(table: Desk) -> None:
    reader = table.database.reader
    same = sa.select(things).where(things.c.id == sa.bindparam("id"))
    for number, row in ((1, ROW), (2, NULLS)):
        found = await reader.first(BY_ID, id=number)
        assert found is not None
        assert found == await reader.first(same, id=number)
        assert dict(found._mapping) == row
        assert found.at is None or found.at.tzinfo is UTC
    assert await reader.first(BY_ID, id=3) is None


async def test_rows_have_names_and_places(table: Desk) -> None:
    rows = await table.database.reader.all(OPEN, since=PARIS - timedelta(seconds=1))
    assert [tuple(row) for row in rows] == [("a", 1)]
    assert rows[0].name == "a"
    assert not await table.database.reader.all(OPEN, since=PARIS)


async def test_changes_are_counted_and_give_back_rows(table: Desk) -> None:
    async with table.database.transaction() as transaction:
        assert await transaction.change(RENAME, {"b_id": 1, "b_name": "b"}) == 1
        assert await transaction.change(RENAME, {"b_id": 9, "b_name": "b"}) == 0
        row = await transaction.first(BY_ID, id=1)
        assert row is not None
        assert (row.name, row.flag) == ("b", True)
        taken = await transaction.first(TAKE, b_id=1)
    assert taken is not None
    assert (taken.at, taken.data) == (PARIS, ROW["data"])
    assert await table.database.reader.first(BY_ID, id=1) is None


async def test_a_known_row_is_given_again_until_anything_in_it_is_another(table: Desk) -> None:
    reader = table.database.reader
    first = await reader.first(KNOWN, id=1)
    assert first is not None
    assert dict(first._mapping) == ROW
    assert await reader.first(KNOWN, id=1) is first
    other = await reader.first(KNOWN, id=2)
    assert other is not None
    assert dict(other._mapping) == NULLS
    assert await reader.first(KNOWN, id=1) is first
    for name in ("b", "a"):
        async with table.database.transaction() as transaction:
            await transaction.change(RENAME, {"b_id": 1, "b_name": name})
        row = await reader.first(KNOWN, id=1)
        assert row is not None
        assert (row.name, row.flag) == (name, True)
    async with table.database.transaction() as transaction:
        await transaction.first(TAKE, b_id=1)
    assert await reader.first(KNOWN, id=1) is None


async def test_it_is_undone_with_its_transaction(table: Desk) -> None:
    async def fail() -> None:
        async with table.database.transaction() as transaction:
            await transaction.change(RENAME, {"b_id": 1, "b_name": "b"})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    row = await table.database.reader.first(BY_ID, id=1)
    assert row is not None
    assert row.name == "a"


async def test_errors_are_sqlalchemys_and_undo_the_call_alone(table: Desk) -> None:
    async def twice() -> None:
        async with table.database.transaction() as transaction:
            await transaction.change(RENAME, {"b_id": 2, "b_name": "b"})
            await transaction.change(INSERT, {**ROW, "id": 3, "name": "b"})

    with pytest.raises(IntegrityError):
        await twice()
    row = await table.database.reader.first(BY_ID, id=2)
    assert row is not None
    assert row.name is None


async def test_what_is_bound_is_not_told_in_errors(table: Desk) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with table.database.transaction() as transaction:
            await transaction.change(INSERT, {**ROW, "id": 1, "name": "the-secret"})
    assert "the-secret" not in str(caught.value)


async def test_a_missing_parameter_is_an_error(table: Desk) -> None:
    with pytest.raises(KeyError):
        await table.database.reader.first(BY_ID)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_every_marked_statement_compiles_to_one_fixed_text(dialect: str) -> None:
    assert len(MARKED) > 15
    for statement in MARKED:
        plan = plan_of(statement, dialect)
        assert plan is not None
        assert len(plan.constants) >= plan.sql.count("?")


def test_a_list_is_refused() -> None:
    statement = fixed(sa.select(things).where(things.c.id.in_([1, 2])))
    with pytest.raises(TypeError, match="holds a list"):
        plan_of(statement, "sqlite")


def test_a_statement_that_is_not_marked_has_no_plan() -> None:
    assert plan_of(sa.select(things), "sqlite") is None
