"""Sentences to learn from: verbs, nouns and states in the frames of the grammar."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from deskward.text.clauses import grammar

NONE, WAITING = "none", "waiting"
SAYS_EACH, SILENT_EACH = 2, 2
"""So many frames are filled with a verb, others with the next."""


def filled(name: str, one: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The sentences that say an act, and those that name it and do not say it.

    Args:
        name: The act's.
        one: What is declared of how it is said, by language: `says`, or `things` and `verbs`,
            `states` or `nouns`, that are put into the frames of the grammar.

    Yields:
        Language, the act, `waiting` or `NONE`, and the sentence.
    """
    for language, rules in grammar().items():
        for text in one.get("says", {}).get(language, ()):
            yield language, name, text
        named = one.get("things", {}).get(language, ("",))
        things = itertools.cycle(named)
        for text in filter(None, named):  # with no verb it says nothing
            yield language, NONE, text
        for state in one.get("states", {}).get(language, ()):
            for frame in rules["states"]:
                yield language, name, frame.format(t=next(things), s=state)
        for noun in one.get("nouns", {}).get(language, ()):
            yield from ((language, name, frame.format(n=noun)) for frame in rules["noted"])
            yield from ((language, NONE, frame.format(n=noun)) for frame in rules["unnoted"])
        waits = itertools.cycle(rules["waits"])
        says, silent = itertools.cycle(rules["says"]), itertools.cycle(rules["silent"])
        for forms in one.get("verbs", {}).get(language, ()):
            done, *rest = forms.split("/")
            filled = {"p": done, "i": rest[0], "d": rest[-1]}
            yield language, name, done
            for frame in itertools.islice(says, SAYS_EACH):
                yield language, name, frame.format(t=next(things), **filled)
            for frame in itertools.islice(silent, SILENT_EACH):
                yield language, NONE, frame.format(t=next(things), **filled)
            yield language, WAITING, next(waits).format(t=next(things), **filled)
