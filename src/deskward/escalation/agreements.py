"""How soon customers are to be answered: policies of service levels, as data.

The first policy that fits a ticket counts. A file of them is checked whole when it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from deskward.core.errors import InvalidInput
from deskward.core.lengths import Length
from deskward.core.marked_yaml import Marked, Place, Problem, WrongFiles, read_marked
from deskward.escalation.calendars import ALWAYS, Calendar
from deskward.security.tenants import spans_of
from deskward.tickets.messages import By
from deskward.tickets.models import Priority

SHIPPED = Path(__file__).with_name("agreements.yaml")
"""The policies that ship with Deskward."""
DESK = "desk"
"""The calendar that is the tenant's own hours."""
AROUND_THE_CLOCK = "always"
_HOLIDAY = re.compile(r"(?:\d{4}-)?\d\d-\d\d")
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Which = Literal["first_response", "next_response", "resolution"]
"""`first_response` and `next_response`: from a customer's first words that nobody has answered, to
the answer. `resolution`: from the opening to the end, without waiting for the customer."""
WHICH: tuple[Which, ...] = ("first_response", "next_response", "resolution")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hours(_Part):
    """A calendar as it is written.

    Attributes:
        hours: As `mon-fri=09:00-12:00, mon-fri=13:00-17:00`.
        holidays: Days as `2026-12-25`, or `12-25` for every year.
    """

    zone: str
    hours: str = Field("", max_length=1_000)
    holidays: tuple[str, ...] = ()

    @field_validator("zone")
    @classmethod
    def _a_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"there is no time zone {value!r}; write it as Europe/Berlin")
        return value

    @field_validator("hours")
    @classmethod
    def _are_hours(cls, value: str) -> str:
        try:
            spans_of(value)
        except InvalidInput as error:
            raise ValueError(str(error)) from None
        return value

    @field_validator("holidays", mode="before")
    @classmethod
    def _days(cls, value: object) -> object:
        if not isinstance(value, list):
            raise ValueError("write holidays as a list of days")
        return tuple(one.isoformat() if isinstance(one, date) else one for one in value)

    @field_validator("holidays")
    @classmethod
    def _are_days(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            try:
                if not _HOLIDAY.fullmatch(one):
                    raise ValueError
                date.fromisoformat(one if len(one) > 5 else f"2024-{one}")
            except ValueError:
                text = f"{one!r} is no day; write 2026-12-25, or 12-25 for every year"
                raise ValueError(text) from None
        return value

    @property
    def calendar(self) -> Calendar:
        """The calendar."""
        return Calendar(self.hours, self.zone, frozenset(self.holidays))


class Fits(_Part):
    """Which tickets a policy is for: what is left out is any; of a list one has to be so."""

    tier: tuple[str, ...] | None = Field(None, min_length=1)
    product: tuple[str, ...] | None = Field(None, min_length=1)
    priority: tuple[Priority, ...] | None = Field(None, min_length=1)
    team: tuple[str, ...] | None = Field(None, min_length=1)

    def fits(self, ticket: Subject) -> bool:
        """Whether a ticket is one of them."""
        for wanted, there in (
            (self.tier, ticket.tier),
            (self.product, ticket.product),
            (self.priority, ticket.priority),
            (self.team, ticket.team or ""),
        ):
            if wanted is not None and there.casefold() not in map(str.casefold, wanted):
                return False
        return True


class Subject(_Part):
    """What of a ticket its policy goes by."""

    tier: str = ""
    product: str = ""
    priority: Priority = "normal"
    team: str | None = None


class Agreement(_Part):
    """A policy.

    Attributes:
        calendar: A calendar's name; `desk` for the tenant's hours, `always` for around the clock.
        warn: How long before a clock runs out the ticket is escalated, in the calendar's time.
        answered_by: Whose message is an answer.
        after_change: Of a ticket that comes to it from another policy or team: whether its clocks
            `restart` at that moment, or `continue` as if it had been here from the start.
        specialist: Whose queue an escalated ticket goes to; None where staff are told alone.
    """

    id: Name
    when: Fits = Fits()
    calendar: Name = DESK
    first_response: Length | None = None
    next_response: Length | None = None
    resolution: Length | None = None
    warn: Length = timedelta(minutes=30)
    answered_by: tuple[By, ...] = ("agent", "service", "staff")
    after_change: Literal["restart", "continue"] = "restart"
    specialist: Name | None = None

    @field_validator("answered_by")
    @classmethod
    def _by_somebody(cls, value: tuple[By, ...]) -> tuple[By, ...]:
        if "customer" in value or not value:
            raise ValueError("name who answers; no customer answers themselves")
        return tuple(sorted(set(value)))  # in one order: the policies' digest is kept

    @model_validator(mode="after")
    def _limits_something(self) -> Agreement:
        if not any(self.target(which) for which in WHICH):
            raise ValueError(f"the policy {self.id} says no time: give {', '.join(WHICH)}")
        return self

    def target(self, which: Which) -> timedelta | None:
        """How long a clock may run; None for as long as it likes."""
        found: timedelta | None = getattr(self, which)
        return found

    def warning(self, which: Which) -> timedelta:
        """How much of a clock is left when the ticket is escalated: half of a short one."""
        target = self.target(which) or timedelta(0)
        return min(self.warn, target / 2)


class Agreements(_Part):
    """All policies of a desk, the first that fits counting, and their calendars."""

    calendars: dict[Name, Hours] = {}
    policies: tuple[Agreement, ...]

    def of(self, ticket: Subject) -> Agreement | None:
        """The policy of a ticket; None where none fits."""
        return next((one for one in self.policies if one.when.fits(ticket)), None)

    def calendar(self, name: str, desk: Calendar) -> Calendar:
        """The calendar of a name.

        Args:
            desk: The tenant's own hours.
        """
        if name in self.calendars:
            return self.calendars[name].calendar
        return desk if name == DESK else ALWAYS


def load(file: Path | None = None, specialists: Sequence[str] | None = None) -> Agreements:
    """Read policies and see that they can be used.

    Args:
        file: The operator's own; those that ship where it is left out.
        specialists: The types of specialists that there are, where policies must name one of them.

    Raises:
        WrongFiles: Something is wrong; it tells all of it, with file and line.
    """
    found, problems = check(file or SHIPPED)
    if specialists is not None:
        problems += unknown_specialists(file or SHIPPED, specialists)
    if found is None or problems:
        raise WrongFiles(problems)
    return found


def check(file: Path) -> tuple[Agreements | None, list[Problem]]:
    """The policies of a file, and all that is wrong with them."""
    example = "`policies:` with a list of them, each with an `id`"
    found, problems = read_marked(file, Agreements, called="a file of policies", example=example)
    if found is None:
        return None, problems
    return found.content, [*problems, *(found.problem(*one) for one in _wrong(found))]


def unknown_specialists(file: Path, known: Sequence[str]) -> list[Problem]:
    """Policies of a file that give tickets to specialists who are not among these."""
    example, called = "`policies:` with a list of them", "a file of policies"
    found, _ = read_marked(file, Agreements, called=called, example=example)
    if found is None:
        return []
    return [
        found.problem(
            ("policies", number, "specialist"),
            f"there is no type of specialist “{one.specialist}”; there are {', '.join(known)}",
        )
        for number, one in enumerate(found.content.policies)
        if one.specialist is not None and one.specialist not in known
    ]


def _wrong(found: Marked[Agreements]) -> Iterator[tuple[Place, str]]:
    content = found.content
    for name in content.calendars:
        if name in (DESK, AROUND_THE_CLOCK):
            yield ("calendars", name), f"“{name}” is a calendar already; call yours otherwise"
    known = {DESK, AROUND_THE_CLOCK, *content.calendars}
    seen: set[str] = set()
    before: list[tuple[str, Fits]] = []
    for number, one in enumerate(content.policies):
        place: Place = ("policies", number)
        if one.id in seen:
            yield (*place, "id"), f"there is a policy “{one.id}” before it already"
        seen.add(one.id)
        if one.calendar not in known:
            told = ", ".join(sorted(known))
            yield (*place, "calendar"), f"there is no calendar “{one.calendar}”; there are {told}"
        for other, wider in before:
            if _covers(wider, one.when):
                yield place, f"it is never come to: “{other}” before it fits every such ticket"
                break
        before.append((one.id, one.when))


def _covers(wider: Fits, narrower: Fits) -> bool:
    """Whether one fits whatever the other one fits."""
    for name in Fits.model_fields:
        outer: Any = getattr(wider, name)
        inner: Any = getattr(narrower, name)
        if outer is not None and (
            inner is None or not {*map(str.casefold, inner)} <= {*map(str.casefold, outer)}
        ):
            return False
    return True
