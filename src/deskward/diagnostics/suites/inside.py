"""Tests that reach nothing: of a configuration, a version, a clock that somebody has told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from deskward.core.conditions import WrongCondition, condition
from deskward.core.database import now
from deskward.diagnostics.suites.filling import Unknown
from deskward.diagnostics.suites.suite import Clock, Configuration
from deskward.diagnostics.suites.suite import Version as VersionTest

MOST_PROBLEMS = 50
Seen = tuple[dict[str, Any], str]
"""What was seen, by name, and in a sentence."""


def of_configuration(test: Configuration, values: Mapping[str, Any]) -> Seen:
    """What is wrong with a configuration.

    Raises:
        Unknown: None was told.
    """
    # Their import is long, and most desks need them not.
    from jsonschema import Draft202012Validator
    from referencing import Registry

    if not values["configuration"]:
        raise Unknown("No configuration is known: say it as `product_configuration`.")
    problems: list[dict[str, str]] = []
    # The registry is empty: what a `$ref` names elsewhere is never fetched.
    validator = Draft202012Validator(test.form, registry=Registry())
    for error in validator.iter_errors(values["configuration"]):
        if len(problems) == MOST_PROBLEMS:
            break
        where = ".".join(map(str, error.absolute_path)) or "configuration"
        problems.append({"where": where[:200], "problem": _short(error)})
    for rule in test.rules:
        try:
            holds = condition(rule.that).holds(values)
        except WrongCondition as error:
            problems.append({"where": rule.that, "problem": f"it cannot be compared: {error}"})
            continue
        if not holds:
            problems.append({"where": rule.that, "problem": rule.otherwise})
    told = "; ".join(f"{one['where']}: {one['problem']}" for one in problems[:5])
    return {"count": len(problems), "problems": problems}, told or "Nothing is wrong with it."


def of_version(test: VersionTest) -> Seen:
    """Whether a version is among those that are wanted.

    Raises:
        Unknown: It is none.
    """
    try:
        version = Version(test.version)
    except InvalidVersion:
        raise Unknown(f"{test.version[:100]!r} is no version such as 2.3.1.") from None
    fits = SpecifierSet(test.wanted).contains(version, prereleases=True)
    told = f"{version} is {'among' if fits else 'not among'} {test.wanted}."
    return {"version": str(version), "fits": fits}, told


def of_clock(test: Clock) -> Seen:
    """How far a clock is off that somebody has told.

    Raises:
        Unknown: It is no moment.
    """
    assert test.moment is not None
    at = _moment(test.at) if test.at is not None else now()
    return compared(_moment(test.moment), at, test.most)


def compared(clock: datetime, ours: datetime, most: int) -> Seen:
    """How far a clock is off ours: after it where that is positive."""
    seconds = round((clock - ours).total_seconds())
    told = f"It is {abs(seconds)} seconds {'ahead of' if seconds > 0 else 'behind'} ours."
    return {"seconds": seconds, "together": abs(seconds) <= most}, told


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Unknown(f"{text[:40]!r} is no moment such as 2026-11-26T08:00:00Z.") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _short(error: Any) -> str:
    """What is wrong, without the value, which may be somebody's secret."""
    if error.validator in ("required", "additionalProperties", "dependentRequired"):
        return str(error.message)[:300]
    return f"it is not of the form that is wanted ({error.validator}: {error.validator_value})"[
        :300
    ]
