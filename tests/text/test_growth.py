"""No text costs more than linear time: every regular expression, measured in steps, not seconds."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeGuard

import pytest

import deskward
from deskward.agent.claims.declared import Declared
from deskward.agent.offline.sought import pattern_of
from deskward.features import SLICES
from deskward.text import moods, values
from deskward.text.clauses import grammar
from tests.steps import Matcher, attacks, growth

LINEAR = 2.9
"""How much longer twice the text may take; 2 is linear, 4 is quadratic."""
FUNCTIONS = {
    "compile",
    "match",
    "search",
    "sub",
    "subn",
    "findall",
    "finditer",
    "fullmatch",
    "split",
}
BUILT_INSIDE = {
    "agent/offline/few_words.py": "what a record's id looks like, which skills say",
    "agent/deeds.py": "phrases that slices declare, on one clause",
    "agent/claims/declared.py": "ids of the records that slices declare, measured below",
    "agent/worded.py": "how slices say that a result names something: bounded, on one clause",
    "agent/offline/acts.py": "how things are named, in `fullmatch` on one word",
    "agent/offline/choosing.py": "ids of the records that slices declare, measured below",
    "agent/offline/languages.py": "how things are named, in `fullmatch` on one word",
    "agent/offline/lax_lists.py": "how things are named, in `fullmatch` on one word",
    "agent/offline/lookup.py": "patterns of one word, which has a bound",
    "agent/offline/leading.py": 'words for "and", escaped, at the beginning of a short message',
    "agent/offline/sought.py": "phrases of skills, measured below",
    "agent/offline/phrases.py": "patterns of one word, which has a bound",
    "accounts/service.py": "a card's number, in `fullmatch`, behind a bound on its length",
    "customers/signs.py": "what a customer is called, escaped",
    "diagnostics/shelf.py": "a word of a workflow, escaped",
    "email/compose.py": "the form of a line, which has a bound",
    "email/kinds.py": "an address of bounded parts",
    "entrypoints/log_paths.py": "addresses of ours",
    "evaluation/dialogues.py": "patterns of our own data, on the desk's answers",
    "gate/besides.py": 'words for "and", escaped, on at most 400 characters',
    "gate/choices.py": "lists of words, escaped, on at most 400 characters",
    "gate/option_words.py": "lists of words, escaped, on at most 400 characters",
    "gate/provenance.py": "the pattern of a type of ours, on texts of ours, once at declaration",
    "inbox/reading/markup.py": "the name of an element, which is ours",
    "knowledge/formats/front.py": "one of two fences",
    "security/anonymous.py": "ids of customers, escaped",
    "security/masking.py": "parts of patterns at the module's top",
    "text/against.py": "lists of words, escaped",
    "text/clauses.py": "a record's title, escaped",
    "text/excluding.py": "words of our own data, escaped, on at most 400 characters",
    "text/polarity.py": "a word of a rule, escaped, and a list of words, each with bounded gaps",
    "text/forbidding.py": "forms of our own data, on at most 120 characters",
    "text/finding.py": "the kinds of records, met in the closures that hold them",
    "text/goods.py": "whether words of our own list are of scripts without spaces, once",
    "text/joins.py": "words of our own data, escaped, on a short message",
    "text/lists.py": "lists of words, met where they are used",
    "text/moods.py": "lists of words, measured below",
    "text/wishes.py": 'words for "and", escaped, between two spaces',
    "text/values.py": "names of months and currencies from the CLDR, measured below",
}
"""Files that build some within a function, from what is no text of a customer: from what, then."""


def patterns() -> dict[tuple[str, int], str]:
    """All regular expressions that a module holds, with where they are."""
    found: dict[tuple[str, int], str] = {}
    for module in pkgutil.walk_packages(deskward.__path__, "deskward."):
        if "migrations" in module.name or module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            for pattern in within(value, 0, set()):
                if isinstance(pattern.pattern, str):
                    key = pattern.pattern, pattern.flags & ~re.UNICODE
                    found.setdefault(key, f"{module.name}.{name}")
    for path, (given, flags) in calls():
        if isinstance(given, ast.Constant) and isinstance(given.value, str):
            found.setdefault((given.value, flags), path)
    return found


def within(value: Any, depth: int, met: set[int]) -> Iterator[re.Pattern[Any]]:
    """The regular expressions in a value: in containers, in our objects, in what closures hold."""
    if isinstance(value, re.Pattern):
        yield value
    if depth > 5 or id(value) in met:
        return
    met.add(id(value))
    parts: list[Any] = []
    if isinstance(value, dict):
        parts = list(value.values())
    elif isinstance(value, list | tuple | set | frozenset):
        parts = list(value)
    elif is_dataclass(value) and not isinstance(value, type):
        parts = [getattr(value, field.name, None) for field in fields(value)]
    elif str(getattr(value, "__module__", "")).startswith("deskward"):
        parts = [cell.cell_contents for cell in getattr(value, "__closure__", None) or ()]
    for part in parts:
        yield from within(part, depth + 1, met)


def calls() -> Iterator[tuple[str, tuple[ast.expr, int]]]:
    """The calls of `re` in our sources: the file, what is given as the pattern, and the flags."""
    root = Path(deskward.__path__[0])
    for file in root.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if is_call(node):
                given = [*node.args, *(word.value for word in node.keywords)]
                flags = 0
                for part in (p for arg in given for p in ast.walk(arg)):
                    if isinstance(part, ast.Attribute):
                        flag = getattr(re, part.attr, 0)
                        flags |= int(flag) if isinstance(flag, re.RegexFlag) else 0
                yield file.relative_to(root).as_posix(), (node.args[0], flags)


def is_call(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether a node calls a function of `re` that takes a pattern."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in FUNCTIONS
    )


@pytest.mark.slow
def test_the_counter_tells_linear_from_quadratic() -> None:
    assert growth(r"\d{1,12}(?:,\d{3})?")[0] < LINEAR
    assert growth(r"(?<!,)\b\d[\d,]{0,20} ?(?:USD|EUR)")[0] < LINEAR
    assert growth(r"\b\d[\d,]* ?(?:USD|EUR)")[0] > LINEAR
    assert growth(r"(a|aa)+$")[0] > LINEAR
    assert growth(r"\s+x")[0] > LINEAR
    assert growth(r"<[^>]*>")[0] > LINEAR
    assert growth(r"(?:ab*)*c")[0] > LINEAR


@pytest.mark.parametrize(
    ("pattern", "text"),
    [(r"(a+)\1b", "aaaab"), (r"x(?=y)|[^\W\d]+?\b", "xy é"), (r"(?i)ab{2,3}?c|^d$", "ABBC\nd")],
)
def test_the_counter_matches_what_re_matches(pattern: str, text: str) -> None:
    matcher = Matcher(pattern)
    matcher._text = text
    for at in range(len(text) + 1):
        found = re.compile(pattern).match(text, at)
        end = next(matcher._sequence(matcher.nodes, 0, at), None)
        assert end == (found and found.end())


def test_no_regular_expression_is_built_where_nobody_looks() -> None:
    built = {path for path, (pattern, _) in calls() if not isinstance(pattern, ast.Constant)}
    inside = {path for path in built if not at_the_top(path)}
    assert inside <= set(BUILT_INSIDE)
    assert len(patterns()) > 60


def at_the_top(path: str) -> bool:
    """Whether a file builds its expressions only where its module begins."""
    tree = ast.parse((Path(deskward.__path__[0]) / path).read_text(encoding="utf-8"))
    inner = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    return not any(
        is_call(node) and not isinstance(node.args[0], ast.Constant)
        for part in inner
        for node in ast.walk(part)
    )


@pytest.mark.parametrize("name", ["deskward.text.risk.RECORDS", "deskward.core.logging._PERSONAL"])
def test_what_customers_write_first_meets_grows_linearly(name: str) -> None:
    module, _, variable = name.rpartition(".")
    pattern = getattr(importlib.import_module(module), variable)
    assert growth(pattern.pattern, pattern.flags & ~re.UNICODE)[0] < LINEAR
    assert attacks(pattern.pattern)


@pytest.mark.slow
@pytest.mark.parametrize("language", sorted(grammar()))
def test_values_of_every_language_grow_linearly(language: str) -> None:
    pattern = values._pattern(language)
    assert growth(pattern.pattern, pattern.flags & ~re.UNICODE)[0] < LINEAR


@pytest.mark.slow
def test_words_of_moods_and_phrases_of_skills_grow_linearly() -> None:
    sought = [
        pattern_of(["refund* my", "money back"], spaced=True),
        pattern_of(["返金"], spaced=False),
    ]
    words = [pattern for _, _, *both in moods._lists() for pattern in both]
    assert len(words) > 8
    for pattern in (*sought, *words):
        assert growth(pattern.pattern, pattern.flags & ~re.UNICODE)[0] < LINEAR, pattern.pattern


def test_declared_ids_grow_linearly() -> None:
    kinds = Declared.load(*(part.claims for part in SLICES if part.claims is not None)).kinds
    assert kinds
    for kind in kinds.values():
        assert growth(kind.ids.pattern, kind.ids.flags & ~re.UNICODE)[0] < LINEAR, kind.name


@pytest.mark.slow
def test_every_regular_expression_grows_linearly() -> None:
    slow = {
        where: (round(ratio, 1), text)
        for (pattern, flags), where in patterns().items()
        for ratio, text in [growth(pattern, flags)]
        if ratio > LINEAR
    }
    assert slow == {}
