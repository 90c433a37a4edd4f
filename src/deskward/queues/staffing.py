"""How many specialists a queue needs, and how soon it begins: from what it has really done.

Erlang C (A. K. Erlang, 1917) takes arrivals by chance, at an even rate, and nobody who gives up. A
support queue is near to that within a shift; over a day with rush hours it is too hopeful.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

MOST = 10_000
"""Specialists that are looked at, at the most."""
ENOUGH = 5
"""How many cases are needed before anything is taken from them."""


def waits(servers: int, load: float) -> float:
    """The share of arrivals that must wait, from 0 to 1; 1 where there is more than can be done.

    Args:
        servers: How many work.
        load: Arrivals within the time that one takes to be handled (in erlangs).
    """
    if load <= 0:
        return 0.0
    if servers <= load:
        return 1.0
    lost = 1.0  # Erlang B, by its recursion: no factorial grows out of bounds
    for count in range(1, servers + 1):
        lost = load * lost / (count + load * lost)
    return lost / (1 - load / servers * (1 - lost))


def begun_within(servers: int, load: float, handling: timedelta, limit: timedelta) -> float:
    """The share of arrivals that is begun within a time, from 0 to 1."""
    if servers <= load:
        return 0.0 if load > 0 else 1.0
    return 1 - waits(servers, load) * math.exp(-(servers - load) * (limit / handling))


def mean_wait(servers: int, load: float, handling: timedelta) -> timedelta | None:
    """How long an arrival waits on average; None where more comes than can be done."""
    if servers <= load:
        return None if load > 0 else timedelta(0)
    return waits(servers, load) * handling / (servers - load)


@dataclass(frozen=True)
class Staffing:
    """How many are needed.

    Attributes:
        begun: The share that is then begun in time.
        mean_wait: How long one then waits on average.
        busy: The share of their time in which they are at work.
    """

    specialists: int
    begun: float
    mean_wait: timedelta
    busy: float


def needed(per_hour: float, handling: timedelta, limit: timedelta, share: float) -> Staffing | None:
    """The fewest who begin a share of what comes within a time; None for more than can be.

    Args:
        per_hour: Arrivals.
        handling: How long one takes.
        limit: Within which time they are to be begun.
        share: How many of them, from 0 up to, but not 1.
    """
    load = per_hour * (handling / timedelta(hours=1))
    for servers in range(max(1, math.floor(load) + 1), MOST):
        begun = begun_within(servers, load, handling, limit)
        wait = mean_wait(servers, load, handling)
        if begun >= share and wait is not None:
            return Staffing(servers, begun, wait, load / servers)
    return None


@dataclass(frozen=True)
class Past:
    """What a queue has done lately.

    Attributes:
        begun: Times from being given something to beginning it.
        handled: Times from beginning something to its end.
    """

    begun: Sequence[timedelta] = ()
    handled: Sequence[timedelta] = ()


def middle_of(times: Sequence[timedelta]) -> timedelta:
    """The median of times."""
    return timedelta(seconds=median(one.total_seconds() for one in times))


def respond_in(
    past: Past, *, ahead: int, slots: int, given: bool, target: timedelta
) -> tuple[timedelta, str]:
    """How soon somebody is likely to begin, and how that is known.

    Args:
        ahead: How much is to be begun before it.
        slots: How much can be worked on at once now.
        given: Whether somebody has it already.
        target: Within which time somebody is to begin.
    """
    if not given and slots < 1:
        return target, "the queue's target; nobody is on shift"
    if len(past.begun) < ENOUGH:
        few = f"the queue's target; only {len(past.begun)} cases are known yet"
        return target, few
    begins = middle_of(past.begun)
    known = f"the median of {len(past.begun)} cases of the last 28 days"
    if given:
        return begins, known
    if len(past.handled) < ENOUGH:
        return target, f"the queue's target; only {len(past.handled)} cases have ended yet"
    rounds = (ahead + 1) / slots
    return begins + rounds * middle_of(past.handled), f"{known}, and {ahead} that come before it"
