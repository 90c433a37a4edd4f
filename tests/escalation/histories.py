"""Histories of tickets, written shortly."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from deskward.escalation.agreements import Agreement, Agreements, Subject, Which
from deskward.escalation.calendars import ALWAYS, Calendar
from deskward.escalation.clocks import Clock, Find, Said, State, Terms, clocks

MONDAY = datetime.fromisoformat("2026-11-30T09:00+00:00")
H = timedelta(hours=1)
M = timedelta(minutes=1)


def at(hours: float) -> datetime:
    """So many hours after a Monday at nine."""
    return MONDAY + hours * H


def policy(name: str = "usual", **more: Any) -> Agreement:
    told = {"first_response": "2h", "next_response": "3h", "resolution": "10h", "warn": "30m"}
    return Agreement.model_validate({"id": name, "calendar": "always", **told, **more})


def terms(*policies: Agreement, calendar: Calendar = ALWAYS, tier: str = "") -> Find:
    """What finds the terms of a ticket among some policies."""
    all_of_them = Agreements(policies=policies)

    def find(state: State) -> Terms | None:
        about = Subject(tier=tier, priority=state.priority, team=state.team)
        found = all_of_them.of(about)
        return Terms(found, calendar) if found is not None else None

    return find


@dataclass
class History:
    """A ticket's history, told event by event, in hours."""

    find: Find = field(default_factory=lambda: terms(policy()))
    states: list[State] = field(default_factory=lambda: [State(at(0), "open", "normal")])
    said: list[Said] = field(default_factory=lambda: [Said(at(0), "customer")])
    by_hand: dict[Which, datetime] = field(default_factory=dict)

    def says(self, hours: float, by: Any) -> History:
        self.said.append(Said(at(hours), by))
        return self

    def becomes(self, hours: float, **change: Any) -> History:
        last = self.states[-1]
        told = {**vars(last), "at": at(hours), **change}
        self.states.append(State(**told))
        return self

    def at(self, hours: float) -> list[Clock]:
        return clocks(self.states, self.said, self.find, at(hours), self.by_hand)

    def one(self, hours: float, which: Which) -> Clock:
        """The last clock of a kind."""
        return [clock for clock in self.at(hours) if clock.which == which][-1]
