"""Who wrote the texts of an answer: told by its type, found in its values, never forgotten."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, NewType, TypedDict
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, EmailStr, Field, RootModel, computed_field

from deskward.core.written import Ours, RecordId, Written
from deskward.gate.context import Context
from deskward.gate.provenance import Record, found_in, reader_of
from deskward.gate.tool import Risk, ToolGroup
from tests.everything import GROUPS

Theirs = Annotated[str, Written(by="customer")]
ThingId = Annotated[str, RecordId("thing"), Field(pattern="^X[0-9]+$")]


class Colour(StrEnum):
    RED = "red"


class Note(BaseModel):
    text: Annotated[str, Written(by="staff")] | None = None
    at: datetime | None = None


class Thing(BaseModel):
    id: ThingId
    title: Theirs
    notes: list[Note] = []


class Page(BaseModel):
    total: int
    things: list[Thing]


class Unsaid(BaseModel):
    text: str


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Entry(TypedDict):
    name: Annotated[str, Written(by="author")]


class Whole(BaseModel):
    number: int

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorators on properties
    @property
    def name(self) -> str:
        return "x"


Named = NewType("Named", str)


@pytest.mark.parametrize(
    "annotation",
    [
        *(str, str | None, list[str], dict[str, int], dict[Colour, str], Any, dict, list, object),
        *(tuple[int, str], Sequence[str], Mapping[str, Theirs], Named, EmailStr, Unsaid, Open),
        *(RootModel[str], list[Unsaid], Unsaid | None, dict[Colour, Unsaid], Whole),
        Annotated[str, Field(pattern=r"^[^\x00-\x1f]*$")],
        Annotated[str, Field(max_length=20)],
        Annotated[str, Field(pattern=r"^[\w ]+$")],
    ],
)
def test_a_free_text_that_does_not_say_who_wrote_it_is_refused(annotation: Any) -> None:
    with pytest.raises(TypeError, match=r"who wrote|open model"):
        reader_of(annotation, "the answer")


@pytest.mark.parametrize(
    "annotation",
    [
        *(int, None, bool, datetime, Decimal, UUID, Colour, Literal["a", "b"], Ours, list[Ours]),
        Annotated[str, Field(pattern=r"^[A-Z]{3}$")],
        Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,6})(\.[0-9]{1,3})?$")] | None,
        dict[Colour, int],
    ],
)
def test_what_can_say_nothing_needs_no_word(annotation: Any) -> None:
    assert reader_of(annotation, "the answer") is None


def test_a_tool_whose_answer_does_not_say_who_wrote_it_is_refused_at_start() -> None:
    async def look(ctx: Context) -> Unsaid:
        """Look."""
        return Unsaid(text="")

    with pytest.raises(TypeError, match=r"the answer of look\.text"):
        ToolGroup("things").tool(scope="things:read", risk=Risk.READ, rest="GET /x")(look)


def test_the_taint_follows_from_the_values() -> None:
    reader = reader_of(Page, "a page")
    assert found_in(reader, Page(total=0, things=[])).records == {}
    things = [
        Thing(id="X1", title=""),
        Thing(id="X2", title="hello", notes=[Note(text=None)]),
        Thing(id="X3", title=" ", notes=[Note(text="hello")]),
    ]
    page = Page(total=3, things=things)
    expected = {
        Record("thing", "X1"): set(),
        Record("thing", "X2"): {"customer"},
        Record("thing", "X3"): {"staff"},
    }
    assert found_in(reader, page).records == expected
    assert found_in(reader, page.model_dump(mode="json")).records == expected


@pytest.mark.parametrize(
    ("annotation", "value", "writers"),
    [
        (list[Theirs], ["", "a"], {"customer"}),
        (dict[Colour, Theirs], {Colour.RED: "a"}, {"customer"}),
        (dict[Theirs, int], {"a": 1}, {"customer"}),
        (tuple[int, Theirs], (1, "a"), {"customer"}),
        (Entry, {"name": "a"}, {"author"}),
        (int | Theirs | None, "a", {"customer"}),
        (Annotated[dict[str, Any], Written(by="outside")], {}, set()),
        (Annotated[dict[str, Any], Written(by="outside")], {"a": 1}, {"outside"}),
        (Annotated[list[Any], Written(by="outside")], [[{1: {2: "a"}}]], {"outside"}),
        (Annotated[list[Any], Written(by="outside")], [[{1: {2: 3}}]], set()),
        (Annotated[str, Written(by=("author", "desk"))], "a", {"author"}),
    ],
)
def test_texts_are_found_wherever_they_are(annotation: Any, value: Any, writers: set[str]) -> None:
    assert found_in(reader_of(annotation, "it"), value).writers == writers


def test_only_these_tools_of_the_desk_tell_nothing_of_anybodys() -> None:
    silent = {tool.name for group in GROUPS for tool in group.tools if tool.reader is None}
    assert {"approve_call", "deny_call", "erase_customer"} <= silent
    assert silent.isdisjoint({"get_ticket", "list_approvals", "update_order_status"})
