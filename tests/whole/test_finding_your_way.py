"""What `docs/finding-your-way.md` names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = [
    line.strip("| ").split(" | ")
    for line in (ROOT / "docs" / "finding-your-way.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and "---" not in line and "look in" not in line
]


def test_it_tells_of_enough() -> None:
    assert len(ROWS) >= 12
    assert len({change for change, _ in ROWS}) == len(ROWS)


@pytest.mark.parametrize(("change", "places"), ROWS, ids=[change for change, _ in ROWS])
def test_the_places_exist(change: str, places: str) -> None:
    named = re.findall(r"`([^`]+)`: `([^`]+)`", places)
    assert 1 <= len(named) <= 3, change
    assert len(named) == len(places.split("; "))
    for path, name in named:
        file = ROOT / path if path.startswith(".") else ROOT / "src" / "deskward" / path
        assert file.is_file(), path
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".py":
            defined = rf"^(?:    )?(?:async def |def |class )?{re.escape(name)}\b(?:\(|:| =|\[)"
            assert re.search(defined, text, re.MULTILINE), f"{path} does not define {name}"
        else:
            assert name in text, f"{path} does not hold {name}"
