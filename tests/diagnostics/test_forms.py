"""What steps can be answered with."""

from __future__ import annotations

import pytest

from deskward.core.errors import InvalidInput
from deskward.diagnostics.answers import Number
from deskward.diagnostics.checking import SHIPPED, load
from deskward.diagnostics.reaching import _samples


def test_what_has_no_fraction_is_answered_with_a_whole_number() -> None:
    form = Number(type="number", whole=True, least=0, most=599)
    assert [form.read(value) for value in (0, 404, 599.0)] == [0.0, 404.0, 599.0]
    for wrong in (500.5, -0.5, 600, True, "404"):
        with pytest.raises(InvalidInput):
            form.read(wrong)
    assert Number(type="number").read(500.5) == 500.5


def test_a_status_is_a_whole_number_and_is_tried_with_such() -> None:
    workflow = load(SHIPPED)["api-errors"]
    steps = [step for fragment in workflow.fragments for step in fragment.steps]
    [status] = [one for one in steps if one.test == "api.status" and one.answer.type == "number"]
    tried = _samples(status, [each for one in steps for each in one.conditions])
    assert len(tried) > 2
    assert [status.answer.read(value) for value in tried] == list(tried)
