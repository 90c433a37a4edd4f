"""Files of customers: what is read of them, what they change, and what they are refused for."""

import csv
import io
import json
import random
from pathlib import Path

import pytest

from deskward.app import Desk
from deskward.core.custom_fields import CustomFields
from deskward.core.line_files import NotRead, batches
from deskward.customers import listing, service
from deskward.customers.importing import Batch, Seen
from deskward.customers.models import Details, Profile
from deskward.customers.reading import lines
from deskward.customers.writing import csv_writer, json_writer
from tests.cli.conftest import Cli, cli, folder

__all__ = ["cli", "folder"]

FIELDS = CustomFields.parse("contract=text, seats=number")


def read(content: str | bytes, encoding: str | None = None) -> list[tuple[int, str | None, str]]:
    """Number, id and problem of each line."""
    data = content.encode() if isinstance(content, str) else content
    opened = io.BufferedReader(io.BytesIO(data))
    found = lines(opened, FIELDS, encoding)
    return [(line.number, line.customer_id, line.problem) for line in found]


async def taken(
    desk: Desk, content: str | bytes, *, dry: bool = False, size: int = 3, tenant: str = "default"
) -> list[tuple[int, str, str, str]]:
    """What becomes of each line of a file."""
    data = content.encode() if isinstance(content, str) else content
    opened = io.BufferedReader(io.BytesIO(data))
    reports = []
    seen = Seen() if dry else None
    for found in batches(lines(opened, FIELDS), size):
        batch = Batch(found, seen)
        async with desk.database.transaction() as db:
            await batch.take(db, tenant)
        reports += batch.reports
    return [(one.line, one.what, one.record, one.told) for one in reports]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("id,name,email\r\nc1,Jürg,j@example.ch\r\n", None),
        ("\ufeffID;Name;E-Mail\nc1;Jürg;j@example.ch\n", None),
        ("id\tname\temail\nc1\tJürg\tj@example.ch", None),
        ("\n".join(["id|name|email", "", "c1|Jürg|j@example.ch", "  "]), None),
        ("id,name,email\nc1,Jürg,j@example.ch\n".encode("utf-16"), None),
        ("id,name,email\nc1,Jürg,j@example.ch\n".encode("cp1252"), "windows-1252"),
        ('\ufeff{"id":"c1","name":"Jürg","emails":["j@example.ch"]}\n', None),
    ],
)
def test_usual_files_are_read(content: str | bytes, encoding: str | None) -> None:
    [(_, customer_id, problem)] = read(content, encoding)
    assert (customer_id, problem) == ("c1", "")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "empty"),
        ("id,name,shoe\n", "no column 'shoe'"),
        ("id,id,name\n", "Two columns"),
        ("address,tier\n", "names the columns"),
        ("id,name\nc1,Jürg\n".encode("cp1252"), "not in UTF-8"),
        (b"PK\x03\x04\x00\x00", "no text"),
        ("id,name\nc1,\x00\n" * 2, "no text"),
    ],
)
def test_a_file_of_no_known_form_is_refused_clearly(content: str | bytes, word: str) -> None:
    with pytest.raises(NotRead, match=word):
        read(content)


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(NotRead, match="no encoding"):
        read("id,name\n", "klingon-8")


def test_a_bad_line_is_refused_alone_with_its_number() -> None:
    content = (
        "id,name,email,language,field:seats\n"
        'c1,"two\nlines",a@example.ch,de,1\n'
        "c2,B,nobody,,\n"
        'c3,"C ""quoted""",c@example.ch,,\n'
        "c4,D,d@example.ch,klingon,\n"
        "c 5,E,e@example.ch,,\n"
        "c6,F,f@example.ch,,many\n"
        "c7,G,g@example.ch,,1,too many\n"
        "c8,H\n"
    )
    found = {number: problem for number, _, problem in read(content)}
    assert list(found) == [2, 4, 5, 6, 7, 8, 9, 10]
    assert [number for number, problem in found.items() if not problem] == [5, 10]
    assert "name" in found[2]
    assert "'nobody' is no mail address" in found[4]
    assert "6 cells" in found[9]


def test_a_bad_json_line_is_refused_alone() -> None:
    content = "\n".join(
        [
            '{"id": "c1", "name": "A"}',
            "{broken",
            "[1]",
            '{"id": "c2", "name": "B", "shoe": 42}',
            '{"id": "c3", "name": ["C"]}',
            '{"id": 4, "name": "D", "external_ids": {"crm": "7"}, "fields": {"seats": 3}}',
            '{"a": ' * 5000,
        ]
    )
    found = read(content)
    assert [number for number, _, problem in found if not problem] == [1, 6]
    assert len(found) == 7


def test_what_is_wrong_with_a_column_is_said_in_plain_words() -> None:
    content = (
        "id,name,email,phone,tags,field:seats\n"
        f"c1,{'n' * 201},a@example.ch,,,\n"
        'c2,"two\nlines",,,,\n'
        f"c3,C,,,{'t' * 41},\n"
        f"c4,D,a,1,,{'9' * 20}x\n"
    )
    told = [problem for _, _, problem in read(content)]
    assert told[:3] == [
        "name: It has 201 characters, and 200 are the most. Shorten it.",
        "name: It is one line with at least a letter: no line breaks or control characters.",
        "tags.1: It has 41 characters, and 40 are the most. Shorten it.",
    ]
    assert told[3] == (
        "email.1: It is shorter than 3 characters. Write it in full. "
        "phone.1: It is shorter than 3 characters. Write it in full."
    )
    rows = [
        {"id": "c1", "name": ["C"]},
        {"id": "c2", "tags": 7},
        {"id": "c3", "fields": {"seats": [1]}},
        {"id": "c4", "external_ids": {"crm": 7}},
    ]
    said = [problem for _, _, problem in read("\n".join(map(json.dumps, rows)))]
    assert said == [
        'name: It is to be a text, and not ["C"].',
        'tags: It is to be a list, such as ["a", "b"], and not 7.',
        "fields.seats: It is to be a text, and not [1].",
        "external_ids.1.id: It is to be a text, and not 7.",
    ]
    for one in (*told, *said):
        assert "should" not in one, "these are pydantic's words"


async def test_a_file_is_taken_over_and_again_changes_nothing(desk: Desk) -> None:
    content = (
        "id,name,email,phone,tier,tags,external:crm,field:seats\n"
        'c1,Jürg,"j@example.ch; j2@example.ch",+41 44 555 01 23,premium,"vip|press",31,12\n'
        ",No Id,n@example.ch,,,,,\n"
        ",By Key,,,,,32,\n"
        ",Nobody,,+41 1 22,,,,\n"
        "user_001,Alexandra Morgan,alexandra@example.com,,,,,\n"
        "c9,Thief,alex.morgan@example.com,,,,,\n"
        "c1,Twice,,,,,,\n"
    )
    dry = await taken(desk, content, dry=True)
    assert [what for _, what, _, _ in dry] == [
        *("created", "created", "created", "refused", "changed", "refused", "changed"),
    ]
    assert dry[4] == (6, "changed", "user_001", "name, emails")
    assert "user_001" in dry[5][3]
    assert await service.of_sender(desk.database.reader, "default", "j@example.ch") is None
    first = await taken(desk, content)
    assert [what for _, what, _, _ in first] == [what for _, what, _, _ in dry]
    second = await taken(desk, content.rsplit("c1,Twice", 1)[0])
    assert [what for _, what, _, _ in second] == [
        *("changed", "unchanged", "unchanged", "refused", "unchanged", "refused"),
    ]  # the line `Twice` had changed the name
    told = await service.profile(desk.database.reader, "default", "c1")
    assert [one.value for one in told.emails] == ["j@example.ch", "j2@example.ch"]
    assert (told.tags, told.fields, told.tier) == (["vip", "press"], {"seats": 12}, "premium")
    alex = await service.profile(desk.database.reader, "default", "user_001")
    assert [one.value for one in alex.emails] == [
        *("alexandra@example.com", "alex.morgan@example.com"),
    ]
    assert (alex.name, alex.email, alex.tier) == (
        *("Alexandra Morgan", "alexandra@example.com", "standard"),
    )
    assert not await service.is_there(desk.database.reader, "acme", "c1")


async def test_lines_of_any_size_of_batch_come_to_the_same(desk: Desk) -> None:
    """Random lines about few customers, in batches of one and in one: the same customers."""
    chance = random.Random(7)
    rows = []
    for _ in range(60):
        row: dict[str, object] = {"name": chance.choice(["A", "B"])}
        if chance.random() < 0.6:
            row["id"] = f"c{chance.randrange(6)}"
        if chance.random() < 0.7:
            row["email"] = f"m{chance.randrange(8)}@example.ch"
        if chance.random() < 0.5:
            row["external_ids"] = {"crm": f"{chance.randrange(6)}"}
        rows.append(json.dumps(row))
    content = "\n".join(rows)
    outcomes = []
    for tenant, size in (("one", 1), ("seven", 7), ("all", 1000)):
        reports = await taken(desk, content, size=size, tenant=tenant)
        found = [one async for one in listing.every(desk.database.reader, tenant)]
        plain = [one.model_dump(exclude={"created_at", "updated_at", "revision"}) for one in found]
        outcomes.append(([what for _, what, _, _ in reports], plain))
        dry = await taken(desk, content, size=5, dry=True, tenant=f"{tenant}-dry")
        assert [what for _, what, _, _ in dry] == [what for _, what, _, _ in reports]
    assert outcomes[0] == outcomes[1] == outcomes[2]


async def test_what_is_exported_is_imported_as_it_was(desk: Desk) -> None:
    odd = ["=HYPERLINK(1)", "-1+1", "@home", "'quoted'", 'a,b;"c"', "王伟 |"]
    async with desk.database.transaction() as db:
        for number, name in enumerate(odd):
            emails = [f"o{number}@example.ch", f"p{number}@example.ch"]
            known = [{"system": "crm", "id": f"={number}"}]
            told = {"fields": {"seats": number}, "tags": ["a", "b"], "external_ids": known}
            details = Details(name=name, emails=emails, phones=["+41 44 5"], **told)
            await service.create(db, "default", details, declared=FIELDS)
    before = [one async for one in listing.every(desk.database.reader, "default")]
    for make in (csv_writer, json_writer):
        out = io.StringIO()
        write = make(out, *((FIELDS.declared, ["crm"]) if make is csv_writer else ()))
        for one in before:
            write(one)
        if make is csv_writer:
            cells = [cell for row in csv.reader(io.StringIO(out.getvalue())) for cell in row]
            assert not [cell for cell in cells if cell[:1] in ("=", "-", "@")]
        tenant = make.__name__
        reports = await taken(desk, out.getvalue(), size=100, tenant=tenant)
        assert {what for _, what, _, _ in reports} == {"created"}, reports
        after = [one async for one in listing.every(desk.database.reader, tenant)]
        assert list(map(plain, after)) == list(map(plain, before))


def plain(one: Profile) -> dict[str, object]:
    return one.model_dump(exclude={"created_at", "updated_at", "revision"})


def test_the_command_line_imports_lists_shows_merges_and_exports(cli: Cli, folder: Path) -> None:
    file = folder / "c.csv"
    file.write_text(
        "id;name;email\nc1;Jürg;j@example.ch\nc2;J. M.;jm@example.ch\nc 3;X;\n", encoding="utf-8"
    )
    code, out, _ = cli("customers", "import", str(file), "--dry-run")
    assert code == 1
    assert out.splitlines() == [
        "line 2: created: c1",
        "line 3: created: c2",
        "line 4: refused: The id has 1 to 64 letters, digits, dots, dashes or underscores.",
        "Would be: 2 created, 0 changed, 0 unchanged, 1 refused.",
    ]
    code, out, err = cli("customers", "import", str(file))
    assert (code, out) == (1, "2 created, 0 changed, 0 unchanged, 1 refused.\n")
    assert "line 4: refused" in err
    code, out, _ = cli("customers", "list", "--find", "jurg")
    assert (code, out) == (0, "c1  Jürg  j@example.ch  standard\n")
    code, out, _ = cli("customers", "show", "c1")
    assert json.loads(out)["emails"][0]["value"] == "j@example.ch"
    code, out, _ = cli("customers", "merge", "c2", "c1")
    assert (code, json.loads(out)["status"]) == (3, "pending_approval")
    code, _, err = cli("customers", "export", "out.csv")
    assert (code, err) == (0, "5 customers are in out.csv.\n")
    assert oct((folder / "out.csv").stat().st_mode)[-3:] == "600"
    code, out, _ = cli("customers", "import", "out.csv")
    assert out == "0 created, 0 changed, 5 unchanged, 0 refused.\n"
    code, out, _ = cli("customers", "export")
    assert len(out.splitlines()) == 5
    code, _, err = cli("customers", "import", "missing.csv")
    assert (code, "missing.csv" in err) == (1, True)
    code, out, _ = cli("ledger", "show", "--tool", "import_customers", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["arguments"]["dry_run"] for row in rows] == [True, False, False]
    assert "example.ch" not in out
