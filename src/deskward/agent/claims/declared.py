"""What slices declare of their tools: what a call makes true, and how that is said.

A `claims.yaml` has `records` (kinds of record, with the patterns of their ids and their plural
nouns), `values` (fields with a few values, and the words for them), `told` (fields in which the
desk's own words stand), `quoted` (fields that may be repeated word for word) and `acts`. An act is
what a sentence can claim; it is shown by a call that came to good (`calls`: tool → field → values,
in the arguments or the answer), by a record in some state (`of`, `records`: field → values) or by
a call that waits for a person (`waiting`); a `fact` also by the values that it names, what is
`absent` only where its words, or what they are `synonyms` of, are not shown. A later file gives an
act of an earlier one further `calls`. Values are patterns
as of file names, `[]` for an empty list. How it is said, by language, stands in `says`, or follows
from `things` and `verbs`, `states` or `nouns` by frames (`text/frames.py`); `none` claim nothing.
What is `worded` may be said in the words of a result's `fields` alone: patterns by language of how
it is said (`says`), and of what leaves it open or denies it (`open`), and words `besides`.
`deeds` are said in set phrases, of which `phrases` are parts (`agent/deeds.py`); `heard` is how a
sentence says that it repeats what somebody said, and `polite` a word that makes no condition.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from deskward.agent.deeds import Deeds
from deskward.agent.leaves import Conditions
from deskward.agent.worded import Worded
from deskward.text.clauses import NONE
from deskward.text.frames import filled
from deskward.text.spacing import spaced

DONE = "done"  # of `general.yaml`
GENERAL = Path(__file__).with_name("general.yaml")


@dataclass(frozen=True)
class Kind:
    """A kind of record."""

    name: str
    ids: re.Pattern[str]
    fields: frozenset[str]
    nouns: Mapping[str, str]


@dataclass(frozen=True)
class Act:
    """What a sentence can claim, and what shows it; see above."""

    name: str
    of: str | None
    calls: Mapping[str, Conditions]
    states: Conditions
    waiting: bool
    fact: bool
    absent: bool

    @property
    def end(self) -> str:
        """The end of its name: acts of several kinds of record that are said alike end alike."""
        return self.name.rpartition("_")[2]


@dataclass(frozen=True)
class Field:
    """A field that has one of a few values, with the words for it and for them."""

    words: frozenset[str]
    values: Mapping[str, str]


@dataclass
class Declared:
    """All that was declared."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    acts: dict[str, Act] = field(default_factory=dict)
    fields: dict[str, Field] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    quoted: set[str] = field(default_factory=set)
    synonyms: dict[str, str] = field(default_factory=dict)
    worded: list[Worded] = field(default_factory=list)
    deeds: Deeds = field(default_factory=Deeds)
    sentences: list[tuple[str, str, str]] = field(default_factory=list)
    """Language, act or `NONE`, and the sentence."""
    writes: frozenset[str] = frozenset()
    """The tools that change something."""

    @property
    def tools(self) -> frozenset[str]:
        """The tools of which something is declared."""
        acts = (tool for act in self.acts.values() for tool in act.calls)
        return frozenset(acts).union(*(deed.calls for deed in self.deeds.all))

    @classmethod
    def load(cls, *files: Path, writes: Collection[str] = ()) -> Declared:
        """Read `claims.yaml` files; the general one comes by itself.

        Raises:
            ValueError: One is not of the form.
        """
        found = cls(writes=frozenset(writes))
        for file in (GENERAL, *files):
            try:
                found.add(yaml.load(file.read_text("utf-8"), Loader=yaml.CBaseLoader))
            except (AttributeError, KeyError, TypeError, re.error, yaml.YAMLError) as error:
                raise ValueError(f"{file}: these are no claims: {error}") from error
        return found

    def add(self, content: Mapping[str, Any]) -> None:
        """Take up what one file declares."""
        self.told |= set(content.get("told", ()))
        self.quoted |= set(content.get("quoted", ()))
        for name, words in content.get("synonyms", {}).items():
            self.synonyms |= dict.fromkeys(words, name)
        for name, one in content.get("records", {}).items():
            ids = re.compile(rf"(?<![\w-])(?:{'|'.join(one['ids'])})(?![\w-])")
            fields = frozenset(one.get("fields", ()))
            self.kinds[name] = Kind(name, ids, fields, one["nouns"])
        for name, one in content.get("values", {}).items():
            words = frozenset(map(spaced, itertools.chain.from_iterable(one["words"].values())))
            values = {spaced(word): value for value, said in one["is"].items() for word in said}
            self.fields[name] = Field(words, values)
        for name, one in content.get("acts", {}).items():
            calls = {tool: _conditions(wanted) for tool, wanted in one.get("calls", {}).items()}
            states = _conditions(one.get("records", {}))
            if (known := self.acts.get(name)) is not None:  # said by another file already
                self.acts[name] = replace(known, calls={**known.calls, **calls})
                continue
            flags = (flag in one for flag in ("waiting", "fact", "absent"))
            self.acts[name] = Act(name, one.get("of"), calls, states, *flags)
            self.sentences += filled(name, one)
        self.worded += [Worded.read(*one) for one in content.get("worded", {}).items()]
        self.deeds.add(content)
        for language, texts in content.get(NONE, {}).items():
            self.sentences += [(language, NONE, text) for text in texts]


def _conditions(given: Mapping[str, Any]) -> Conditions:
    return {name: frozenset(values) for name, values in given.items()}
