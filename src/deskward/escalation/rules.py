"""When somebody else has to look: rules with conditions (CEL), as data; how complex an issue is.

Every rule is asked, and says which values it looked at. Of the rules that match, the most urgent
one says whose queue the matter belongs in; of equally urgent ones the first in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deskward.core.conditions import WrongCondition, condition
from deskward.core.marked_yaml import Marked, Place, Problem, WrongFiles, read_marked
from deskward.queues.kinds import KindName, Level
from deskward.text.polarity import said_plainly

SHIPPED = Path(__file__).with_name("rules.yaml")
"""The rules that ship with Deskward."""
LEAST, MOST = 1, 10
"""Between these is how complex an issue is."""
NO_CLOCK = 1_000_000.0
"""The minutes that are left where no clock runs."""
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]

SAMPLE: Mapping[str, Any] = {
    "attempts": 2,
    "complexity": 5,
    "escalations": 0,
    "failed": 1,
    "minutes_left": 30.0,
    "overdue": False,
    "priority": "normal",
    "product": "Acme API",
    "revenue": 1_000.0,
    "sentiment": "unknown",
    "signs": ["person"],
    "status": "open",
    "team": "",
    "tier": "standard",
}
"""What conditions can read, with an example of each: how often somebody has tried (`attempts`), and
to no avail (`failed`); how complex the issue is (from 1 to 10); how often it was escalated before;
the minutes that are left of the clock that runs out first, and whether one has; the customer's
tier, and what they pay a year; how they write (`sentiment`), and what their words show (`signs`, as
`security` and `legal`); and of the ticket its priority, product, status and team."""
OF_COMPLEXITY = frozenset(SAMPLE) - {"complexity"}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Weight(_Part):
    """A part of how complex an issue is.

    Attributes:
        when: The condition under which its points count.
    """

    id: Name
    when: str
    points: int = Field(ge=-MOST, le=MOST)


class Complexity(_Part):
    """How complex an issue is: `base`, and the points of all parts whose condition holds."""

    base: int = Field(1, ge=LEAST, le=MOST)
    parts: tuple[Weight, ...] = ()


class Rule(_Part):
    """A rule. It matches where its condition holds and, of its words, one is said.

    Attributes:
        words: Words and phrases that are looked for in what the customer has written, as whole
            words; `*` at the end stands for any ending. One that is denied where it stands ("no
    outage") is not said.
        grave: Whether a word counts unless it is denied beyond doubt ("I will not sue if you pay").
        specialist: Whose queue the matter then belongs in.
        priority_level: How urgent it then is, from 1, the most urgent, to 5.
    """

    id: Name
    title: str = Field(min_length=1, max_length=200)
    when: str | None = None
    words: tuple[Annotated[str, Field(min_length=2, max_length=100)], ...] = ()
    grave: bool = False
    specialist: KindName
    priority_level: Level

    @model_validator(mode="after")
    def _asks_something(self) -> Rule:
        if self.when is None and not self.words:
            raise ValueError(f"the rule {self.id} asks nothing: give `when` or `words`")
        return self


class Case(_Part):
    """What is to come of some facts; those that it does not name are as in an everyday matter.

    Attributes:
        matches: The ids of all rules that match.
    """

    facts: dict[str, Any] = {}
    text: str = ""
    matches: tuple[Name, ...]


class EscalationRules(_Part):
    """All rules of a desk."""

    complexity: Complexity = Complexity()
    rules: tuple[Rule, ...]
    cases: tuple[Case, ...] = ()


EVERYDAY: Mapping[str, Any] = {
    **SAMPLE,
    "attempts": 0,
    "complexity": 1,
    "failed": 0,
    "minutes_left": NO_CLOCK,
    "product": "",
    "revenue": 0.0,
    "signs": [],
}
"""The facts of a matter in which nothing stands out."""


@dataclass(frozen=True)
class Asked:
    """What came of a rule.

    Attributes:
        values: What it looked at: name → value; of its words those that are said.
        problem: Why it could not be asked; it does not match then.
    """

    rule: Rule
    matched: bool
    values: Mapping[str, Any]
    problem: str | None = None


@dataclass(frozen=True)
class Counted:
    """What came of a part of the complexity."""

    part: Weight
    held: bool


@dataclass(frozen=True)
class Score:
    """How complex an issue is, and why."""

    score: int
    base: int
    parts: tuple[Counted, ...]


def complexity_of(form: Complexity, facts: Mapping[str, Any]) -> Score:
    """How complex an issue is: the base and the points of what holds, from 1 to 10."""
    parts = tuple(Counted(part, _holds(part.when, facts)[0]) for part in form.parts)
    points = form.base + sum(one.part.points for one in parts if one.held)
    return Score(max(LEAST, min(MOST, points)), form.base, parts)


def ask(rules: Sequence[Rule], facts: Mapping[str, Any], text: str) -> list[Asked]:
    """Ask every rule, in order.

    Args:
        facts: As in `SAMPLE`.
        text: What the customer has written.
    """
    return [_ask(rule, facts, text) for rule in rules]


def most_urgent(asked: Sequence[Asked]) -> Rule | None:
    """The rule that says whose queue a matter belongs in; None where none matches."""
    matching = [one.rule for one in asked if one.matched]
    return min(matching, key=lambda rule: rule.priority_level, default=None)


def _ask(rule: Rule, facts: Mapping[str, Any], text: str) -> Asked:
    values: dict[str, Any] = {}
    matched, problem = True, None
    if rule.when is not None:
        matched, problem = _holds(rule.when, facts)
        values = {name: facts.get(name) for name in sorted(condition(rule.when).names)}
    if rule.words:
        values["words"] = said_plainly(text, rule.words, grave=rule.grave)
        matched = matched and bool(values["words"])
    return Asked(rule, matched, values, problem)


def _holds(source: str, facts: Mapping[str, Any]) -> tuple[bool, str | None]:
    try:
        return condition(source).holds(facts), None
    except WrongCondition as error:
        return False, str(error)


def load(file: Path | None = None, specialists: Sequence[str] | None = None) -> EscalationRules:
    """Read rules and see that they can be asked.

    Args:
        file: The operator's own; those that ship where it is left out.
        specialists: The types of specialists that there are, where rules must name one of them.

    Raises:
        WrongFiles: Something is wrong; it tells all of it, with file and line.
    """
    found, problems = check(file or SHIPPED, specialists)
    if found is None or problems:
        raise WrongFiles(problems)
    return found


def check(
    file: Path, specialists: Sequence[str] | None = None
) -> tuple[EscalationRules | None, list[Problem]]:
    """The rules of a file, and all that is wrong with them."""
    example = "`rules:` with a list of them, each with an `id`"
    called = "a file of rules"
    found, problems = read_marked(file, EscalationRules, called=called, example=example)
    if found is None:
        return None, problems
    wrong = [found.problem(*one) for one in _wrong(found, specialists)]
    if not wrong:  # a case of rules that cannot be asked says nothing
        wrong = [found.problem(*one) for one in _cases(found.content)]
    return found.content, [*problems, *wrong]


def _wrong(
    found: Marked[EscalationRules], specialists: Sequence[str] | None
) -> Iterator[tuple[Place, str]]:
    content = found.content
    seen: set[str] = set()
    for number, part in enumerate(content.complexity.parts):
        place: Place = ("complexity", "parts", number)
        if part.id in seen:
            yield (*place, "id"), f"there is a part “{part.id}” before it already"
        seen.add(part.id)
        yield from _condition((*place, "when"), part.when, OF_COMPLEXITY)
    seen = set()
    for number, rule in enumerate(content.rules):
        place = ("rules", number)
        if rule.id in seen:
            yield (*place, "id"), f"there is a rule “{rule.id}” before it already"
        seen.add(rule.id)
        if rule.when is not None:
            yield from _condition((*place, "when"), rule.when, frozenset(SAMPLE))
        if specialists is not None and rule.specialist not in specialists:
            told = ", ".join(sorted(specialists))
            text = f"there is no type of specialist “{rule.specialist}”; there are {told}"
            yield (*place, "specialist"), text
    for number, case in enumerate(content.cases):
        for name in sorted(set(case.facts) - set(SAMPLE)):
            yield ("cases", number), f"there is nothing called “{name}” that a case could tell"
        for name in sorted(set(case.matches) - seen):
            yield ("cases", number), f"there is no rule “{name}”"


def _condition(place: Place, source: str, known: frozenset[str]) -> Iterator[tuple[Place, str]]:
    try:
        asked = condition(source)
    except WrongCondition as error:
        yield place, f"this is no condition: {error}"
        return
    if unknown := sorted(asked.names - known):
        told = ", ".join(sorted(known))
        yield place, f"the condition reads “{unknown[0]}”; it can read {told}"
        return
    try:
        asked.holds(SAMPLE)
    except WrongCondition as error:
        yield place, f"the condition cannot be asked: {error}"


def _cases(content: EscalationRules) -> Iterator[tuple[Place, str]]:
    for number, case in enumerate(content.cases):
        found = ask(content.rules, {**EVERYDAY, **case.facts}, case.text)
        matching = sorted(one.rule.id for one in found if one.matched)
        if matching != sorted(case.matches):
            told = ", ".join(matching) or "none"
            yield ("cases", number), f"the rules that match are {told}"
