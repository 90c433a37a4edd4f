"""Erlang C against its definition, and how soon somebody is likely to begin."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskward.queues.staffing import (
    Past,
    begun_within,
    mean_wait,
    needed,
    respond_in,
    waits,
)

M = timedelta(minutes=1)


def by_definition(servers: int, load: float) -> float:
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    return last / (sum(load**k / math.factorial(k) for k in range(servers)) + last)


@given(st.integers(1, 60), st.floats(0.01, 0.99))
def test_the_share_that_waits_is_that_of_the_definition(servers: int, share: float) -> None:
    load = servers * share
    assert waits(servers, load) == pytest.approx(by_definition(servers, load), rel=1e-9)


def test_cases_of_the_textbook() -> None:
    # 100 calls an hour of 3 minutes: 5 erlangs. With 8, one of six waits, and 88 % for 20 seconds
    # at the most.
    assert waits(8, 5) == pytest.approx(0.1673, abs=1e-4)
    assert begun_within(8, 5, 3 * M, timedelta(seconds=20)) == pytest.approx(0.8801, abs=1e-3)
    found = needed(100, 3 * M, timedelta(seconds=20), 0.8)
    assert found is not None
    assert found.specialists == 8
    assert found.busy == pytest.approx(5 / 8)
    # One alone: who comes waits as often as they are busy.
    assert waits(1, 0.5) == pytest.approx(0.5)
    assert mean_wait(1, 0.5, 10 * M) == 10 * M


def test_more_than_can_be_done_waits_for_ever() -> None:
    assert (waits(5, 5), waits(5, 6), waits(5, 0)) == (1.0, 1.0, 0.0)
    assert mean_wait(5, 5, M) is None
    assert begun_within(5, 6, M, M) == 0.0
    assert needed(1e9, timedelta(hours=1), M, 0.8) is None


@given(st.floats(0.1, 200), st.floats(1, 90), st.floats(1, 240), st.sampled_from([0.5, 0.8, 0.95]))
def test_one_fewer_would_not_suffice(
    per_hour: float, handling: float, limit: float, share: float
) -> None:
    found = needed(per_hour, handling * M, limit * M, share)
    assert found is not None
    load = per_hour * handling / 60
    assert found.begun >= share
    assert found.specialists > load
    fewer = found.specialists - 1
    assert fewer <= load or begun_within(fewer, load, handling * M, limit * M) < share


TARGET = 60 * M
KNOWN = Past(begun=[5 * M, 10 * M, 15 * M, 20 * M, 90 * M], handled=[30 * M] * 5)


@pytest.mark.parametrize(
    ("past", "ahead", "slots", "given_", "minutes", "why"),
    [
        (Past(), 0, 3, True, 60, "only 0 cases are known yet"),
        (Past(KNOWN.begun[:4]), 0, 3, True, 60, "only 4 cases are known yet"),
        (KNOWN, 0, 3, True, 15, "the median of 5 cases of the last 28 days"),
        (KNOWN, 0, 3, False, 15 + 10, "and 0 that come before it"),
        (KNOWN, 5, 3, False, 15 + 60, "and 5 that come before it"),
        (KNOWN, 5, 0, False, 60, "nobody is on shift"),
        (Past(KNOWN.begun), 5, 3, False, 60, "only 0 cases have ended yet"),
    ],
)
def test_how_soon_somebody_begins_is_taken_from_what_was(
    past: Past, ahead: int, slots: int, given_: bool, minutes: int, why: str
) -> None:
    time, known = respond_in(past, ahead=ahead, slots=slots, given=given_, target=TARGET)
    assert time == minutes * M
    assert why in known
