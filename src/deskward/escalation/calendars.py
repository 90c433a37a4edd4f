"""Time in which people work: how much of it lies between two moments, and when so much is over.

All is reckoned in real time, so an hour of work is an hour also on the day on which the clocks
change: a day that is open around the clock then has 23 hours, or 25.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from deskward.security.tenants import Tenant, spans_of

LONGEST = 5 * 366
"""Days that are looked at ahead, at the most: where nothing is open until then, nothing is due."""
ZERO = timedelta(0)

Spans = Mapping[int, list[tuple[time, time]]]
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Calendar:
    """When people work.

    Attributes:
        hours: As `mon-fri=09:00-12:00, mon-fri=13:00-17:00`; empty for around the clock.
        zone: The time zone that they are told in.
        holidays: Days on which nobody works, each as `2026-12-25`, or as `12-25` for every year.
    """

    hours: str = ""
    zone: str = "UTC"
    holidays: frozenset[str] = field(default_factory=frozenset)

    @property
    def always(self) -> bool:
        """Whether it is open around the clock, on all days."""
        return not self.hours and not self.holidays

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How much time of work lies between two moments; none where the end is not the later."""
        if end <= start:
            return ZERO
        if self.always:
            return end - start
        worked = ZERO
        for opens, closes in self._from(start):
            if opens >= end:
                break
            worked += min(closes, end) - max(opens, start)
        return worked

    def after(self, start: datetime, work: timedelta) -> datetime | None:
        """When so much time of work is over, counted from a moment; the moment itself for none.

        None where it is not over within some years.
        """
        if work <= ZERO:
            return start
        if self.always:
            return start + work
        for opens, closes in self._from(start):
            begins = max(opens, start)
            if work <= closes - begins:
                return begins + work
            work -= closes - begins
        return None

    def _from(self, start: datetime) -> Iterator[Span]:
        """The spans that end after a moment, in order, without overlaps, in UTC."""
        day = start.astimezone(ZoneInfo(self.zone)).date() - timedelta(days=1)
        last: datetime | None = None
        for _ in range(LONGEST):
            for opens, closes in _spans(self, day):
                begins = opens if last is None else max(opens, last)
                if closes > max(begins, start):
                    yield begins, closes
                last = closes if last is None else max(last, closes)
            if day.year == date.max.year:
                return
            day += timedelta(days=1)


ALWAYS = Calendar()
"""Around the clock."""


def of_tenant(tenant: Tenant | None) -> Calendar:
    """The hours that a tenant has told; around the clock where it has told none."""
    if tenant is None or not tenant.hours:
        return ALWAYS
    return Calendar(tenant.hours, tenant.time_zone or "UTC")


@lru_cache(maxsize=256)
def _read(hours: str) -> Spans:
    whole = [(time.min, time.max)]
    return spans_of(hours) if hours else dict.fromkeys(range(7), whole)


@lru_cache(maxsize=16_384)
def _spans(calendar: Calendar, day: date) -> tuple[Span, ...]:
    """When people work on a day, in order and in UTC."""
    if {day.isoformat(), f"{day:%m-%d}"} & calendar.holidays:
        return ()
    zone = ZoneInfo(calendar.zone)
    spans = (
        (_moment(day, start, zone, 0), _moment(day, end, zone, 1))
        for start, end in _read(calendar.hours).get(day.weekday(), ())
    )
    return tuple(sorted((start, end) for start, end in spans if start < end))


def _moment(day: date, at: time, zone: ZoneInfo, fold: int) -> datetime:
    """A time of a day; of one that comes twice, the first begins a span, and the second ends it.

    One that the clocks leave out is the moment at which they are put forward.
    """
    if (
        at == time.max
    ):  # the day's end, where the next one begins: a midnight that comes again is its
        day, at, fold = day + timedelta(days=1), time.min, 0
    before, after = (datetime.combine(day, at.replace(fold=one), zone) for one in (0, 1))
    if _offset(before) < _offset(after):
        return _put_forward(after.astimezone(UTC), before.astimezone(UTC), zone)
    return (after if fold else before).astimezone(UTC)


def _put_forward(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    """The moment between two, the later one included, from which the later one's offset counts."""
    offset = _offset(late.astimezone(zone))
    while late - early > timedelta(seconds=1):
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if _offset(middle.astimezone(zone)) == offset:
            late = middle
        else:
            early = middle
    return late


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or ZERO
