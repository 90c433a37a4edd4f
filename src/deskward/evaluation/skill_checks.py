"""What is wrong with skills, told from their files alone: `deskward skills check`.

Three things are looked for: sentences that stand for two skills at once, skills that take the
sentences of others (k-fold cross-validation: each sentence is matched by what was learned without
it), and texts and phrases that a language does not have.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from deskward.agent.offline.features import Cues
from deskward.agent.offline.matching import Matcher
from deskward.agent.offline.replies import texts_of
from deskward.agent.offline.skills import NONE, Skill, Skills
from deskward.text.vectors import Embedder
from deskward.text.words import words

LANGUAGES = ("en", "de", "fr", "es", "pt", "it", "ja", "ar")
"""The languages that answers are to be there in."""
FOLDS = 5
SHOWN = 3
"""Sentences that are shown of each pair of skills."""
REPLIES = ("replies", "asides", "choices", "deeds", "records")
"""The files of what the offline model says that is no skill's."""

Progress = Callable[[float], None]
Named = Mapping[str, Sequence[str]]
"""Skill → sentences."""


@dataclass(frozen=True)
class Contradiction:
    """A sentence that stands for two skills.

    Attributes:
        sentence: One of the two ways in which it is written.
        names: The skills; of wishes and turns as `wishes:freeze_card`.
    """

    sentence: str
    names: tuple[str, str]


@dataclass(frozen=True)
class Theft:
    """Sentences of one skill that another took, when it had not learned them.

    Attributes:
        sentences: Some of them.
    """

    wanted: str
    told: str
    count: int
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Confusion:
    """How skills are told apart.

    Attributes:
        sentences: How many were matched; those of skills with fewer than two are not.
        right: How many of them by their own skill.
        shares: Skill → which share of its own sentences it got.
        thefts: Who took what, the most first.
    """

    sentences: int
    right: int
    shares: Mapping[str, float]
    thefts: Sequence[Theft]


@dataclass(frozen=True)
class Missing:
    """A text or list of phrases, and the languages that it is not there in."""

    what: str
    languages: tuple[str, ...]


def contradictions(skills: Skills) -> list[Contradiction]:
    """The sentences that stand for two skills, capitals and marks left aside.

    A sentence that asks for a thing and wishes nothing may be among the wishes of `none`, so that
    these are compared with wishes alone. Kinds of turns of one topic are no two.
    """
    examples = {name: one.examples for name, one in skills.skills.items() if one.examples}
    wishes = {f"wishes:{name}": said for name, said in skills.wishes.items()}
    turns: defaultdict[str, list[str]] = defaultdict(list)
    for one in skills.turns.values():
        turns[f"turns:{one.topic}"] += itertools.chain(*one.said.values())
    wished = {name: said for name, said in wishes.items() if name != f"wishes:{NONE}"}
    others = {name: said for name, said in examples.items() if name != NONE}
    found = itertools.chain(_twice(examples), _twice(wishes), _twice(turns))
    across = (one for one in _twice({**others, **wished}) if _apart(one.names))
    return list(dict.fromkeys(itertools.chain(found, across)))


def _apart(names: tuple[str, str]) -> bool:
    """Whether one is of examples and the other of the wishes of another skill."""
    plain, wish = sorted(names, key=lambda name: ":" in name)
    return ":" not in plain and ":" in wish and wish.partition(":")[2] != plain


def _twice(said: Named) -> Iterator[Contradiction]:
    first: dict[str, dict[str, str]] = {}
    for name, sentences in said.items():
        for sentence in sentences:
            form = " ".join(words(sentence))
            if form:
                first.setdefault(form, {}).setdefault(name, sentence)
    for form in sorted(form for form, by in first.items() if len(by) > 1):
        for one, other in itertools.combinations(sorted(first[form]), 2):
            yield Contradiction(first[form][one], (one, other))


def confusion(
    said: Named,
    lexicon: Mapping[str, Sequence[str]] | None = None,
    *,
    folds: int = FOLDS,
    embedder: Embedder | None = None,
    cues: Cues | None = None,
    progress: Progress = lambda _: None,
) -> Confusion:
    """Match each sentence by what was learned from the other folds.

    Args:
        said: Sentences; the n-th of each skill is in the fold n modulo `folds`.
        lexicon: Concept → words of that meaning.
        folds: At least 2.
        embedder: Makes vectors of sentences; without one, words alone tell.
        cues: What else of a sentence counts, as of wishes.

    Raises:
        ValueError: There are fewer than two skills with two sentences, or fewer than two folds.
        EmbeddingFailed: There are no vectors.
    """
    known = {name: some for name, some in said.items() if len(some) > 1}
    if len(known) < 2 or folds < 2:
        raise ValueError("two skills with two sentences each, and two folds, are the least")
    took: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for fold in range(folds):
        learned = {
            name: [one for at, one in enumerate(some) if at % folds != fold]
            for name, some in known.items()
        }
        matcher = Matcher(
            *(learned, lexicon or {}),
            rest=None if cues else NONE,  # as the model has them
            kinds=(),
            embedder=embedder,
            cues=cues,
        )
        for name, some in known.items():
            for sentence in some[fold::folds]:
                counts[name] += 1
                took[name, matcher.match(sentence)[0].name].append(sentence)
        progress((fold + 1) / folds)
    right = {name: len(took[name, name]) for name in known}
    thefts = [
        Theft(*pair, len(some), tuple(some[:SHOWN]))
        for pair, some in took.items()
        if some and pair[0] != pair[1]
    ]
    return Confusion(
        sentences=counts.total(),
        right=sum(right.values()),
        shares={name: right[name] / counts[name] for name in known},
        thefts=sorted(thefts, key=lambda one: (-one.count, one.wanted, one.told)),
    )


def missing(
    skills: Skills,
    questions: Iterable[Path] = (),
    languages: Sequence[str] = LANGUAGES,
) -> list[Missing]:
    """The texts that customers get in English instead of their language.

    Args:
        questions: Files of what customers are asked before a call: tool → language → questions.
    """
    texts = dict(itertools.chain.from_iterable(map(_texts, skills.skills.values())))
    for name in REPLIES:
        texts |= {f"{name}.yaml: {one}": said.keys() for one, said in texts_of(name).items()}
    for file in questions:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        texts |= {f"{file.parent.name} asks: {tool}": said for tool, said in content.items()}
    return _without(texts, languages)


def unphrased(skills: Skills, languages: Sequence[str] = LANGUAGES) -> list[Missing]:
    """The skills that a language has no phrases of: there vectors alone tell them.

    Of a skill that only says something none are wanted.
    """
    phrases = {
        f"skill {name}": {*one.about, *one.sought, *(one.acts.languages if one.acts else ())}
        for name, one in skills.skills.items()
        if one.tool is not None
    }
    return _without(phrases, [one for one in languages if one != "en"])


def _texts(skill: Skill) -> Iterator[tuple[str, Iterable[str]]]:
    if skill.say is not None:
        yield f"skill {skill.name}: say", skill.say
    for name, texts in (("answer", skill.answer), ("instead", skill.instead)):
        if texts:
            yield f"skill {skill.name}: {name}", texts
    for name, slot in skill.slots.items():
        if slot.ask:
            yield f"skill {skill.name}: ask {name}", slot.ask


def _without(found: Mapping[str, Iterable[str]], languages: Sequence[str]) -> list[Missing]:
    lacking = {
        what: tuple(x for x in languages if x not in set(has)) for what, has in found.items()
    }
    return [Missing(what, some) for what, some in sorted(lacking.items()) if some]
