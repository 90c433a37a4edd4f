"""Files of operators that are nested without end are told of, and end no process."""

from __future__ import annotations

from pathlib import Path

import pytest

from deskward.core.marked_yaml import DEEPEST, plain_yaml
from deskward.diagnostics.loading import read
from deskward.diagnostics.suites.loading import read_suites
from deskward.integrations.checks.secrets import read_secrets
from deskward.integrations.crm.rest import read_sources

NESTS = {
    "lists": "a: " + "[" * 60_000,
    "closed": "a: " + "[" * 60_000 + "]" * 60_000,
    "mappings": "{a: " * 60_000,
    "blocks": "- " * 60_000,
    "lines": "".join(f"{' ' * depth}a:\n" for depth in range(1_000)),
}


@pytest.mark.parametrize("nest", NESTS.values(), ids=NESTS)
def test_a_nest_without_end_is_told_of(tmp_path: Path, nest: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(nest, "utf-8")
    found, (problem,) = read(file)
    assert found is None
    assert f"it is nested more than {DEEPEST} times" in problem.text
    assert f"more than {DEEPEST} times" in str(read_suites(file)[1])
    with pytest.raises(ValueError, match="it is nested more than"):
        read_sources(file, "default")
    with pytest.raises(ValueError, match="it is nested more than"):
        read_secrets(file)


def test_what_is_nested_as_people_nest_is_read() -> None:
    whole = "[" * DEEPEST + "]" * DEEPEST
    assert str(plain_yaml(whole)) == whole
    with pytest.raises(ValueError, match="write it out"):
        plain_yaml("a: &x [1]\nb: *x")
