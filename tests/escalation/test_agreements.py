"""Policies of service levels: which fits, and what is wrong in a file of them, with its line."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import open_desk
from deskward.core.marked_yaml import WrongFiles
from deskward.core.settings import Settings
from deskward.escalation.agreements import SHIPPED, Subject, check, load
from deskward.escalation.calendars import ALWAYS, Calendar
from deskward.escalation.models import sla_rules

DIGEST = """
from deskward.escalation.agreements import SHIPPED, load
from deskward.escalation.timers import digest_of
print(digest_of(load(SHIPPED)), end="")
"""
GOOD = """\
calendars:
  office:
    zone: Europe/Berlin
    hours: mon-fri=09:00-12:00, mon-fri=13:00-17:00
    holidays: [2026-12-25, 01-01]
policies:
  - id: gold
    when: {tier: [gold], priority: [urgent, high]}
    calendar: always
    first_response: 30m
    warn: 1h
  - id: cards
    when: {team: [cards], product: [Acme API]}
    calendar: office
    next_response: 1h30m
    answered_by: [staff]
  - id: rest
    resolution: 40h
"""


def problems(folder: Path, text: str) -> list[str]:
    file = folder / "sla.yaml"
    file.write_text(text, encoding="utf-8")
    return [f"{one.line}: {one.text}" for one in check(file)[1]]


def test_a_file_that_is_right_has_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD) == []
    found = load(tmp_path / "sla.yaml")
    gold, cards, rest = found.policies
    assert gold.warning("first_response") == timedelta(minutes=15)  # half of it: it is short
    assert cards.target("next_response") == timedelta(minutes=90)
    assert found.calendar("office", ALWAYS).holidays == {"2026-12-25", "01-01"}
    own = Calendar("mon=09:00-10:00")
    assert found.calendar(rest.calendar, own) is own
    assert found.calendar(gold.calendar, own) is ALWAYS


@pytest.mark.parametrize(
    ("about", "fits"),
    [
        ({"tier": "Gold", "priority": "urgent"}, "gold"),
        ({"tier": "gold", "priority": "normal"}, "rest"),
        ({"tier": "silver", "priority": "urgent"}, "rest"),
        ({"team": "cards", "product": "acme api"}, "cards"),
        ({"team": "cards"}, "rest"),
        ({"tier": "gold", "priority": "high", "team": "cards", "product": "Acme API"}, "gold"),
    ],
)
def test_the_first_that_fits_counts(tmp_path: Path, about: dict[str, Any], fits: str) -> None:
    (tmp_path / "sla.yaml").write_text(GOOD, "utf-8")
    found = load(tmp_path / "sla.yaml").of(Subject.model_validate(about))
    assert found is not None
    assert found.id == fits


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("zone: Europe/Berlin", "zone: Europe/Berlinn", "there is no time zone"),
        ("09:00-12:00", "12:00-09:00", "are no hours"),
        ("01-01]", "13-01]", "is no day"),
        ("[2026-12-25, 01-01]", "2026-12-25", "a list of days"),
        ("  office:", "  desk:", "is a calendar already"),
        ("calendar: office", "calendar: offices", "there is no calendar “offices”"),
        ("first_response: 30m", "first_response: 30", "30m, 4h or 1h30m"),
        ("first_response: 30m", "first_response: 0m", "longer than none"),
        ("first_response: 30m", "first_response: -5m", "30m, 4h or 1h30m"),
        ("first_response: 30m", "first_respons: 30m", "there is no “first_respons” here"),
        ("priority: [urgent, high]", "priority: [urgent, hi]", "priority"),
        ("tier: [gold]", "tier: []", "tier"),
        ("id: rest", "id: gold", "“gold” before it already"),
        ("id: rest\n    resolution: 40h", "id: rest", "says no time"),
        ("answered_by: [staff]", "answered_by: [customer]", "no customer answers themselves"),
        ("answered_by: [staff]", "answered_by: [nobody]", "answered_by"),
        ("when: {tier: [gold], priority: [urgent, high]}", "when: {}", "never come to"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    found = problems(tmp_path, GOOD.replace(old, new, 1))
    assert any(said in one for one in found), found
    if said != "never come to":  # that is told of the policy behind it
        near = GOOD[: GOOD.index(old)].count("\n") + 1
        assert any(abs(int(one.partition(":")[0]) - near) <= 1 for one in found), (found, near)


@pytest.mark.parametrize("content", ["", "[]", "policies: 3", "policies: [&a {}, *a]", "a: ["])
def test_what_is_no_such_file_is_told(tmp_path: Path, content: str) -> None:
    assert problems(tmp_path, content) != []


def test_those_that_ship_are_right_and_fit_every_ticket() -> None:
    found = load(SHIPPED)
    assert found.of(Subject()) is not None
    urgent = found.of(Subject(tier="premium", priority="urgent"))
    assert urgent is not None
    assert urgent.id == "premium-urgent"


async def test_a_desk_that_starts_again_with_the_same_policies_knows_them(
    sqlite_settings: Settings,
) -> None:
    async with open_desk(sqlite_settings) as desk:
        known = {row.digest for row in await desk.database.reader.all(sa.select(sla_rules))}
    for seed in ("1", "2"):  # the order of a set hangs on it
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", DIGEST]
        assert {subprocess.check_output(command, text=True, env=environment)} == known


async def test_a_desk_does_not_start_with_policies_that_are_wrong(
    sqlite_settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("policies:\n  - id: a\n    first_response: 5\n", encoding="utf-8")
    sqlite_settings.escalation.sla_file = file
    with pytest.raises(WrongFiles, match=r"own\.yaml:3: .*30m, 4h or 1h30m"):
        async with open_desk(sqlite_settings):
            pass


def test_a_day_that_is_none_is_told_in_its_line_beside_all_else(tmp_path: Path) -> None:
    file = tmp_path / "sla.yaml"
    file.write_text(
        "calendars:\n"
        "  berlin:\n"
        "    zone: Europe/Berlin\n"
        "    holidays: [2026-12-25, 2026-02-30]\n"
        "policies:\n"
        "  - {id: p, calendar: nope, first_response: never}\n",
        "utf-8",
    )
    _, problems = check(file)
    assert [one.line for one in problems] == [4, 6]
    assert "'2026-02-30' is no day; write 2026-12-25" in problems[0].text
