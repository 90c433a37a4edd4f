"""Time of work, reckoned by hand: lunch, holidays, nights, and days on which the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskward.escalation.calendars import ALWAYS, Calendar, of_tenant
from deskward.security.tenants import Tenant

LUNCH = "mon-fri=09:00-12:00, mon-fri=13:00-17:00"
BERLIN = Calendar(LUNCH, "Europe/Berlin", frozenset({"2026-12-25", "01-01"}))
NEW_YORK = Calendar("mon-sun=00:00-24:00", "America/New_York")
NIGHT = Calendar("sun=01:00-04:00", "Europe/Berlin")
EARLY = Calendar("sun=01:00-02:30", "Europe/Berlin")
LORD_HOWE = Calendar("sun=00:00-24:00", "Australia/Lord_Howe")
OVERLAP = Calendar("mon=09:00-12:00, mon=10:00-13:00", "UTC")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("calendar", "start", "end", "minutes"),
    [
        # Within a morning; over lunch; in lunch; from lunch on; over a night.
        (BERLIN, "2026-11-26T09:30+01:00", "2026-11-26T10:15+01:00", 45),
        (BERLIN, "2026-11-26T11:30+01:00", "2026-11-26T13:30+01:00", 60),
        (BERLIN, "2026-11-26T12:05+01:00", "2026-11-26T12:55+01:00", 0),
        (BERLIN, "2026-11-26T12:30+01:00", "2026-11-26T14:00+01:00", 60),
        (BERLIN, "2026-11-26T16:00+01:00", "2026-11-27T10:00+01:00", 120),
        # Over a weekend: Friday's last hour and Monday's first.
        (BERLIN, "2026-11-27T16:00+01:00", "2026-11-30T10:00+01:00", 120),
        # Christmas Day 2026 is a Friday; New Year's Day is one in every year.
        (BERLIN, "2026-12-24T16:00+01:00", "2026-12-28T10:00+01:00", 120),
        (BERLIN, "2026-12-31T16:00+01:00", "2027-01-04T10:00+01:00", 120),
        (BERLIN, "2029-12-31T16:00+01:00", "2030-01-02T10:00+01:00", 120),
        # From Friday to Monday over either change of the clocks: the office's hours move in UTC.
        (BERLIN, "2026-03-27T15:00:00+00:00", "2026-03-30T08:00:00+00:00", 60 + 60),
        (BERLIN, "2026-10-23T14:00:00+00:00", "2026-10-26T09:00:00+00:00", 60 + 60),
        # A day around the clock: 23 hours in March, 25 in November.
        (NEW_YORK, "2026-03-08T00:00-05:00", "2026-03-09T00:00-04:00", 23 * 60),
        (NEW_YORK, "2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00", 25 * 60),
        # A span that the change is in: 02:00 to 03:00 is not there, or is there twice.
        (NIGHT, "2026-03-29T00:00+01:00", "2026-03-29T06:00+02:00", 2 * 60),
        (NIGHT, "2026-10-25T00:00+02:00", "2026-10-25T06:00+01:00", 4 * 60),
        # A span that ends in the hour that comes twice ends the second time.
        (EARLY, "2026-10-25T00:00+02:00", "2026-10-25T06:00+01:00", 150),
        # Where the clocks change by half an hour.
        (LORD_HOWE, "2026-10-04T00:00+10:30", "2026-10-05T00:00+11:00", 23 * 60 + 30),
        (LORD_HOWE, "2026-04-05T00:00+11:00", "2026-04-06T00:00+10:30", 24 * 60 + 30),
        # What overlaps counts once, and what ends before it begins not at all.
        (OVERLAP, "2026-11-30T00:00Z", "2026-12-01T00:00Z", 4 * 60),
        (BERLIN, "2026-11-26T11:00+01:00", "2026-11-26T10:00+01:00", 0),
        (ALWAYS, "2026-11-28T00:00Z", "2026-11-29T12:00Z", 36 * 60),
    ],
)
def test_work_between_two_moments(calendar: Calendar, start: str, end: str, minutes: int) -> None:
    assert calendar.between(at(start), at(end)) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("calendar", "start", "minutes", "end"),
    [
        (BERLIN, "2026-11-26T11:30+01:00", 30, "2026-11-26T12:00+01:00"),
        (BERLIN, "2026-11-26T11:30+01:00", 31, "2026-11-26T13:01+01:00"),
        (BERLIN, "2026-11-27T16:30+01:00", 60, "2026-11-30T09:30+01:00"),
        (BERLIN, "2026-11-28T03:00+01:00", 1, "2026-11-30T09:01+01:00"),
        (BERLIN, "2026-12-24T16:30+01:00", 60, "2026-12-28T09:30+01:00"),
        # Friday before the change, 16:30 in winter, to Monday in summer, at 09:30.
        (BERLIN, "2026-03-27T16:30+01:00", 60, "2026-03-30T09:30+02:00"),
        (NIGHT, "2026-03-29T01:30+01:00", 60, "2026-03-29T03:30+02:00"),
        (NIGHT, "2026-10-25T01:30+02:00", 120, "2026-10-25T02:30+01:00"),
        (ALWAYS, "2026-11-26T11:30Z", 90, "2026-11-26T13:00Z"),
        (BERLIN, "2026-11-26T12:30+01:00", 0, "2026-11-26T12:30+01:00"),
    ],
)
def test_when_so_much_work_is_over(calendar: Calendar, start: str, minutes: int, end: str) -> None:
    assert calendar.after(at(start), timedelta(minutes=minutes)) == at(end)


def test_where_nobody_ever_works_nothing_is_over() -> None:
    closed = Calendar("mon=09:00-10:00", "UTC", frozenset(_mondays()))
    assert closed.after(at("2026-01-01T00:00Z"), timedelta(minutes=1)) is None


def _mondays() -> set[str]:
    day = datetime(2025, 12, 29, tzinfo=UTC)
    return {f"{day + timedelta(weeks=week):%Y-%m-%d}" for week in range(300)}


def test_the_tenants_own_hours_are_a_calendar() -> None:
    assert of_tenant(None) is ALWAYS
    assert of_tenant(Tenant("t")) is ALWAYS
    own = of_tenant(Tenant("t", hours=LUNCH, time_zone="Europe/Berlin"))
    assert own.between(at("2026-11-26T11:30+01:00"), at("2026-11-26T13:30+01:00")) == timedelta(
        hours=1
    )


@pytest.mark.parametrize(
    ("zone", "noon"),
    [
        ("Asia/Beirut", "2026-03-28T12:00+02:00"),
        ("Africa/Cairo", "2026-04-23T12:00+02:00"),
        ("America/Havana", "2026-03-07T12:00-05:00"),
        ("America/Santiago", "2026-09-05T12:00-04:00"),
        ("Asia/Beirut", "2026-10-24T12:00+03:00"),  # the hour before midnight comes twice
    ],
)
@pytest.mark.parametrize(
    "told", [{"hours": "mon-sun=00:00-24:00"}, {"holidays": frozenset({"12-25"})}]
)
def test_no_hour_is_lost_where_the_clocks_change_at_midnight(
    zone: str, noon: str, told: dict[str, Any]
) -> None:
    whole, start = Calendar(zone=zone, **told), at(noon)
    for hours in (6, 12, 13, 24, 30):
        assert whole.between(start, start + timedelta(hours=hours)) == timedelta(hours=hours)
        assert whole.after(start, timedelta(hours=hours)) == start + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("hours", "minutes"),
    [
        ("sun=00:00-02:30", 120),
        ("sun=02:30-04:00", 60),
        ("sun=02:10-02:50", 0),
        ("sun=00:00-02:00", 120),
        ("sun=03:00-04:00", 60),
        ("sun=01:00-03:00", 60),
    ],
)
def test_a_time_that_the_clocks_leave_out_is_when_they_are_put_forward(
    hours: str, minutes: int
) -> None:
    night, start = Calendar(hours, "Europe/Berlin"), at("2026-03-29T00:00+01:00")
    assert night.between(start, start + timedelta(hours=12)) == timedelta(minutes=minutes)


moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)).map(
    lambda one: one.replace(tzinfo=UTC)
)
BEIRUT = Calendar("mon-sun=00:00-24:00", "Asia/Beirut", frozenset({"12-25"}))
calendars = st.sampled_from([BERLIN, NEW_YORK, NIGHT, LORD_HOWE, ALWAYS, OVERLAP, BEIRUT])


@given(calendars, st.lists(moments, min_size=2, max_size=5))
def test_parts_make_the_whole(calendar: Calendar, some: list[datetime]) -> None:
    some.sort()
    parts = sum((calendar.between(*pair) for pair in pairwise(some)), timedelta(0))
    assert parts == calendar.between(some[0], some[-1])
    assert timedelta(0) <= parts <= some[-1] - some[0]


@given(calendars, moments, st.timedeltas(timedelta(seconds=1), timedelta(hours=90)))
def test_when_it_is_over_is_when_so_much_was_worked(
    calendar: Calendar, start: datetime, work: timedelta
) -> None:
    end = calendar.after(start, work)
    assert end is not None
    assert calendar.between(start, end) == work
    assert calendar.between(start, end - timedelta(microseconds=1)) < work


@pytest.mark.parametrize(
    ("hours", "zone", "holidays", "start", "end", "worked"),
    [
        # The clocks go back from one to midnight: that hour is the later day's, which is closed.
        ("", "Atlantic/Azores", {"2026-10-25"}, (10, 25, 0), (10, 26, 1), 0),
        ("mon-sun=00:00-24:00", "Atlantic/Azores", {"2026-10-25"}, (10, 25, 0), (10, 26, 1), 0),
        ("mon-sun=00:00-24:00", "Atlantic/Azores", {"2026-10-24"}, (10, 25, 0), (10, 26, 1), 25),
        ("sat=22:00-24:00", "America/Havana", set(), (10, 31, 12), (11, 1, 12), 2),
        ("sun=00:00-02:00", "America/Havana", set(), (10, 31, 12), (11, 1, 12), 3),
    ],
)
def test_a_midnight_that_comes_twice_ends_its_day_the_first_time(
    hours: str,
    zone: str,
    holidays: set[str],
    start: tuple[int, int, int],
    end: tuple[int, int, int],
    worked: int,
) -> None:
    calendar = Calendar(hours, zone, frozenset(holidays))
    first, last = (datetime(2026, *one, tzinfo=UTC) for one in (start, end))
    assert calendar.between(first, last) == timedelta(hours=worked)
