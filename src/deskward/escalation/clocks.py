"""The clocks of a ticket: pure functions of what was said in it and of the states that it was in.

Nothing is kept in step with them. Whoever wants to know how a clock stands reads the ticket's
history, and every change of it, a merge or a policy of another kind is in the next answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from deskward.escalation.agreements import WHICH, Agreement, Which
from deskward.escalation.calendars import Calendar
from deskward.tickets.messages import By
from deskward.tickets.models import Priority, Status

How = Literal["running", "paused", "met", "late", "replaced", "ended"]
"""`met` and `late`: it was stopped, in time or not. `replaced`: another policy or team has it anew.
`ended`: the ticket came to its end before anybody answered."""
LIVE: tuple[How, ...] = ("running", "paused")
WORKED_ON: tuple[Status, ...] = ("open", "pending")
ANSWERING: frozenset[By] = frozenset({"staff", "agent", "service"})
"""Whose message is an answer where no policy says."""
ZERO = timedelta(0)


@dataclass(frozen=True)
class Said:
    """A message, no note.

    Attributes:
        place: Which of the ticket's messages it is; None of one that its moment places, because it
            came from another ticket or from a file.
    """

    at: datetime
    by: By
    place: int | None = None


@dataclass(frozen=True)
class State:
    """A ticket's state from a moment on.

    Attributes:
        messages: How many messages the ticket then had, which came before it; None where nothing
            but its moment is known.
    """

    at: datetime
    status: Status
    priority: Priority
    team: str | None = None
    spam: bool = False
    messages: int | None = None

    @property
    def is_worked_on(self) -> bool:
        """Whether somebody is to work on it."""
        return self.status in WORKED_ON and not self.spam


@dataclass(frozen=True)
class Terms:
    """A policy, with its calendar, as it counts for one ticket."""

    agreement: Agreement
    calendar: Calendar


Find = Callable[[State], Terms | None]
"""The terms of a ticket that is in a state."""


@dataclass(frozen=True)
class Clock:
    """How a clock stands.

    Attributes:
        started_at: When its customer began to wait.
        target: How long it may run, in the calendar's time.
        spent: How much of that has run.
        due_at: When it runs out if nothing more comes; None of one that is paused or was stopped,
            and where nobody works for years.
        warn_at: When the ticket is to be escalated; None as above.
        ended_at: When it was stopped.
        overdue: Whether it has run longer than it may.
        by_hand: Whether somebody has set its moment by hand.
    """

    which: Which
    policy: str
    how: How
    started_at: datetime
    target: timedelta
    spent: timedelta
    due_at: datetime | None = None
    warn_at: datetime | None = None
    ended_at: datetime | None = None
    overdue: bool = False
    by_hand: bool = False
    specialist: str | None = None


@dataclass(frozen=True)
class _Run:
    """A clock that runs, or is paused: the spans in which it ran, the last one open."""

    which: Which
    terms: Terms
    started: datetime
    since: datetime | None
    spans: tuple[tuple[datetime, datetime], ...] = ()

    @property
    def target(self) -> timedelta:
        return self.terms.agreement.target(self.which) or ZERO

    def paused(self, at: datetime) -> _Run:
        if self.since is None:
            return self
        return replace(self, since=None, spans=(*self.spans, (self.since, at)))

    def resumed(self, at: datetime) -> _Run:
        if self.since is not None:
            return self
        # What ran until later than now ran by a clock that was fast.
        spans = tuple((start, min(end, at)) for start, end in self.spans if start < at)
        return replace(self, since=at, spans=spans)

    def spent(self, until: datetime) -> timedelta:
        open_ = ((self.since, until),) if self.since is not None else ()
        worked = (self.terms.calendar.between(*span) for span in (*self.spans, *open_))
        return sum(worked, ZERO)

    def left_is(self, left: timedelta) -> datetime | None:
        """When so much of it is left, if it runs on."""
        if self.since is None:
            return None
        work, calendar = self.target - left, self.terms.calendar
        for start, end in self.spans:
            part = calendar.between(start, end)
            if work <= part:
                return calendar.after(start, work)
            work -= part
        return calendar.after(self.since, work)

    def stopped(self, at: datetime, how: How | None = None) -> Clock:
        """How it ended; late where that was too late, however it ended."""
        spent = self.spent(at)
        overdue = spent > self.target
        return Clock(
            self.which,
            self.terms.agreement.id,
            ("late" if overdue else "met") if how is None else how,
            self.started,
            self.target,
            spent,
            ended_at=at,
            overdue=overdue,
            specialist=self.terms.agreement.specialist,
        )


@dataclass
class _Walk:
    """Goes along a ticket's history."""

    find: Find
    state: State
    terms: Terms | None
    team: str | None
    answered: bool = False
    owed: dict[Which, datetime] = field(default_factory=dict)
    runs: dict[Which, _Run] = field(default_factory=dict)
    done: list[Clock] = field(default_factory=list)
    waits_for_customer: bool = False
    over_since: datetime | None = None

    def start(self, which: Which, at: datetime) -> None:
        """Have a clock run, as far as the policy has one."""
        self.owed.setdefault(which, at)
        if self.terms is not None and self.terms.agreement.target(which):
            run = _Run(which, self.terms, at, at)
            self.runs[which] = run if self._runs(which) else run.paused(at)

    def says(self, one: Said, *, first: bool) -> None:
        """Take a message: a customer's begins a wait, and an answer ends it."""
        response: Which = "next_response" if self.answered else "first_response"
        opens = first and one.by != "staff"  # also where the desk opened it for who asked for help
        if one.by == "customer" or opens:
            self.waits_for_customer = False
            if response not in self.owed:
                self.start(response, one.at)
        elif one.by in (self.terms.agreement.answered_by if self.terms else ANSWERING):
            self.answered = True
            self.owed.pop(response, None)
            if (run := self.runs.pop(response, None)) is not None:
                self.done.append(run.stopped(one.at))
        self.pause(one.at)

    def becomes(self, state: State) -> None:
        """Take another state."""
        before, self.state = self.state, state
        if state.status != before.status:
            self.waits_for_customer = state.status == "pending"
        if not state.is_worked_on:
            self.over_since = self.over_since if not before.is_worked_on else state.at
        else:
            terms = self.find(state)
            if terms != self.terms or state.team != self.team:
                self.terms, self.team = terms, state.team
                self._changed(state.at)
        self.pause(state.at)

    def _changed(self, at: datetime) -> None:
        """Another policy, or another team: its clocks take the place of those that run."""
        restarts = self.terms is None or self.terms.agreement.after_change == "restart"
        for which, since in list(self.owed.items()):
            run = self.runs.pop(which, None)
            if run is None or restarts:
                if run is not None:
                    self.done.append(run.stopped(at, "replaced"))
                self.start(which, at if restarts else since)
            elif self.terms is not None and self.terms.agreement.target(which):
                self.runs[which] = replace(run, terms=self.terms)

    def pause(self, at: datetime) -> None:
        """Have those clocks run that run in this state, and no others."""
        for which, run in self.runs.items():
            self.runs[which] = run.resumed(at) if self._runs(which) else run.paused(at)

    def _runs(self, which: Which) -> bool:
        return self.state.is_worked_on and not (which == "resolution" and self.waits_for_customer)


def clocks(
    states: Sequence[State],
    said: Sequence[Said],
    find: Find,
    until: datetime,
    by_hand: Mapping[Which, datetime] | None = None,
) -> list[Clock]:
    """How the clocks of a ticket stand, those that were stopped first.

    Args:
        states: The states that it was in, in order, the first one from its opening on.
        said: Its messages without notes.
        find: Its terms, by its state.
        until: The present moment.
        by_hand: Moments that somebody has set for a clock that runs: they count instead of its own.
    """
    first, events = states[0], _in_order(states[1:], said)
    opening = next((one for one in events if isinstance(one, Said)), None)
    walk = _Walk(find, first, find(first), first.team)
    if not first.is_worked_on:
        walk.over_since = first.at
    walk.start("resolution", first.at)
    for event in events:
        if isinstance(event, State):
            walk.becomes(event)
        else:
            walk.says(event, first=event is opening)
    live = [_live(run, walk, until, by_hand or {}) for run in walk.runs.values()]
    return [*walk.done, *sorted(live, key=lambda one: WHICH.index(one.which))]


def _in_order(states: Iterable[State], said: Iterable[Said]) -> list[State | Said]:
    """All that happened, in the order in which it did, whatever the clock then said.

    What nothing but its moment places comes in between by that; of one moment what was said comes
    first, which the change came with.
    """
    placed = deque(sorted((one for one in said if one.place is not None), key=_place))
    others = deque(sorted((one for one in said if one.place is None), key=lambda one: one.at))
    events: list[State | Said] = []
    latest: datetime | None = None
    for one in (*_with_messages(states, placed), *placed):
        latest = one.at if latest is None else max(latest, one.at)
        while others and others[0].at <= latest:
            events.append(others.popleft())
        events.append(one)
    return [*events, *others]


def _with_messages(states: Iterable[State], placed: deque[Said]) -> Iterator[State | Said]:
    """The states, each behind those messages that came before it, which are taken away."""
    for state in states:
        while placed and _is_before(placed[0], state):
            yield placed.popleft()
        yield state


def _is_before(one: Said, state: State) -> bool:
    return one.at <= state.at if state.messages is None else _place(one) <= state.messages


def _place(one: Said) -> int:
    return one.place or 0


def _live(run: _Run, walk: _Walk, until: datetime, by_hand: Mapping[Which, datetime]) -> Clock:
    agreement = run.terms.agreement
    if not walk.state.is_worked_on:  # it goes on where the ticket is opened again
        is_done = run.which == "resolution" and not walk.state.spam
        return run.stopped(walk.over_since or until, None if is_done else "ended")
    due, warn = run.left_is(ZERO), run.left_is(agreement.warning(run.which))
    moment = by_hand.get(run.which)
    set_by_hand = moment is not None and moment > run.started
    if moment is not None and set_by_hand:
        due, warn = moment, moment - agreement.warn
    spent = run.spent(until)
    return Clock(
        run.which,
        agreement.id,
        "running" if run.since is not None else "paused",
        run.started,
        run.target,
        spent,
        due_at=due,
        warn_at=warn,
        overdue=until > due if due is not None else spent > run.target,
        by_hand=set_by_hand,
        specialist=agreement.specialist,
    )
