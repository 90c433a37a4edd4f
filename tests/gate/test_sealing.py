"""Secrets that records hold: each opens as its own alone, and all of them under a new key."""

from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag

from deskward.core.errors import Conflict
from deskward.features import SLICES
from deskward.gate.rotation import SEALED
from deskward.gate.sealing import Sealing, sealed_anew

OLD, NEW = b"o" * 32, b"n" * 32
IN_THE_CLEAR = {
    *("files.content", "incoming_mails.raw"),
    *("topic_messages.raw", "topic_messages.raw_key"),
}
"""Binary columns that hold what somebody sent, under no key."""


def binary(table: sa.Table) -> list[str]:
    return [column.name for column in table.columns if isinstance(column.type, sa.LargeBinary)]


def test_a_secret_opens_as_its_own_records_and_purposes_alone() -> None:
    kept = Sealing(OLD, "doors").sealed("a", b"secret")
    assert Sealing(OLD, "doors").opened("a", kept) == b"secret"
    for sealing, record in ((("doors", OLD), "b"), (("keys", OLD), "a"), (("doors", NEW), "a")):
        with pytest.raises(InvalidTag):
            Sealing(sealing[1], sealing[0]).opened(record, kept)


def test_it_is_sealed_anew_once_and_never_passed_over() -> None:
    anew = sealed_anew("doors", "one", "two")(OLD, NEW)
    row: Any = SimpleNamespace(id="a", one=Sealing(OLD, "doors").sealed("a", b"1"), two=None)
    after = dict(anew(row) or {})
    assert after.keys() == {"one"}
    assert Sealing(NEW, "doors").opened("a", after["one"]) == b"1"
    row.one = after["one"]
    assert not anew(row)  # an attempt that was cut off had come as far as this
    row.one = after["one"][:-1] + bytes([after["one"][-1] ^ 1])
    with pytest.raises(Conflict, match=r"under neither key.*'a'"):
        anew(row)


def test_every_secret_of_a_record_is_sealed_anew() -> None:
    """A binary column that no `Sealed` looks at would be lost with the old key."""
    looked_at = set()
    for sealed in (one for part in SLICES for one in part.sealed):
        anew = sealed.anew(OLD, NEW)
        for name in binary(sealed.table):
            nothing = dict.fromkeys(sealed.table.columns.keys())
            with pytest.raises(Conflict):
                anew(SimpleNamespace(**{**nothing, "id": "a", name: b"x" * 60}))  # type: ignore[arg-type]  # a row's names are all it needs
            looked_at.add(f"{sealed.table.name}.{name}")
    gates = {sealed.table.name for sealed in SEALED}
    others = {
        f"{table.name}.{name}"
        for part in SLICES
        for table in part.tables
        if table.name not in gates
        for name in binary(table)
    }
    assert others - looked_at == IN_THE_CLEAR
    assert looked_at
