"""The agent knows tools, not features: its code names none of what the slices bring."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import deskward.agent
from deskward.features import SLICES
from tests.everything import KINDS

AGENT = Path(deskward.agent.__file__).parent
FILES = sorted(file.relative_to(AGENT) for file in AGENT.rglob("*.py"))
GENERIC = {"customer", "file", "email"}
"""Who speaks, what lies on a disk, and addresses, which an answer may not carry out."""

IDS = re.compile(r"\b(?:user_\d+|staff_\d+|[TOC]\d{3,}|\[\[[a-z]+:)")


def singular(name: str) -> str:
    return name.removesuffix("s")


def names_of_slices() -> set[str]:
    """Tools, and nouns: what groups of tools, tables, kinds of value and answers are called."""
    found = {"article"}  # a kind of record, though no table is called so
    for part in SLICES:
        found |= {singular(table.name) for table in part.tables}
        if part.tools is not None:
            found.add(singular(part.tools.name))
            found |= {tool.name for tool in part.tools.tools}
            found |= {tool.hands_over for tool in part.tools.tools if tool.hands_over}
    found |= {singular(kind.removesuffix("_id")) for kind in KINDS}
    return found - {singular(word) for word in GENERIC | COMMON}


COMMON = {"to", "body", "subject", "address", "password", "user"}
"""Kinds of value that are everybody's words: a reply's body, a server's address, its password."""


def words_of(source: str) -> Iterator[tuple[int, str]]:
    """What the code of a file names: identifiers and texts, comments and docstrings left aside."""
    tree = ast.parse(source)
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and id(node) not in documents:
            yield getattr(node, "lineno", 0), text
        for field in ("id", "attr", "arg", "name", "asname"):
            if isinstance(name := getattr(node, field, None), str):
                yield getattr(node, "lineno", 0), name


def named(text: str, names: set[str]) -> set[str]:
    whole = set(re.findall(r"[a-z_]+", text.lower()))
    parts = set(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower()))
    return {word for word in whole | parts if word in names or singular(word) in names}


@pytest.mark.parametrize("file", FILES, ids=str)
def test_no_feature_is_named(file: Path) -> None:
    names = names_of_slices()
    found = [
        (line, hits)
        for line, text in words_of((AGENT / file).read_text(encoding="utf-8"))
        if (hits := named(text, names) | set(IDS.findall(text)))
    ]
    allowed = {"[[kind:"} if file.name == "prompt.py" else set()
    assert [(line, hits - allowed) for line, hits in found if hits - allowed] == []


def test_the_names_are_those_that_a_reader_would_look_for() -> None:
    names = names_of_slices()
    assert {"ticket", "order", "card", "complaint", "faq", "hand_over", "article"} <= names
    assert named("HandedOver(ticket_id)", names) == {"ticket", "ticket_id"}
    assert named("my Orders", names) == {"orders"}
    assert IDS.search("of user_001")
    assert IDS.search("T901")
