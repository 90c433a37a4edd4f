"""Who looks at what next: order, skills, load and availability, the same for the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskward.queues.kinds import SpecialistKind
from deskward.queues.routing import (
    Given,
    Specialist,
    Waiting,
    appointed,
    begin_by,
    flows_over,
    give,
    in_order,
    is_silent,
    moved_to,
)

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
M = timedelta(minutes=1)
KINDS = {
    "net": SpecialistKind(title="Networks", overflow="senior", overflow_after=60 * M),
    "senior": SpecialistKind(title="Senior"),
}


def item(name: str, minutes: float = 0, level: int = 3, kind: str = "net", **more: Any) -> Waiting:
    """Something that has waited since so many minutes before noon."""
    since = NOON - minutes * M
    return Waiting(name, kind, level, since, since, **more)


def person(name: str, level: int = 1, **more: Any) -> Specialist:
    return Specialist(name, {"net": level}, **{"capacity": 2, **more})


def given_out(items: list[Waiting], people: list[Specialist]) -> list[tuple[str, str]]:
    return [(one.item, one.specialist) for one in give(items, people, KINDS, NOON)]


def test_what_must_be_begun_first_comes_first() -> None:
    items = [item("a", 0, 5), item("b", 0, 1), item("c", 0, 3), item("d", 10, 3)]
    assert [one.id for one in in_order(items, KINDS)] == ["b", "d", "c", "a"]


@pytest.mark.parametrize(("minutes", "first"), [(224, "new"), (225, "new"), (226, "old")])
def test_what_waits_overtakes_what_is_more_urgent_in_the_end(minutes: int, first: str) -> None:
    """Level 3 may wait for four hours, level 1 for a quarter: 225 minutes apart they are even."""
    items = [item("old", minutes, 3), item("new", 0, 1)]
    even = minutes == 225
    order = [one.id for one in in_order(items, KINDS)]
    assert order[0] == ("old" if even else first)  # of two that are even, who came first


def test_somebody_with_room_and_least_to_do_gets_it() -> None:
    people = [
        person("full", load=2),
        person("half", load=1),
        person("free", load=0),
        person("away", on_shift=False),
        Specialist("other", {"senior": 3}, capacity=9),
    ]
    assert given_out([item("a")], people) == [("a", "free")]
    assert given_out([item("a")], people[:1] + people[3:]) == []


def test_load_is_a_share_of_what_each_can_have() -> None:
    people = [person("a", capacity=10, load=4), person("b", capacity=1, load=0)]
    assert given_out([item("x"), item("y", 1)], people) == [("y", "b"), ("x", "a")]


def test_of_equals_whoever_was_given_something_longest_ago() -> None:
    people = [
        person("a", last_given=NOON - M),
        person("b", last_given=NOON - 2 * M),
        person("c", last_given=NOON - 3 * M),
    ]
    assert given_out([item("x")], people) == [("x", "c")]
    assert given_out([item("x")], [*people, person("d")]) == [("x", "d")]


def test_skills_are_waited_for_as_long_as_there_is_time() -> None:
    people = [person("plain"), person("dns", skills=frozenset({"dns"}), load=2)]
    wants: dict[str, Any] = {"skills": frozenset({"dns"})}
    assert given_out([item("x", 0, **wants)], people) == []  # the one who can has no room
    assert given_out([item("x", 240, **wants)], people) == [("x", "plain")]
    unknown: dict[str, Any] = {"skills": frozenset({"tls"})}  # which nobody has, on whatever shift
    assert given_out([item("x", 0, **unknown)], people) == [("x", "plain")]


def test_a_second_escalation_goes_further_up() -> None:
    people = [person("first"), person("third", level=3)]
    assert given_out([item("x", grade=2)], people) == [("x", "third")]
    assert given_out([item("x", grade=2)], people[:1]) == [("x", "first")]


def test_who_was_silent_gets_it_again_only_if_nobody_else_can() -> None:
    people = [person("silent"), person("busy", load=2)]
    avoids: dict[str, Any] = {"avoids": frozenset({"silent"})}
    assert given_out([item("x", **avoids)], people) == []
    assert given_out([item("x", **avoids)], people[:1]) == [("x", "silent")]


def test_what_fits_nobody_lets_the_next_one_pass() -> None:
    items = [item("x", 100, kind="senior"), item("y")]
    assert given_out(items, [person("a")]) == [("y", "a")]


@pytest.mark.parametrize(("minutes", "over"), [(59, None), (60, "senior"), (61, "senior")])
def test_what_waits_too_long_flows_over(minutes: int, over: str | None) -> None:
    assert flows_over(item("x", minutes), KINDS, NOON, {"senior"}) == over
    assert flows_over(item("x", minutes * 100, kind="senior"), KINDS, NOON, {"senior"}) is None


def test_nothing_flows_over_to_where_nobody_works() -> None:
    chain = {
        "net": KINDS["net"],
        "senior": SpecialistKind(title="Senior", overflow="chief"),
        "chief": SpecialistKind(title="Chief"),
    }
    late = item("x", 61)
    assert flows_over(late, chain, NOON, appointed([person("a")])) is None
    away = Specialist("z", {"chief": 1}, on_shift=False)  # whoever comes back tomorrow will look
    assert flows_over(late, chain, NOON, appointed([person("a"), away])) == "chief"


def test_what_has_flowed_over_is_still_drained_from_where_it_came() -> None:
    """What nobody had room for goes to whoever has it first, of either queue."""
    moved = moved_to(item("x", 61), "senior", KINDS, NOON)
    full = Specialist("z", {"senior": 3}, capacity=1, load=1)
    assert give([moved], [full, person("a")], KINDS, NOON) == [Given("x", "a", "net")]
    free = replace(full, load=0)
    assert give([moved], [free], KINDS, NOON) == [Given("x", "z", "senior")]
    assert give([item("y", kind="senior")], [person("a")], KINDS, NOON) == []  # it never was there
    silent = replace(moved, avoids=frozenset({"a"}))
    assert give([silent], [full, person("a")], KINDS, NOON) == []  # they have had their turn
    assert moved_to(moved, "net", KINDS, NOON).open_to == ("net", "senior")


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("slower", [True, False])
def test_what_was_promised_is_never_put_off_by_flowing_over(level: int, slower: bool) -> None:
    patience = {one: timedelta(hours=9 * one if slower else one / 9) for one in range(1, 6)}
    kinds = {**KINDS, "senior": SpecialistKind(title="Senior", patience=patience)}
    before = item("x", 61, level)
    moved = moved_to(before, "senior", kinds, NOON)
    promise, senior = begin_by(before, kinds), before.queued_at + patience[level]
    assert begin_by(moved, kinds) == min(promise, senior)
    assert begin_by(moved_to(moved, "net", kinds, NOON), kinds) == min(promise, senior)


@pytest.mark.parametrize(("minutes", "silent"), [(29, False), (30, True), (31, True)])
def test_who_does_not_begin_in_time_is_silent(minutes: int, silent: bool) -> None:
    assert is_silent(NOON - minutes * M, KINDS["net"], NOON) is silent


items_ = st.lists(
    st.builds(
        item,
        st.uuids().map(str),
        st.integers(0, 2_000),
        st.integers(1, 5),
        st.sampled_from(["net", "senior"]),
        skills=st.frozensets(st.sampled_from(["dns", "tls"])),
        grade=st.integers(1, 3),
        avoids=st.frozensets(st.sampled_from(["p0", "p1"])),
    ),
    max_size=30,
    unique_by=lambda one: one.id,
)
people_ = st.lists(
    st.builds(
        Specialist,
        st.integers(0, 6).map(lambda number: f"p{number}"),
        st.dictionaries(st.sampled_from(["net", "senior"]), st.integers(1, 3), min_size=1),
        st.frozensets(st.sampled_from(["dns", "tls"])),
        st.integers(1, 4),
        st.integers(0, 5),
        st.booleans(),
    ),
    max_size=7,
    unique_by=lambda one: one.id,
)


@given(items_, people_, st.randoms(use_true_random=False))
def test_nobody_gets_more_than_they_can_have_and_order_makes_no_difference(
    items: list[Waiting], people: list[Specialist], chance: Any
) -> None:
    found = give(items, people, KINDS, NOON)
    by_id = {one.id: one for one in people}
    got = Counter(handed.specialist for handed in found)
    for name, count in got.items():
        assert by_id[name].on_shift
        assert by_id[name].load + count <= by_id[name].capacity
    out = {handed.item for handed in found}
    assert len(out) == len(found)
    kinds = {one.id: one.kind for one in items}
    assert all(kinds[handed.item] in by_id[handed.specialist].kinds for handed in found)
    chance.shuffle(items)
    chance.shuffle(people)
    assert sorted(map(_pair, give(items, people, KINDS, NOON))) == sorted(map(_pair, found))
    # Whoever is late does not wait while somebody of the type, whom it need not avoid, has room.
    for late in (one for one in items if one.id not in out and begin_by(one, KINDS) <= NOON):
        idle = [
            name
            for name, person_ in by_id.items()
            if late.kind in person_.kinds
            and person_.on_shift
            and person_.load + got[name] < person_.capacity
            and name not in late.avoids
        ]
        assert idle == []


def _pair(handed: Given) -> tuple[str, str]:
    return handed.item, handed.specialist
