"""Text files are UTF-8 whatever the machine's locale says."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACE = {"read_text": 0, "write_text": 1, "open": 2}
"""Functions that guess an encoding → where among their arguments it may stand instead."""


@pytest.mark.parametrize("folder", ["src", "tests", "benchmarks"])
def test_every_text_file_is_opened_with_its_encoding(folder: str) -> None:
    found = [
        f"{file.relative_to(ROOT)}:{line}"
        for file in sorted((ROOT / folder).rglob("*.py"))
        for line in guesses(file.read_text(encoding="utf-8"))
    ]
    assert found == []


def guesses(source: str) -> Iterator[int]:
    """The lines whose calls leave the encoding to the locale."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Attribute(attr=name) if name in PLACE:
                given = node.args if name != "open" else [node.func, *node.args]
            case ast.Name(id="open" as name):
                given = list(node.args)
            case _:
                continue
        keywords = {word.arg: word.value for word in node.keywords}
        if len(given) > PLACE[name] + (name == "open") or keywords.keys() & {"encoding", None}:
            continue
        if name != "open" or _is_text(given[1] if len(given) > 1 else keywords.get("mode"), node):
            yield node.lineno


def _is_text(mode: ast.expr | None, call: ast.Call) -> bool:
    """Whether a file is opened as text; a method `open()` without a mode may be anybody's."""
    if isinstance(mode, ast.Constant) and isinstance(mode.value, str):
        return len(mode.value) < 4 and "b" not in mode.value
    return mode is None and isinstance(call.func, ast.Name)


@pytest.mark.parametrize(
    ("source", "guessed"),
    [
        ("path.read_text()", True),
        ("path.read_text('utf-8')", False),
        ("path.write_text(text)", True),
        ("path.write_text(text, encoding='utf-8')", False),
        ("open(path)", True),
        ("open(path, 'rb')", False),
        ("path.open('w')", True),
        ("path.open('w', encoding='utf-8')", False),
        ("path.open('ab')", False),
        ("desks.open(model)", False),
    ],
)
def test_a_guess_is_found(source: str, guessed: bool) -> None:
    assert bool(list(guesses(source))) is guessed
