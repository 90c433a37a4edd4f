"""Lines of a file of tickets: a ticket with its messages, as JSON."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from deskward.core.characters import holds_nul
from deskward.core.custom_fields import CustomFields
from deskward.core.errors import DeskwardError
from deskward.core.line_files import json_objects, not_in, opened
from deskward.core.moments import Moment
from deskward.core.problems import problems_of
from deskward.customers.normal import email_key
from deskward.tickets.models import Fields, Language, Priority, Source, Status, Subject, Tags, Team

OURS = "deskward"
"""The system of tickets that an export of a desk names by their own ids."""
_OURS = re.compile("[0-9a-f]{32}")
LONGEST_TEXT = 200_000
"""Characters of a message."""

Id = Annotated[str, Field(min_length=1, max_length=200)]
System = Annotated[str, Field(min_length=1, max_length=64)]


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Elsewhere(_Told):
    """An id in another system."""

    system: System
    id: Id


class Whose(_Told):
    """A customer, by one of these."""

    id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    email: Annotated[str, Field(min_length=3, max_length=320)] | None = None
    external_id: Elsewhere | None = None

    @model_validator(mode="after")
    def _one(self) -> Whose:
        if sum(one is not None for one in (self.id, self.email, self.external_id)) != 1:
            raise ValueError("name the customer by an id, an email or an external_id")
        return self


class TicketMessageLine(_Told):
    """A message of a line; `external_id` is how it is known again, else its place."""

    external_id: Id | None = None
    kind: Literal["message", "note"] = "message"
    by: Literal["customer", "staff", "agent"] = "customer"
    author: Annotated[str, Field(max_length=64)] | None = None
    channel: Source | None = None
    text: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
    created_at: Moment

    @model_validator(mode="after")
    def _staffs(self) -> TicketMessageLine:
        if self.kind == "note" and self.by == "customer":
            raise ValueError("a note is by staff or an agent: no customer reads it")
        return self


class TicketLine(_Told):
    """A ticket of a line."""

    system: System = "import"
    external_id: Id
    customer: Whose
    subject: Subject
    status: Status = "open"
    priority: Priority = "normal"
    channel: Source = "api"
    assignee: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    team: Team | None = None
    tags: Tags = []
    fields: Fields = {}
    language: Language | None = None
    spam: bool = False
    created_at: Moment | None = None
    updated_at: Moment | None = None
    resolved_at: Moment | None = None
    messages: Annotated[list[TicketMessageLine], Field(min_length=1, max_length=10_000)]

    @model_validator(mode="after")
    def _begins(self) -> TicketLine:
        if self.messages[0].kind == "note":
            raise ValueError("the first message is no note")
        return self


@dataclass(frozen=True)
class Line:
    """One ticket of a file.

    Attributes:
        number: The line of the file.
        told: What it says, or None where it says nothing that can be taken.
        problem: Why it cannot be taken.
    """

    number: int
    told: TicketLine | None = None
    problem: str = ""

    @property
    def record(self) -> str:
        """The system that the ticket comes from, and its id there, where it says so."""
        return " ".join(self.key) if self.told is not None else ""

    @property
    def key(self) -> tuple[str, str]:
        """The system that the ticket comes from, and its id there."""
        assert self.told is not None
        return self.told.system, self.told.external_id

    @property
    def mail(self) -> str | None:
        """The one form of the mail address that names the customer, where one does."""
        assert self.told is not None
        given = self.told.customer.email
        return email_key(given) if given is not None else None

    @property
    def names(self) -> list[str]:
        """The ids of its messages in this desk: the same line has the same ones."""
        assert self.told is not None
        return [_name(self.told, place, one) for place, one in enumerate(self.told.messages)]


def _name(ticket: TicketLine, place: int, message: TicketMessageLine) -> str:
    known = message.external_id
    if known is not None and _OURS.fullmatch(known):  # as a desk exports them
        return known
    told = (ticket.system, ticket.external_id, "id" if known else "place", known or str(place))
    return hashlib.sha256("\0".join(told).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def lines(file: BinaryIO, declared: CustomFields, encoding: str | None = None) -> Iterator[Line]:
    """The tickets of a file, one at a time; what cannot be read of them has its `problem`.

    Args:
        file: Read from its beginning to its end, once.
        declared: The fields that the desk has declared of tickets.
        encoding: The file's, where it is not UTF-8 (or UTF-16 that says so).

    Raises:
        NotRead: The file is no text, or a line is too long.
    """
    text, _ = opened(file, encoding)
    try:
        for number, value in json_objects(text):
            if value is None:
                yield Line(number, problem="It is no JSON object.")
            else:
                yield _line(number, value, declared)
    except UnicodeError:
        raise not_in(text) from None
    finally:
        text.detach()


def _line(number: int, value: dict[str, Any], declared: CustomFields) -> Line:
    if holds_nul(value):
        return Line(number, problem="It holds a NUL character, which no text has.")
    if isinstance(value.get("customer"), str):
        value["customer"] = {"id": value["customer"]}
    try:
        told = TicketLine.model_validate(value)
        checked = declared.checked(told.fields)
        told.fields = {name: one for name, one in checked.items() if one is not None}
        line = Line(number, told)
        _ = line.mail  # it is one
        return line
    except ValidationError as error:
        return Line(number, problem=problems_of(error, TicketLine))
    except DeskwardError as error:
        return Line(number, problem=error.message)
