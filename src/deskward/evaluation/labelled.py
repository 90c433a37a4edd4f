"""Labelled utterances from CSV files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OUT_OF_SCOPE = "out_of_scope"
"""How every label that means "none of the others" is called from here on."""
_MEAN_OUT_OF_SCOPE = frozenset(
    ["oos", "ood", "out_of_scope", "outofscope", "out_of_domain", "none", "no_intent"]
)
_TEXT = ("text", "utterance", "sentence", "query", "question")
_LABEL = ("category", "intent", "label", "label_text", "class")
LONGEST_FIELD = 1 << 20
"""Characters; a longer field is surely a quote that was never closed."""


@dataclass(frozen=True)
class Utterance:
    """What somebody said, and what it means."""

    text: str
    label: str


def read_utterances(path: Path) -> list[Utterance]:
    """Read a CSV file of two columns or more, in UTF-8, with a header or without.

    A header names the columns: text, utterance, sentence, query or question, and category,
    intent, label, label_text or class, in any order; without one, labels are in the column that
    repeats itself. Labels that mean no intent (oos, out of scope, none, …) become `OUT_OF_SCOPE`.

    Raises:
        ValueError: A row is not valid, or there is none; says which file, which line and why.
        OSError: The file cannot be read.
    """
    rows = list(_rows(path))
    if not rows:
        raise ValueError(f"{path} is empty")
    line, first = rows[0]
    columns = _columns(path, line, first)
    wide = 2 if columns is None else len(first)
    data = rows if columns is None else rows[1:]
    for line, row in data:
        _check(path, line, row, wide)
    if not data:
        raise ValueError(f"{path} has a header and no utterances")
    columns = columns or _guessed([row for _, row in data])
    return [_utterance(path, line, row, columns) for line, row in data]


def is_out_of_scope(label: str) -> bool:
    """Whether a label means "none of the others"."""
    return "_".join(label.lower().replace("-", " ").replace("_", " ").split()) in _MEAN_OUT_OF_SCOPE


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, with the number of its first line."""
    line = 1
    csv.field_size_limit(LONGEST_FIELD)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            for row in reader:
                if any(field.strip() for field in row):
                    yield line, row
                line = reader.line_num + 1
        except csv.Error as error:
            raise ValueError(f"{path}, line {line}: {error}") from None
        except UnicodeDecodeError:
            raise ValueError(f"{path}, after line {line}: this is not UTF-8") from None


def _columns(path: Path, line: int, row: list[str]) -> tuple[int, int] | None:
    """Where a header has text and label, or nothing where the row is no header."""
    names = [field.strip().lower() for field in row]
    texts = [names.index(name) for name in _TEXT if name in names]
    labels = [names.index(name) for name in _LABEL if name in names]
    if texts and labels:
        return texts[0], labels[0]
    if len(row) > 2:
        raise ValueError(
            f"{path}, line {line}: with more than two columns the first line has to name them, "
            f"one of {', '.join(_TEXT)} and one of {', '.join(_LABEL)}"
        )
    return None


def _guessed(rows: list[list[str]]) -> tuple[int, int]:
    """Where text and label are without a header: labels repeat themselves, texts do not."""
    first, second = (len({row[column] for row in rows}) for column in (0, 1))
    return (1, 0) if 2 * first <= second else (0, 1)


def _check(path: Path, line: int, row: list[str], wide: int) -> None:
    if len(row) != wide:
        raise ValueError(
            f"{path}, line {line}: {wide} columns are expected, here are {len(row)}; "
            "a text with a comma needs quotes"
        )


def _utterance(path: Path, line: int, row: list[str], columns: tuple[int, int]) -> Utterance:
    text, label = (row[column].strip() for column in columns)
    if not text or not label:
        raise ValueError(f"{path}, line {line}: the {'label' if text else 'text'} is empty")
    return Utterance(text, OUT_OF_SCOPE if is_out_of_scope(label) else label)
