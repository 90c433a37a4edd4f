"""What an agent's principal has said: what of its calls stands in their own words.

Text of customers, articles and tools can hold instructions of an attacker (indirect prompt
injection: Greshake et al., 2023). It cannot be told apart from honest text, so whoever has read any
counts as *tainted* (`readings.py`), and policies judge its calls by where their arguments come
from: those that stand in the principal's own words were not put there by anybody else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from deskward.text.wishes import Wish
from deskward.text.words import stem

RECENT = 3
"""How many of the principal's last utterances count as wishes for a deed."""

_PART = re.compile(r"\[\[\w+:\d+\]\]|\w+")


@dataclass(frozen=True)
class Influence:
    """What an agent was told by its principal.

    Attributes:
        said: What the principal said in the conversation, secrets as placeholders.
        subjects: The customers that the principal asked about.
    """

    said: tuple[str, ...] = ()
    subjects: frozenset[str] = frozenset()

    def own_words(self, arguments: Mapping[str, Any]) -> bool:
        """Whether every argument stands in what the principal said; False where there is none."""
        values = list(_values(arguments))
        return bool(values) and all(map(self._was_said, values))

    def wished(self, wish: Wish, arguments: Mapping[str, Any]) -> bool:
        """Whether one of the last utterances wishes for a deed, and it or a later one has the rest.

        A deed's words elsewhere are no wish for it: "my card 4242 was declined" blocks nothing.
        """
        recent = self.said[-RECENT:]
        for place, text in enumerate(recent):
            if wish.is_named(text):
                told = Influence(recent[place:])
                values = _values(arguments)
                if all(told._was_said(one) or wish.says(one, text) for one in values):
                    return True
        return False

    def look(self) -> None:
        """Look at all that was said now, and not when it is first asked for."""
        _ = self._text, self._stems

    def _was_said(self, value: str) -> bool:
        parts = _parts(value)
        if len(parts) == 1:
            return stem(parts[0]) in self._stems
        return f" {' '.join(parts)} " in self._text

    @cached_property
    def _text(self) -> str:
        # The mark between messages keeps a phrase from being found across two of them.
        return " " + " | ".join(" ".join(_parts(text)) for text in self.said) + " "

    @cached_property
    def _stems(self) -> frozenset[str]:
        return frozenset(stem(part) for text in self.said for part in _parts(text))


def _parts(text: str) -> list[str]:
    return _PART.findall(text.casefold())


def _values(value: Any) -> Iterable[str]:
    """The texts and numbers inside, as text."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _values(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _values(item)
    elif value is not None and str(value):
        yield str(value)
