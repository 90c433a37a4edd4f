"""Conditions that people write: CEL, and nothing that can cost or leak."""

import pytest

from deskward.core.conditions import Condition, WrongCondition, condition, older


@pytest.mark.parametrize(
    ("source", "values", "holds"),
    [
        ("reach", {"reach": True}, True),
        ("!reach", {"reach": True}, False),
        ("reach == 'no'", {"reach": None}, False),
        ("environment.os == 'windows'", {"environment": {"os": "windows"}}, True),
        ("environment.os == 'windows'", {"environment": {}}, False),
        ("has(environment.os) && environment.os != 'linux'", {"environment": {}}, False),
        ("customer.tier in ['gold', 'platinum']", {"customer": {"tier": "gold"}}, True),
        ("older(version, '2.3')", {"version": "2.10"}, False),
        ("older(version, '2.3')", {"version": "2.3rc1"}, True),
        ("older(version, '2.3')", {"version": "a version"}, False),
        ("names.exists(one, one.startsWith('d'))", {"names": ["a", "d1"]}, True),
    ],
)
def test_a_condition_holds_or_not(source: str, values: dict[str, object], holds: bool) -> None:
    assert condition(source).holds(values) is holds


@pytest.mark.parametrize(
    "source", ["", "1 +", "reach ==", "a.matches('(a+)+$')", "x" * 1_001, "((((", "'unclosed"]
)
def test_what_is_no_condition_is_refused(source: str) -> None:
    with pytest.raises(WrongCondition):
        Condition(source)


@pytest.mark.parametrize(
    ("source", "values"),
    [("n > 'a'", {"n": 1.0}), ("n + 1", {"n": 1}), ("unknown == 1", {}), ("1 / n == 1", {"n": 0})],
)
def test_what_cannot_be_asked_is_said(source: str, values: dict[str, object]) -> None:
    with pytest.raises(WrongCondition):
        condition(source).holds(values)


def test_names_are_those_that_are_read() -> None:
    asked = condition("a.b == 'x' && list.all(one, one > c) || size(d) > 0")
    assert asked.names == {"a", "list", "c", "d"}


def test_versions_are_compared_as_versions() -> None:
    assert older("2.9", "2.10")
    assert not older("", "1.0")
