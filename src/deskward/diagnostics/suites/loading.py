"""The suites of a desk, read from their files. Each problem is told with its file and line."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import jsonpath

from deskward.core.conditions import WrongCondition, condition
from deskward.core.errors import NotFound
from deskward.core.marked_yaml import Place, Problem, line_of, read_marked
from deskward.diagnostics.loading import WrongWorkflows, files_in
from deskward.diagnostics.suites.filling import wrong_places
from deskward.diagnostics.suites.suite import (
    SEEN,
    Configuration,
    Database,
    Http,
    Suite,
    Test,
    found_by,
    seen_by,
)

SHIPPED = Path(__file__).with_name("shipped")
"""The suites that ship with Deskward."""
_SLOW = frozenset({"pattern", "patternProperties"})
"""Of JSON Schema what is refused: a regular expression can cost more than linear time."""


class Suites:
    """The suites of a desk: those that ship, and the operator's own.

    The operator's are read when the desk starts, so that a fault shows then; those that ship alone
    are read when the first is asked for.
    """

    def __init__(self, own: Path | None) -> None:
        """Take the operator's folder.

        Raises:
            WrongWorkflows: One of them cannot be used.
        """
        self._places = (SHIPPED,) if own is None else (SHIPPED, own)
        if own is not None:
            _ = self.suites

    @cached_property
    def suites(self) -> Mapping[str, Suite]:
        """Id → suite, in the order of the ids."""
        return load(*self._places)

    def wanted(self, name: str) -> tuple[Suite, Sequence[Test]]:
        """The suite of a name and its tests; of `suite.test` that one.

        Raises:
            NotFound: There is none; it names the nearest.
        """
        suite_id, dot, test_id = name.strip().casefold().partition(".")
        suite = self.suites.get(suite_id)
        if suite is None:
            raise _unknown("test suite", suite_id, list(self.suites))
        if not dot:
            return suite, suite.tests
        found = [one for one in suite.tests if one.id == test_id]
        if not found:
            names = [f"{suite_id}.{one.id}" for one in suite.tests]
            raise _unknown("test", f"{suite_id}.{test_id}", names)
        return suite, found

    def has(self, name: str) -> bool:
        """Whether there is the test `suite.test`."""
        try:
            self.wanted(name)
        except NotFound:
            return False
        return True


def load(*places: Path) -> Mapping[str, Suite]:
    """Read suites.

    Args:
        places: Files, and folders of them. Of an id that several have, the last place's counts.

    Raises:
        FileNotFoundError: There is no such place.
        WrongWorkflows: Something is wrong; it tells all of it.
    """
    found, problems = read_suites(*places)
    if problems:
        raise WrongWorkflows(problems)
    return found


def read_suites(
    *places: Path, secrets: Collection[str] | None = None
) -> tuple[dict[str, Suite], list[Problem]]:
    """The suites of some places, in the order of their ids, and what is wrong with any.

    Args:
        secrets: The secrets that there are, by name; None where that is not known.

    Raises:
        FileNotFoundError: There is no such place.
    """
    found: dict[str, Suite] = {}
    problems: list[Problem] = []
    for place in places:
        here: dict[str, Path] = {}
        for file in files_in(place):
            read, wrong = read_marked(
                file, Suite, called="a suite's file", example="`suite: …`, `version: 1`, …"
            )
            problems += wrong
            if read is None:
                continue
            suite, lines = read.content, dict(read.lines)
            if suite.suite in here:
                told = f"{here[suite.suite].name} is the suite “{suite.suite}” already"
                problems.append(Problem(file, line_of(lines, ("suite",)), told))
            here.setdefault(suite.suite, file)
            problems += [
                Problem(file, line_of(lines, where), told) for where, told in _wrong(suite, secrets)
            ]
            found[suite.suite] = suite
    return dict(sorted(found.items())), sorted(problems)


Found = Iterator[tuple[Place, str]]


def _wrong(suite: Suite, secrets: Collection[str] | None) -> Found:
    known: set[str] = set()
    for number, test in enumerate(suite.tests):
        # The form of a test is picked by its kind, which so is a part of its place.
        place: Place = ("tests", number)
        if test.id in known:
            yield (*place, "id"), f"there is a test “{test.id}” before it already"
        known.add(test.id)
        for name, told in wrong_places(test):
            yield (*place, *name.split(".", 1)), told
        for at, source in enumerate(test.expect):
            yield from _of_condition((*place, "expect", at), source, {"seen"}, SEEN[test.kind])
        if isinstance(test, Configuration):
            yield from _of_configuration(place, test)
        if isinstance(test, Http):
            yield from _of_paths(place, test)
        if isinstance(test, Database) and secrets is not None:
            yield from _of_secret(place, test.secret, secrets)


def _of_configuration(place: Place, test: Configuration) -> Found:
    if not test.form and not test.rules:
        yield place, "a test of a configuration has a `schema`, or `rules`"
    if told := _slow(test.form) or _unsound(test.form):
        yield (*place, "schema"), told
    for at, rule in enumerate(test.rules):
        yield from _of_condition((*place, "rules", at, "that"), rule.that, set(), set())


def _of_secret(place: Place, name: str | None, secrets: Collection[str]) -> Found:
    if name is not None and name not in secrets:
        yield (*place, "secret"), f"SUITE_SECRETS_FILE has no “{name}”{_hint(name, secrets)}"


def _of_paths(place: Place, test: Http) -> Found:
    for name, path in test.paths.items():
        try:
            jsonpath.compile(path)
        except jsonpath.JSONPathError as error:
            said = str(error).splitlines()[0]
            yield (*place, "paths", name), f"{path} is no JSONPath: {said}"
    for at, source in enumerate(test.expect):  # what was not looked for is never found
        for name in found_by(source):
            if name not in test.paths:
                told = f"this test has no path “{name}” for `seen.found`{_hint(name, test.paths)}"
                yield (*place, "expect", at), told


def _of_condition(place: Place, source: str, more: set[str], seen: Any) -> Found:
    try:
        asked = condition(source)
    except WrongCondition as error:
        yield place, f"this is no condition: {error}"
        return
    for name in sorted(asked.names - more - {"environment", "configuration"}):
        yield place, f"the condition reads “{name}”, which is nothing that can be known here"
    for name in seen_by(source) if seen else ():
        if name not in seen:
            yield place, f"a test of this kind does not see “{name}”{_hint(name, seen)}"


def _hint(name: str, known: Collection[str]) -> str:
    if near := difflib.get_close_matches(name, known, n=1):
        return f"; did you mean {near[0]}?"
    return f"; there {'are' if known else 'is'} {', '.join(sorted(known)) or 'none'}"


def _slow(schema: Any) -> str:
    if isinstance(schema, dict):
        if refused := _SLOW & schema.keys():
            return f"`{min(refused)}` cannot be used: write a rule with startsWith or contains"
        named = schema.get("properties")  # whose keys are names, not words of JSON Schema
        parts = [*(named.values() if isinstance(named, dict) else ())]
        parts += [part for key, part in schema.items() if key != "properties"]
        return next(filter(None, map(_slow, parts)), "")
    return next(filter(None, map(_slow, schema)), "") if isinstance(schema, list) else ""


def _unsound(schema: Any) -> str:
    """What keeps a schema from being checked by; empty where nothing does."""
    from deskward.core.bounded import check_of  # its library is long to import, seldom needed

    try:
        check_of(schema)
    except ValueError as error:
        return f"it cannot be checked by: {error}"
    return ""


def _unknown(kind: str, name: str, known: Sequence[str]) -> NotFound:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}? " if near else ""
    told = f"There is no {kind} “{name[:64]}”. {hint}There are: {', '.join(known)}."
    return NotFound(kind, name, told)
