"""What may be meant, where the strict grammar of `acts.py` understands no wish.

An act is proposed where its verb and its thing stand in one clause, or beside each other, in any
order and with unknown words between, and nothing about them negates, doubts, asks about, quotes,
mocks, takes back, makes a condition or speaks of others or of the past. It is never done without
the customer's yes. Words are data: `text/lists/lax.yaml`, `acts.yaml` and what skills declare.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from deskward.agent.offline.declared import Declared
from deskward.agent.offline.lookup import Lookup, Token, plain, tokens_of
from deskward.agent.offline.told import SHARED, Event, Message
from deskward.agent.offline.wishing import Wish
from deskward.text.lists import read_list, word_lists

Values = Mapping[str, Callable[[str], str | None]]
"""Skill → what finds its value in a message by its shape."""

_VALUE = "\ua757"
"""Stands for each letter of a value: a letter that no word has."""
_COVERING = frozenset(("ask", "asks", "polite", "wants", "lost"))
"""The lists whose phrases say nothing against an act, whatever words they have."""
_KEPT = ("lost", "me", "polite", "wants", "asks")
_PLACEHOLDER = re.compile(r"\[\[\w{1,20}:\d{1,9}\]\]")
_ENDS = re.compile(r"[!?…\n]|\.(?=\s|$)")
_BREAKS = re.compile(r"[,;:()–—\n/!?…>]|\.(?=\s|$)|\s-\s")
_MARKED = 100


class Lax:
    """Proposes acts."""

    def __init__(self, declared: Mapping[str, Declared], values: Values) -> None:
        """Make it.

        Args:
            declared: Skill → its words.
            values: What finds the values of skills that have one.
        """
        self._declared = {
            skill: act
            for skill, act in declared.items()
            if any(words.lax for words in act.languages.values())
        }
        self._values = values
        self._named = {
            skill: re.compile(act.named.split("|")[0], re.IGNORECASE)  # the same for the same
            for skill, act in self._declared.items()
            if act.named
        }
        strict, lists = read_list("acts"), read_list("lax")
        self._languages = {
            name: self._lookup(name, words, strict[name]) for name, words in lists.items()
        }
        self._common = {
            name: frozenset(
                token.text
                for part in (
                    "neutral",
                    "mine",
                    "polite",
                    "wants",
                    "me",
                    "is",
                    "how",
                    "not",
                    "joins",
                )
                for phrase in strict[name][part]
                if not phrase.startswith("~")
                for token in tokens_of(plain(phrase))
            )
            for name in lists
        }
        self._joins = {name: frozenset(strict[name]["joins"]) for name in lists}

    def _lookup(
        self, name: str, words: Mapping[str, list[str]], strict: Mapping[str, list[str]]
    ) -> Lookup:
        lists: list[tuple[str, list[str]]] = list(words.items())
        lists += [(part, strict[part]) for part in _KEPT if part in strict]
        too_much = frozenset(word_lists("lax_ignored")["ignored"])
        silent = {plain(word) for word in (*strict["neutral"], *strict["it"], *strict["mine"])}
        for part in SHARED:
            kept = [
                phrase
                for phrase in strict[part]
                if phrase not in too_much
                and (plain(phrase) == phrase or plain(phrase) not in silent)
                and not (part == "others" and phrase in strict["it"])
                and max(map(len, re.findall(r"\w+", phrase)), default=0) > 1
            ]
            lists.append(("scorns" if part == "mocks" else part, kept))
        for skill, act in self._declared.items():
            own = act.languages.get(name)
            if own is not None:
                lists += [
                    (f"do:{skill}", [*own.do, *own.lax]),
                    (f"hint:{skill}", [*own.done, *own.hints]),
                    (f"thing:{skill}", [*own.things, *own.lax_things]),
                    (f"lost:{skill}", [*own.lost, *own.lax_lost]),
                    (f"mark:{skill}", own.marks),
                ]
        return Lookup(lists)

    def read(self, text: str, bare: str) -> tuple[list[Wish], bool]:
        """The acts that a message may wish, and whether it speaks of some and none is wished.

        Args:
            text: The message.
            bare: The same with all that is quoted made unreadable, letter for letter.
        """
        values = {skill: value for skill in self._values if (value := self._values[skill](text))}
        masked = bare
        for value in values.values():
            masked = masked.replace(value, _VALUE * len(value))
        masked = _PLACEHOLDER.sub(lambda match: _VALUE * len(match.group()), masked)
        tokens = tokens_of(plain(masked))
        if not tokens:
            return [], False
        known = {
            name: sum(token.text in words for token in tokens)
            for name, words in self._common.items()
        }
        best = max(known.values())
        found: list[Wish] = []
        for name in (name for name, count in known.items() if count == best):
            message = self._message(name, masked, tokens)
            wishes = self._wishes(message, values)
            if message.events and not wishes:
                return [], True  # one of the languages that it may be says no
            found = found or wishes
        return found, False

    def _message(self, name: str, text: str, tokens: list[Token]) -> Message:
        hits = self._languages[name].find(tokens)
        joins = self._joins[name]
        clauses, sentences = [0], [0]
        for before, token in pairwise(tokens):
            between = text[before.end : token.start]
            new = bool(_BREAKS.search(between)) or text[token.start : token.end].lower() in joins
            clauses.append(clauses[-1] + new)
            sentences.append(sentences[-1] + bool(_ENDS.search(between)))
        asking = set[int]()
        for at, token in enumerate(tokens):
            stop = tokens[at + 1].start if at + 1 < len(tokens) else len(text)
            if "?" in text[token.end : stop]:
                asking.add(sentences[at])
        numbers = {at: token.text for at, token in enumerate(tokens) if token.text[-1].isdigit()}
        parts = [part for part in hits if part in _COVERING or part.startswith("mark:")]
        covered = {
            at
            for part in parts
            for hit in hits[part]
            if part != "lost" or hit.whole or hit.end - hit.start > 1
            for at in range(hit.start, hit.end)
        }
        return Message(text, tokens, hits, clauses, sentences, asking, numbers, covered)

    def _wishes(self, m: Message, values: Mapping[str, str]) -> list[Wish]:
        if m.has("mocks") or (m.has("scorns") and not m.has("polite")):
            return []
        m.events = [*self._acts(m), *self._of_values(m, values), *self._losses(m)]
        first = min((event.at for event in m.events), default=0)
        backs = [hit.start for hit in m.hits.get("takes_back", ()) if hit.start > first]
        backs = [at for at in backs if at not in m.covered]
        if backs and not any(event.here and event.at > backs[0] for event in m.events):
            return []
        m.events = [event for event in m.events if not self._is_too_much(m, event)]
        no = [event for event in m.events if self._speaks_against(m, event)]
        denied = {event.skill for event in no if event.here}
        kept = [
            event
            for event in m.events
            if event not in no and (event.here or event.loss or event.skill not in denied)
        ]
        return [self._wish(m, event, values) for event in self._chosen(kept)]

    def _chosen(self, events: list[Event]) -> list[Event]:
        """One act for each thing; a loss is told as well as acted upon."""
        things = {event.skill: self._named.get(event.skill) for event in events}
        best: dict[tuple[bool, object], Event] = {}
        for event in sorted(events, key=lambda event: event.at):
            key = (event.loss, event.named or things[event.skill] or event.skill)
            if key not in best or event.rank >= best[key].rank:
                best[key] = event
        acted = [event for event in best.values() if not event.loss]
        return [
            event
            for event in sorted(best.values(), key=lambda event: event.at)
            if not event.loss
            or all(
                things[act.skill] != things[event.skill]
                or (event.named and act.named not in ("", event.named))
                for act in acted
            )
        ]

    def _verbs(self, m: Message) -> Iterator[Event]:
        for skill in self._declared:
            if skill in self._values:
                continue
            for part in ("do", "hint"):
                for hit in m.hits.get(f"{part}:{skill}", ()):
                    clause = m.clauses[hit.start]
                    sentence = m.sentences[hit.start]
                    weight = hit.length
                    weight += _MARKED * m.has(f"mark:{skill}", sentence=sentence)
                    yield (Event(skill, clause, hit.start, weight, part == "do"))

    def _acts(self, m: Message) -> Iterator[Event]:
        """Verbs of skills with the things that they are about."""
        verbs = list(self._verbs(m))
        pending: list[Event] = []
        taken = set[int]()
        for verb in verbs:
            pattern = self._named.get(verb.skill)
            if pattern is None:
                nouns = m.hits.get(f"thing:{verb.skill}", ())
                near = [
                    hit.start
                    for hit in nouns
                    if abs(m.clauses[hit.start] - verb.clause) <= 1
                    and (hit.start != verb.at or not verb.strong)
                ]
                if near:
                    verb.noun = True
                    verb.last = max(verb.at, min(near, key=lambda n: abs(n - verb.at)))
                    yield verb
                continue
            fits = [at for at, number in m.numbers.items() if pattern.fullmatch(number)]
            near_by = [at for at in fits if m.clauses[at] == verb.clause]
            if near_by:
                at = min(near_by, key=lambda n: abs(n - verb.at))
                verb.named, verb.here = m.numbers[at], True
                taken.add(at)
                yield verb
            else:
                pending.append(verb)
        used = {verb.at for verb in verbs if verb.named}
        for verb in pending:
            if verb.at in used:
                continue
            pattern = self._named[verb.skill]
            fits = [at for at, number in m.numbers.items() if pattern.fullmatch(number)]
            free = [at for at in fits if at not in taken] or fits
            noun = m.has(f"thing:{verb.skill}", clause=verb.clause)
            if free:
                at = min(free, key=lambda n: (n > verb.at, abs(n - verb.at)))
                verb.named = m.numbers[at]
                yield verb
            elif noun or m.has(f"thing:{verb.skill}"):
                verb.noun = True
                verb.weight += noun
                yield verb

    def _of_values(self, m: Message, values: Mapping[str, str]) -> Iterator[Event]:
        """Acts whose value stands in the message."""
        for skill in values:
            things = m.hits.get(f"thing:{skill}", ())
            verbs = [*m.hits.get(f"do:{skill}", ()), *m.hits.get(f"hint:{skill}", ())]
            if skill not in self._declared or not things or not verbs:
                continue
            value = next(
                (n for n, t in enumerate(m.tokens) if t.text[0] == _VALUE), things[-1].start
            )
            yield Event(skill, m.clauses[value], value, 1, True, noun=True, here=True, last=value)

    def _losses(self, m: Message) -> Iterator[Event]:
        """What the customer has lost."""
        for skill in self._declared:
            things = list(m.hits.get(f"lost:{skill}", ()))
            pattern = self._named.get(skill)
            if not any(f"lost:{skill}" == name for name in m.hits) and not (
                pattern and self._declared[skill].undo
            ):
                continue
            named = [at for at, n in m.numbers.items() if pattern and pattern.fullmatch(n)]
            places = [hit.start for hit in things] + named
            if not places or not self._declared[skill].undo:
                continue
            for hit in m.hits.get("lost", ()):
                place = min(places, key=lambda n: abs(n - hit.start))
                if abs(m.clauses[place] - m.clauses[hit.start]) <= 1:
                    number = m.numbers[named[0]] if len(named) == 1 else ""
                    clause = m.clauses[hit.start]
                    yield Event(
                        skill,
                        clause,
                        hit.start,
                        1,
                        True,
                        named=number,
                        noun=True,
                        loss=True,
                        last=hit.end,
                    )
                    break

    def _speaks_against(self, m: Message, event: Event) -> bool:
        """Whether a word about an act makes it no wish."""
        clause, sentence, end = event.clause, m.sentences[event.at], event.last + 1
        if m.has("if", sentence=sentence, before=end) or m.has("not", clause=clause, before=end):
            return True
        if any(m.has(name, clause=clause, before=end) for name in ("others", "said", "past")):
            return True
        if m.has("others", sentence=sentence) and not (
            event.named or event.here or m.has("me", clause=clause)
        ):
            return True
        if event.loss:
            if m.has("found") or m.has("past", sentence=sentence) or m.has("unsure"):
                return True
            return sentence in m.asking and not m.has("ask", sentence=sentence)
        if any(m.has(name, sentence=sentence, before=end) for name in ("doubts", "unsure")):
            return True
        asks = any(m.has(name, sentence=sentence) for name in ("ask", "asks"))
        wants = any(m.has(name, sentence=sentence) for name in ("want", "wants", "polite"))
        polite = m.has("polite")
        if m.has("earlier", clause=clause) or m.has("ago", clause=clause, before=end):
            return True
        if m.has("how", clause=clause, before=end) and not polite:
            return True
        if event.skill in self._values and m.has("not") and not (asks or polite):
            return True
        if sentence in m.asking:
            general = event.skill in self._named and not event.named and not polite
            return not asks or (general and not m.has("me", sentence=sentence))
        if event.strong and not (m.has("i", clause=clause) and not wants):
            return False
        return not (asks or wants)

    def _is_too_much(self, m: Message, event: Event) -> bool:
        """Whether an act is final beside one that is not, and nothing says that it is to be so."""
        act = self._declared[event.skill]
        marks = any(words.marks for words in act.languages.values())
        said = m.has(f"mark:{event.skill}", sentence=m.sentences[event.at])
        return not act.undo and marks and not said

    def _wish(self, m: Message, event: Event, values: Mapping[str, str]) -> Wish:
        said = event.named.upper()
        value = values.get(event.skill, "")
        return Wish(event.skill, said, value, loss=event.loss, guessed=True)
