"""The clocks of tickets, against cases reckoned by hand and what other desks got wrong."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskward.escalation.calendars import Calendar
from deskward.escalation.clocks import LIVE, Said, State, clocks
from tests.escalation.histories import H, History, M, at, policy, terms

BERLIN = Calendar("mon-fri=09:00-12:00, mon-fri=13:00-17:00", "Europe/Berlin")


def test_a_first_answer_is_due_and_stops_its_clock() -> None:
    ticket = History()
    clock = ticket.one(1, "first_response")
    assert (clock.how, clock.due_at, clock.warn_at) == ("running", at(2), at(1.5))
    assert (clock.spent, clock.overdue) == (H, False)
    assert ticket.one(2, "first_response").overdue is False
    assert ticket.one(2.01, "first_response").overdue is True
    clock = ticket.says(1.75, "staff").one(9, "first_response")
    assert (clock.how, clock.spent, clock.ended_at) == ("met", 1.75 * H, at(1.75))
    assert [one.which for one in ticket.at(9) if one.how in LIVE] == ["resolution"]


def test_an_answer_that_came_too_late_is_late() -> None:
    clock = History().says(2.5, "staff").one(9, "first_response")
    assert (clock.how, clock.overdue, clock.spent) == ("late", True, 2.5 * H)


@pytest.mark.parametrize(
    "change",
    [{"status": "pending"}, {"priority": "high"}, {"status": "pending", "priority": "low"}],
    ids=str,
)
def test_an_update_is_no_answer(change: dict[str, Any]) -> None:
    ticket = History().becomes(1, **change)
    clock = ticket.one(1.5, "first_response")
    assert (clock.how, clock.due_at, clock.spent) == ("running", at(2), 1.5 * H)


@pytest.mark.parametrize("by", ["desk", "customer"])
def test_the_desks_own_words_and_the_customers_are_no_answer(by: str) -> None:
    assert History().says(1, by).one(1.5, "first_response").how == "running"


@pytest.mark.parametrize("by", ["staff", "agent", "service"])
def test_whose_words_are_an_answer_the_policy_says(by: str) -> None:
    assert History().says(1, by).one(1.5, "first_response").how == "met"
    people = History(terms(policy(answered_by=["staff"])))
    assert people.says(1, by).one(1.5, "first_response").how == (
        "met" if by == "staff" else "running"
    )


def test_the_next_answer_is_due_from_the_first_words_that_wait_for_it() -> None:
    ticket = History().says(1, "staff").says(4, "customer").says(5, "customer")
    clock = ticket.one(6, "next_response")
    assert (clock.started_at, clock.due_at, clock.spent) == (at(4), at(7), 2 * H)
    ticket.says(6.5, "staff").says(8, "customer")
    assert [one.how for one in ticket.at(9) if one.which == "next_response"] == ["met", "running"]
    assert ticket.one(9, "next_response").due_at == at(11)


def test_nobody_is_waited_for_who_was_written_to_first() -> None:
    outbound = History(said=[Said(at(0), "staff")])
    assert [one.which for one in outbound.at(9)] == ["resolution"]
    assert outbound.says(9, "customer").one(10, "next_response").due_at == at(12)


def test_who_asked_the_agent_for_a_person_waits_from_then_on() -> None:
    handover = History(said=[Said(at(0), "desk")])
    assert handover.one(1, "first_response").due_at == at(2)
    assert handover.says(1, "staff").one(2, "first_response").how == "met"


def test_waiting_for_the_customer_does_not_count() -> None:
    ticket = History().says(1, "staff").becomes(1, status="pending")
    clock = ticket.one(30, "resolution")
    assert (clock.how, clock.spent, clock.due_at, clock.overdue) == ("paused", H, None, False)
    ticket.says(30, "customer")  # it is pending still, and nobody waits for the customer any more
    clock = ticket.one(31, "resolution")
    assert (clock.how, clock.spent, clock.due_at) == ("running", 2 * H, at(39))


def test_paused_time_is_not_lost_when_it_comes_back() -> None:
    ticket = History().says(1, "staff").becomes(2, status="resolved")
    clock = ticket.one(50, "resolution")
    assert (clock.how, clock.spent, clock.ended_at) == ("met", 2 * H, at(2))
    ticket.becomes(50, status="open")
    clock = ticket.one(51, "resolution")
    assert (clock.how, clock.spent, clock.due_at) == ("running", 3 * H, at(58))
    ticket.becomes(52, status="pending").becomes(90, status="open")
    assert ticket.one(91, "resolution").due_at == at(50 + 8 + 38)


def test_an_answer_that_ends_the_ticket_is_one() -> None:
    """A reply that also resolves: the ticket's state is written first, and then the message."""
    ticket = History().becomes(1, status="resolved").says(1.0001, "staff")
    assert ticket.one(9, "first_response").how == "met"


def test_an_end_without_an_answer_is_none_and_no_breach_later() -> None:
    ticket = History().becomes(1, status="closed")
    clock = ticket.one(900, "first_response")
    assert (clock.how, clock.overdue, clock.due_at) == ("ended", False, None)


def test_who_writes_to_a_resolved_ticket_waits_again() -> None:
    ticket = History().says(1, "staff").becomes(2, status="resolved")
    ticket.says(20, "customer").becomes(20.0001, status="open")
    clock = ticket.one(21, "next_response")
    assert (clock.how, clock.started_at) == ("running", at(20))
    assert clock.due_at is not None
    assert abs(clock.due_at - at(23)) < M


def test_a_merged_ticket_has_no_clock_that_runs() -> None:
    merged = History(said=[]).becomes(1, status="closed")
    assert [one for one in merged.at(99) if one.how in LIVE or one.overdue] == []


def test_the_messages_of_a_merged_ticket_count_in_the_other_one() -> None:
    """It was opened an hour after the one that was merged into it, whose customer waits longer."""
    target = History(said=[Said(at(-1), "customer"), Said(at(0), "customer")])
    assert target.one(0.5, "first_response").due_at == at(1)


def test_spam_has_no_clock_that_runs_and_goes_on_if_it_was_none() -> None:
    ticket = History().becomes(1, spam=True)
    assert [one.how for one in ticket.at(50)] == ["ended", "ended"]
    ticket.becomes(50, spam=False)
    assert ticket.one(50.5, "first_response").due_at == at(51)


TEAMS = terms(
    policy("cards", when={"team": ["cards"]}, first_response="1h", resolution="4h"), policy()
)


def test_after_a_change_of_team_the_new_clock_starts_and_the_old_one_does_not_fire() -> None:
    ticket = History(TEAMS).becomes(1.9, team="cards")
    old, new = [one for one in ticket.at(2.5) if one.which == "first_response"]
    assert (old.how, old.policy, old.due_at, old.warn_at) == ("replaced", "usual", None, None)
    assert (new.how, new.policy, new.started_at) == ("running", "cards", at(1.9))
    assert (new.due_at, new.overdue) == (at(2.9), False)
    assert ticket.one(2.5, "resolution").due_at == at(5.9)


def test_another_team_under_the_same_policy_has_the_whole_time_too() -> None:
    ticket = History().becomes(1, team="billing")
    assert ticket.one(2.5, "first_response").due_at == at(3)


def test_where_the_policy_says_so_the_time_before_counts() -> None:
    strict = policy("strict", when={"priority": ["urgent"]}, after_change="continue")
    ticket = History(terms(strict.model_copy(update={"first_response": H}), policy()))
    ticket.becomes(0.5, priority="urgent")
    (clock,) = [one for one in ticket.at(0.75) if one.which == "first_response"]
    assert (clock.policy, clock.started_at, clock.due_at) == ("strict", at(0), at(1))


def test_a_breach_before_the_change_stays_one() -> None:
    old, _ = [
        one
        for one in History(TEAMS).becomes(3, team="cards").at(4)
        if one.which == "first_response"
    ]
    assert (old.how, old.overdue) == ("replaced", True)


def test_a_ticket_may_come_under_a_policy_and_leave_it() -> None:
    urgent = History(terms(policy("urgent", when={"priority": ["urgent"]})))
    assert urgent.at(5) == []
    urgent.becomes(5, priority="urgent")
    assert urgent.one(6, "first_response").due_at == at(7)
    urgent.becomes(6, priority="low")
    assert {one.how for one in urgent.at(99)} == {"replaced"}


def test_a_change_after_the_end_counts_when_it_is_opened_again() -> None:
    ticket = History(TEAMS).says(1, "staff").becomes(2, status="resolved").becomes(3, team="cards")
    assert ticket.one(9, "resolution").how == "met"
    ticket.becomes(10, status="open")
    assert ticket.one(11, "resolution").due_at == at(14)


def test_a_moment_that_staff_have_set_counts() -> None:
    ticket = History(by_hand={"first_response": at(6), "resolution": at(-3)})
    clock = ticket.one(3, "first_response")
    assert (clock.due_at, clock.warn_at, clock.by_hand) == (at(6), at(5.5), True)
    assert (clock.overdue, ticket.one(7, "first_response").overdue) == (False, True)
    assert ticket.one(3, "resolution").by_hand is False  # it was set for something before


def test_over_lunch_a_night_and_the_change_of_the_clocks() -> None:
    """Opened on Friday 27 March 2026 at 11:30 in Berlin; on Sunday the clocks go ahead."""
    begin = datetime.fromisoformat("2026-03-27T11:30+01:00")
    find = terms(policy(first_response="1h", resolution="7h"), calendar=BERLIN)
    opened, asked = [State(begin, "open", "normal")], [Said(begin, "customer")]
    response, resolution = clocks(opened, asked, find, begin)
    assert response.due_at == datetime.fromisoformat("2026-03-27T13:30+01:00")
    # 30 minutes before lunch, 4 hours after it, and 2.5 on Monday: 11:30 in summer.
    assert resolution.due_at == datetime.fromisoformat("2026-03-30T11:30+02:00")
    # Pending over lunch on Friday costs nothing, from 14:00 to 15:00 an hour.
    for start, end, due in (
        ("2026-03-27T12:10+01:00", "2026-03-27T12:50+01:00", "2026-03-30T11:30+02:00"),
        ("2026-03-27T14:00+01:00", "2026-03-27T15:00+01:00", "2026-03-30T13:30+02:00"),
    ):
        paused = [
            *opened,
            State(datetime.fromisoformat(start), "pending", "normal"),
            State(datetime.fromisoformat(end), "open", "normal"),
        ]
        until = datetime.fromisoformat("2026-03-27T16:00+01:00")
        clock = [one for one in clocks(paused, asked, find, until) if one.which == "resolution"]
        assert clock[-1].due_at == datetime.fromisoformat(due)


events = st.lists(
    st.one_of(
        st.tuples(st.just("says"), st.sampled_from(["customer", "staff", "agent", "desk"])),
        st.tuples(st.just("status"), st.sampled_from(["open", "pending", "resolved", "closed"])),
        st.tuples(st.just("team"), st.sampled_from([None, "cards", "billing"])),
        st.tuples(st.just("spam"), st.booleans()),
    ),
    max_size=12,
)


@given(events, st.lists(st.floats(0.01, 5), min_size=13, max_size=13))
def test_whatever_happens_the_clocks_hold_together(
    some: list[tuple[str, Any]], gaps: list[float]
) -> None:
    ticket, moment = History(TEAMS), 0.0
    for (what, value), gap in zip(some, gaps, strict=False):
        moment += gap
        if what == "says":
            ticket.says(moment, value)
        else:
            ticket.becomes(moment, **{what: value})
    until = moment + gaps[-1]
    found = ticket.at(until)
    last = ticket.states[-1]
    live = [one for one in found if one.how in LIVE]
    assert len({one.which for one in live}) == len(live) <= 2  # one of each, one of the responses
    assert bool(live) <= last.is_worked_on
    for one in found:
        assert timedelta(0) <= one.spent <= at(until) - min(one.started_at, at(0))
        if one.how == "running":
            assert one.due_at is not None
            assert one.overdue is (at(until) > one.due_at)
            assert one.overdue is (one.spent > one.target)
            if not one.overdue:
                assert one.due_at - at(until) == one.target - one.spent
    # Nothing that comes later changes what was: a prefix gives the same clocks that had ended.
    ended = [one for one in found if one.how in ("met", "late", "replaced")]
    if last.is_worked_on:
        again = ticket.at(until + 1)
        assert [one for one in again if one.how in ("met", "late", "replaced")] == ended
        for before, after in pairwise(
            [one.spent for one in ticket.at(until + gap)] for gap in (0, 1)
        ):
            assert all(one <= other for one, other in zip(before, after, strict=True))
