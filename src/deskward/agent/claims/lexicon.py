"""What the promise check knows of English and of tools: `lexicon.yaml`, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from deskward.text.words import stem

DATA = Path(__file__).with_name("lexicon.yaml")


@dataclass(frozen=True)
class Deed:
    """Something that can be claimed, and what supports the claim.

    Attributes:
        verbs: Stems of the verbs that claim it, with a particle where the verb needs one.
        states: Words that claim it after `is`.
        about: The kinds of object that it is done to; empty where any will do.
        tools: Tools whose answer supports it.
        answer: What such an answer must say.
        statuses: Statuses of a record that support it.
        pending: Whether a call that waits for approval supports it.
        shown: Whether the claim must name something that the tool's answer shows.
        only: The forms in which the verbs claim it; empty for all.
        topic: Whether it is done about something, rather than to it.
    """

    verbs: frozenset[tuple[str, str]] = frozenset()
    states: frozenset[str] = frozenset()
    about: frozenset[str] = frozenset()
    tools: frozenset[str] = frozenset()
    answer: tuple[tuple[str, frozenset[str]], ...] = ()
    statuses: frozenset[str] = frozenset()
    pending: bool = False
    shown: bool = False
    only: frozenset[str] = frozenset()
    topic: bool = False


@dataclass(frozen=True)
class Phrase:
    """A turn of phrase that claims something, wherever it stands."""

    say: str
    about: frozenset[str]
    deed: Deed | None
    """What it claims; None: that the wish was met."""
    denied: bool
    """Whether it claims by denying: `nobody can use it any more`."""


@dataclass(frozen=True)
class Lexicon:
    """The whole file."""

    objects: Mapping[str, str]
    strangers: frozenset[str]
    deeds: tuple[Deed, ...]
    by_verb: Mapping[str, tuple[Deed, ...]]
    by_state: Mapping[str, tuple[Deed, ...]]
    done: frozenset[tuple[str, str]]
    done_states: frozenset[str]
    whole: frozenset[str]
    phrases: tuple[Phrase, ...]
    writes: Mapping[str, str]
    light: frozenset[str]
    looked: frozenset[tuple[str, str]]
    harmless: frozenset[str]
    future_harmless: frozenset[tuple[str, str]]
    admitted: frozenset[tuple[str, str]]
    refused: frozenset[tuple[str, str]]
    conditions: frozenset[str]
    times: frozenset[str]
    invitations: frozenset[str]
    reporting: frozenset[str]
    hedges: frozenset[str]
    guesses: frozenset[str]
    customers: frozenset[tuple[str, str]]
    bases: Mapping[str, str]
    past_only: frozenset[str]
    known_verbs: frozenset[str]


def _verb(text: str) -> tuple[str, str]:
    verb, _, particle = text.partition("_")
    return stem(verb), particle


def _verbs(text: str) -> frozenset[tuple[str, str]]:
    return frozenset(_verb(word) for word in text.split())


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _deed(data: Mapping[str, Any]) -> Deed:
    return Deed(
        verbs=_verbs(data.get("verbs", "")),
        states=_set(data.get("state", "")),
        about=_set(data.get("of", "")),
        tools=_set(data.get("tools", "")),
        answer=tuple((key, frozenset(value)) for key, value in data.get("answer", {}).items()),
        statuses=_set(data.get("statuses", "")),
        pending=data.get("pending", False),
        shown=data.get("shown", False),
        only=_set(data.get("only", "")),
        topic=data.get("topic", False),
    )


def _phrase(data: Mapping[str, Any], mailed: Deed) -> Phrase:
    about = _set(data.get("about", ""))
    deed = mailed if data.get("mailed") else None if data.get("done") else _deed(data)
    return Phrase(f" {data['say']} ", about, deed, data.get("denied", False))


def _index(deeds: tuple[Deed, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    by_verb: dict[str, tuple[Deed, ...]] = {}
    by_state: dict[str, tuple[Deed, ...]] = {}
    for deed in deeds:
        for verb in {verb for verb, _ in deed.verbs}:
            by_verb[verb] = (*by_verb.get(verb, ()), deed)
        for state in deed.states:
            by_state[state] = (*by_state.get(state, ()), deed)
    return by_verb, by_state


@cache
def lexicon() -> Lexicon:
    """The file's content."""
    data = yaml.safe_load(DATA.read_text("utf-8"))
    deeds = tuple(_deed(item) for item in data["deeds"])
    by_verb, by_state = _index(deeds)
    mailed = next(deed for deed in deeds if "mail" in deed.about and deed.answer)
    objects = {stem(w): kind for kind, words in data["objects"].items() for w in words.split()}
    return Lexicon(
        objects=objects,
        strangers=frozenset(stem(word) for word in data["strangers"].split()),
        deeds=deeds,
        by_verb=by_verb,
        by_state=by_state,
        done=_verbs(data["done"]),
        done_states=_set(data["done_state"]),
        whole=frozenset(data["whole"]),
        phrases=tuple(_phrase(item, mailed) for item in data["phrases"]),
        writes={tool: kind for kind, tools in data["writes"].items() for tool in tools.split()},
        light=frozenset(stem(word) for word in data["light"].split()),
        looked=_verbs(data["looked"]),
        harmless=frozenset(stem(word) for word in data["harmless"].split()),
        future_harmless=_verbs(data["future_harmless"]),
        admitted=_verbs(data["admitted"]),
        refused=_verbs(data["refused"]),
        conditions=_set(data["conditions"]),
        times=_set(data["times"]),
        invitations=_set(data["invitations"]),
        reporting=_set(data["reporting"]),
        hedges=_set(data["hedges"]),
        customers=_verbs(data["customers"]),
        guesses=_set(data["guesses"]),
        bases={
            form: verb
            for verb, *forms in (entry.split() for entry in data["irregular"].split(","))
            for form in forms
        },
        past_only=_set(data["past_only"]),
        known_verbs=frozenset(
            stem(word.partition("_")[0])
            for words in (
                *(item.get("verbs", "") for item in data["deeds"]),
                *(data[name] for name in ("harmless", "done", "future_harmless")),
            )
            for word in words.split()
        ),
    )


def base(word: str) -> str:
    """The stem of a verb's base form."""
    plain = lexicon().bases.get(word, word)
    return stem(plain)
