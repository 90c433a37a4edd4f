"""Counting the steps of a backtracking matcher, so that a regular expression's growth can be seen.

The matcher works on Python's own parse tree and tries what `re` tries, in its order. It leaves out
the shortcuts that `re` has for some patterns: a pattern that is linear here is linear there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from re import _constants as sre  # type: ignore[attr-defined]  # not typed, as it is Python's own
from re import _parser  # type: ignore[attr-defined]  # not typed, as it is Python's own
from typing import Any

BOUND = 6
"""What counts as the end of a repetition that has one: how far it goes is not growth."""

SUSPECT = 2.5
"""What looks as if it grew faster than the text."""

Node = tuple[Any, Any]
_GROUPS = (sre.BRANCH, sre.ATOMIC_GROUP, sre.SUBPATTERN, sre.GROUPREF)
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)


class TooMany(Exception):
    """The steps are more than anybody wants to count."""


class Matcher:
    """A pattern, and how many steps it took so far."""

    def __init__(self, pattern: str, flags: int = 0, most: int = 150_000) -> None:
        tree = _parser.parse(pattern, flags)
        self.flags = tree.state.flags
        self.nodes: list[Node] = list(tree)
        self.most = most
        self.steps = 0
        self._text = ""
        self._groups: dict[int, tuple[int, int]] = {}

    def search_all(self, text: str) -> int:
        """Look for all matches, as `finditer` does; returns the steps."""
        self.steps, self._text, at = 0, text, 0
        while at <= len(text):
            self._groups = {}
            end = next(self._sequence(self.nodes, 0, at), None)
            at = at + 1 if end is None or end == at else end
        return self.steps

    def _step(self) -> None:
        self.steps += 1
        if self.steps > self.most:
            raise TooMany

    def _sequence(self, nodes: Sequence[Node], index: int, at: int) -> Iterator[int]:
        if index == len(nodes):
            yield at
            return
        for end in self._node(nodes[index], at):
            yield from self._sequence(nodes, index + 1, end)

    def _node(self, node: Node, at: int) -> Iterator[int]:
        self._step()
        op, value = node
        if op in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
            if at < len(self._text) and takes(node, self._text[at], self.flags):
                yield at + 1
        elif op in _GROUPS:
            yield from self._group(op, value, at)
        elif op in _REPEATS:
            yield from self._repeat(op, value, at)
        elif op in (sre.ASSERT, sre.ASSERT_NOT):
            if self._looks(value, at) is (op is sre.ASSERT):
                yield at
        elif op is sre.AT:
            if self._stands(value, at):
                yield at
        else:
            raise NotImplementedError(str(op))

    def _group(self, op: Any, value: Any, at: int) -> Iterator[int]:
        if op is sre.BRANCH:
            for branch in value[1]:
                yield from self._sequence(list(branch), 0, at)
        elif op is sre.ATOMIC_GROUP:
            yield from self._first(self._sequence(list(value), 0, at))
        elif op is sre.SUBPATTERN:
            for end in self._sequence(list(value[3]), 0, at):
                if value[0] is not None:
                    self._groups[value[0]] = (at, end)
                yield end
        else:
            start, stop = self._groups.get(value, (0, 0))
            if self._text.startswith(self._text[start:stop], at):
                yield at + stop - start

    def _first(self, ends: Iterator[int]) -> Iterator[int]:
        for end in ends:
            yield end
            return

    def _looks(self, value: tuple[int, Any], at: int) -> bool:
        direction, nodes = value
        if direction > 0:
            return next(self._sequence(list(nodes), 0, at), None) is not None
        width = nodes.getwidth()[0]
        return at >= width and at in self._sequence(list(nodes), 0, at - width)

    def _repeat(self, op: Any, value: Any, at: int) -> Iterator[int]:
        fewest, most, nodes = value
        if most is not sre.MAXREPEAT:
            most = max(fewest, min(most, BOUND))
        inner = list(nodes)
        if op is sre.POSSESSIVE_REPEAT:
            yield from self._first(self._greedy(inner, fewest, most, at))
        elif op is sre.MIN_REPEAT:
            yield from self._lazy(inner, fewest, most, at)
        else:
            yield from self._greedy(inner, fewest, most, at)

    def _greedy(self, inner: list[Node], fewest: int, most: Any, at: int) -> Iterator[int]:
        """Ends of as many rounds as there can be, then of fewer."""
        open_: list[tuple[int, Iterator[int]]] = [(at, self._sequence(inner, 0, at))]
        while open_:
            here, ends = open_[-1]
            deeper = len(open_) <= most
            end = next(ends, None) if deeper else None
            if end is not None and end != here:
                open_.append((end, self._sequence(inner, 0, end)))
                continue
            if end == here and len(open_) <= fewest:
                open_.append((end, self._sequence(inner, 0, end)))
                continue
            open_.pop()
            if len(open_) >= fewest:
                self._step()
                yield here

    def _lazy(self, inner: list[Node], fewest: int, most: Any, at: int) -> Iterator[int]:
        """Ends of as few rounds as there can be, then of more."""
        todo: list[tuple[int, Iterator[int]]] = []
        here, rounds = at, 0
        while True:
            if rounds >= fewest:
                self._step()
                yield here
            if rounds < most:
                todo.append((here, self._sequence(inner, 0, here)))
            while todo:
                end = next(todo[-1][1], None)
                if end is not None and (end != todo[-1][0] or len(todo) <= fewest):
                    here, rounds = end, len(todo)
                    break
                todo.pop()
            else:
                return

    def _stands(self, where: Any, at: int) -> bool:
        text = self._text
        if where in (sre.AT_BEGINNING_STRING,) or (
            where is sre.AT_BEGINNING and not self.flags & re.MULTILINE
        ):
            return at == 0
        if where is sre.AT_BEGINNING:
            return at == 0 or text[at - 1] == "\n"
        if where is sre.AT_END:
            many = self.flags & re.MULTILINE
            last = at == len(text) - 1 or bool(many)
            return at == len(text) or (text[at] == "\n" and last)
        if where is sre.AT_END_STRING:
            return at == len(text)
        before = at > 0 and is_word(text[at - 1])
        after = at < len(text) and is_word(text[at])
        return (before != after) is (where is sre.AT_BOUNDARY)


def is_word(char: str) -> bool:
    r"""Whether `\w` takes it."""
    return char.isalnum() or char == "_"


def takes(node: Node, char: str, flags: int) -> bool:
    """Whether a node of one character takes this one."""
    op, value = node
    forms = {char, char.lower(), char.upper()} if flags & re.IGNORECASE else {char}
    if op is sre.ANY:
        return char != "\n" or bool(flags & re.DOTALL)
    if op is sre.LITERAL:
        return chr(value) in forms
    if op is sre.NOT_LITERAL:
        return chr(value) not in forms
    negated = value[0][0] is sre.NEGATE
    found = any(_in_class(part, form) for part in value for form in forms)
    return found is not negated


def _in_class(part: Node, char: str) -> bool:
    op, value = part
    if op is sre.LITERAL:
        return ord(char) == value
    if op is sre.RANGE:
        return bool(value[0] <= ord(char) <= value[1])
    if op is sre.CATEGORY:
        name = str(value)
        if name.endswith("DIGIT"):
            found = unicodedata.category(char) == "Nd"
        elif name.endswith("SPACE"):
            found = char.isspace()
        else:
            found = is_word(char)
        return found is not ("_NOT_" in name)
    return False


_CHARS = "a1 ,.A-@:/<([\n_é!\"'\x00~=+%#$>)]{*|€;?&\\^`5x"


def witness(nodes: Any, flags: int) -> str:
    """A short text that the nodes take, lookarounds apart."""
    return "".join(_witness(node, flags) for node in nodes)


def _witness(node: Node, flags: int) -> str:
    op, value = node
    if op in (sre.LITERAL,):
        return chr(value)
    if op in (sre.NOT_LITERAL, sre.ANY, sre.IN):
        candidates = [*_CHARS, *(chr(c) for c in range(0x2000, 0x2100))]
        ranges = [chr(p[1][0]) for p in value if p[0] is sre.RANGE] if op is sre.IN else []
        literals = [chr(p[1]) for p in value if p[0] is sre.LITERAL] if op is sre.IN else []
        return next((c for c in [*candidates, *ranges, *literals] if takes(node, c, flags)), "a")
    if op is sre.BRANCH:
        return witness(value[1][0], flags)
    if op is sre.SUBPATTERN:
        return witness(value[3], flags)
    if op in _REPEATS:
        return witness(value[2], flags) * value[0]
    if op is sre.ATOMIC_GROUP:
        return witness(value, flags)
    return ""


def attacks(pattern: str, flags: int = 0) -> set[tuple[str, str]]:
    """Texts (a beginning, and what is repeated after it) that may make a pattern slow.

    For every repetition in the pattern: what stands before it, then what it takes again and again,
    and both again and again. And some that are like what people type.
    """
    tree = _parser.parse(pattern, flags)
    flags = tree.state.flags
    found = {("", pump) for pump in ("a", "1", "1,", " ", "a ", "A ", "\n", "a@", "a.", "- ", "[(")}

    def walk(nodes: Any, before: str) -> None:
        for node in nodes:
            op, value = node
            if op in _REPEATS:
                if value[1] is sre.MAXREPEAT or value[1] > BOUND:
                    for char in _pumps(value[2], flags):
                        found.add((before, char))
                        found.add(("", before + char))
                walk(value[2], before)
            elif op is sre.SUBPATTERN:
                walk(value[3], before)
            elif op is sre.BRANCH:
                for branch in value[1]:
                    walk(branch, before)
            elif op is sre.ATOMIC_GROUP:
                walk(value, before)
            elif op in (sre.ASSERT, sre.ASSERT_NOT):
                walk(value[1], before)
            before += _witness(node, flags)

    walk(tree, "")
    return {(start, pump) for start, pump in found if pump}


def _pumps(nodes: Any, flags: int) -> set[str]:
    """What a repetition may take: its witness, and every usual character that it takes."""
    pumps = {witness(nodes, flags)}
    if len(nodes) == 1 and nodes[0][0] in (sre.ANY, sre.IN, sre.NOT_LITERAL):
        pumps |= {c for c in "a1 ,.A\n" if takes(nodes[0], c, flags)}
    return pumps


def growth(pattern: str, flags: int = 0) -> tuple[float, str]:
    """How much longer twice the text takes, at worst, and for which text.

    2 is linear, 4 quadratic. What looks worse than linear is looked at again in longer texts, where
    repetitions that have a bound have come to it.
    """
    found = _growth(Matcher(pattern, flags), sorted(attacks(pattern, flags)), 40)
    if found[-1][0] > SUSPECT:
        again = [text for ratio, text in found if ratio > SUSPECT]
        found = _growth(Matcher(pattern, flags, 400_000), again[-3:], 120)
    ratio, (start, pump) = found[-1]
    return ratio, f"{start!r} + {pump!r} * n"


def _growth(
    matcher: Matcher, texts: Sequence[tuple[str, str]], size: int
) -> list[tuple[float, tuple[str, str]]]:
    """How much longer twice each text takes, the worst last."""
    found = []
    for start, pump in texts:
        for end in ("\x00", ""):
            once, twice = (
                start + pump * max(count // len(pump), count // 6) + end
                for count in (size, 2 * size)
            )
            try:
                few = matcher.search_all(once)
                ratio = matcher.search_all(twice) / few / (len(twice) / len(once)) * 2
            except TooMany:
                return [(99.0, (start, pump))]
            found.append((ratio, (start, pump)))
    return sorted(found)
