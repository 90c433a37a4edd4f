"""What may be meant, where the strict grammar of `acts.py` understands no wish.

An act is proposed where its verb and its thing stand in one clause, or beside each other, in any
order and with unknown words between, and nothing about them negates, doubts, asks about, quotes,
mocks, takes back, makes a condition or speaks of others or of the past. It is never done without
the customer's yes. Words are data: `text/lists/lax.yaml`, `acts.yaml` and what skills declare.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from deskward.agent.offline.against import Against
from deskward.agent.offline.declared import Declared
from deskward.agent.offline.lax_lists import LaxLists, Values
from deskward.agent.offline.lookup import Token, plain, tokens_of
from deskward.agent.offline.spelling import parted, respelled
from deskward.agent.offline.spoken import Spoken
from deskward.agent.offline.told import Event, Guess, Message, covers
from deskward.agent.offline.wishing import Wish
from deskward.text.excluding import excluded

_VALUE = "\ua757"
"""Stands for each letter of a value: a letter that no word has."""
_PLACEHOLDER = re.compile(r"\[\[\w{1,20}:\d{1,9}\]\]")
_ENDS = re.compile(r"[!?…\n！？。؟]|\.(?=\s|$)")
_BREAKS = re.compile(r"[,;:()–—\n!/?…>！？。؟、，：；（）「」،؛]|\.(?=\s|$)|\s-\s")
_ASKS = re.compile("[?？؟]")
_YEAR = re.compile("(?:19|20)[0-9]{2}")
_MARKED = 100
LIKELIEST = 2
"""So many languages of a message are looked at for cues."""
NEAR = 4
"""Words from a number, within which a name is that of the same thing."""


class Lax:
    """Proposes acts."""

    def __init__(
        self,
        declared: Mapping[str, Declared],
        values: Values,
        called: Mapping[str, re.Pattern[str]],
    ) -> None:
        """Make it.

        Args:
            declared: Skill → its words.
            values: What finds the values of skills that have one.
            called: What the names of its things look like, where they have names.
        """
        self._lists = LaxLists(declared, values, called)
        self._declared, self._named = self._lists.declared, self._lists.named
        self._values = values
        self._spoken = Spoken()
        self._against = Against(self._lists, values)

    def mended(self, text: str) -> str | None:
        """The message with the value that its customer means, where they correct one."""
        numbers = any(map(str.isdigit, text))
        if not numbers and not any(name.search(text) for name in self._lists.names):
            return None
        mended = self._lists.mending.mended(text, self._tokens(text))
        if mended is None:
            return None
        kept, behind = mended
        rest = self._tokens(text[behind:])
        rest = [token for token in rest if not self._is_name(token)]
        for name in self._lists.best(tokens_of(plain(text))):
            hits = self._lists.languages[name].find(rest)
            if any(hits.get(part) for part in ("takes_back", "unsure", "if")):
                return None
        return kept

    def says_only(self, skill: str, text: str) -> bool:
        """Whether a message has no words but those with which an act is wished."""
        tokens = self._tokens(text)
        for name in self._lists.best(tokens):
            m = self._message(name, text, tokens)
            own = [m.hits.get(f"{part}:{skill}", ()) for part in ("do", "hint", "thing")]
            said = {at for hits in own for hit in hits for at in range(hit.start, hit.end)}
            quiet = self._lists.quiet[name]
            if all(at in said or token.text in quiet for at, token in enumerate(m.tokens)):
                return True
        return False

    def cues(self, bare: str, language: str = "") -> frozenset[str]:
        """What the lists of its likeliest languages find in a message, quotations unreadable."""
        tokens = self._tokens(bare)
        names = self._lists.best(tokens, language)[:LIKELIEST] if tokens else []
        return frozenset().union(*(self._message(name, bare, tokens).cues for name in names))

    def read(self, text: str, bare: str) -> Guess:
        """The acts that a message may wish.

        Args:
            text: The message.
            bare: The same with all that is quoted made unreadable, letter for letter.
        """
        tokens = self._tokens(bare)
        if not any(self._is_about(token) for token in tokens):
            return Guess()  # most messages: no act is without a thing
        things = self._lists.things.find(
            [token._replace(text=self._lists.noun_of(token.text)) for token in tokens]
        )
        values = {skill: value for skill in things if (value := self._values[skill](text))}
        masked = bare
        for value in values.values():
            masked = masked.replace(value, _VALUE * len(value))
        masked = _PLACEHOLDER.sub(lambda match: _VALUE * len(match.group()), masked)
        tokens = self._tokens(masked)
        if not tokens:
            return Guess()
        found = Guess()
        for name in self._lists.best(tokens):
            message = self._message(name, masked, tokens)
            wishes = self._wishes(message, values)
            if message.events and not wishes:
                return Guess(
                    refused=True, turned=message.turned
                )  # one of the languages that it may be says no
            if not found.wishes:
                found = Guess(wishes, turned=message.turned)
        return found

    def _tokens(self, text: str) -> list[Token]:
        """The words of a text; a name is one word, and a number that is said: "master card"."""
        whole = plain(text)
        tokens = self._spoken.written(whole, tokens_of(whole))
        for name in self._lists.names:
            for found in name.finditer(whole):
                start, end = found.span(1)
                inside = [n for n, token in enumerate(tokens) if start <= token.start < end]
                if len(inside) > 1:
                    tokens[inside[0] : inside[-1] + 1] = [Token(found[1], start, end)]
        return tokens

    def _message(self, name: str, text: str, tokens: list[Token]) -> Message:
        lists, sounds = self._lists.languages[name], self._lists.sounds[name]
        joins, prefixes = self._lists.joins[name], self._lists.prefixes[name]
        words = [parted(token.text, prefixes, lists.begins) for token in tokens]
        tokens = [
            token._replace(text=respelled(word, sounds, lists.begins))
            for token, (_, word) in zip(tokens, words, strict=True)
        ]
        hits = lists.find(tokens)
        ends = {hit.end for hit in hits.get("parts", ())}
        clauses, sentences = [0], [0]
        for at, (before, token) in enumerate(pairwise(tokens), 1):
            between = text[before.end : token.start]
            new = at in ends or bool(_BREAKS.search(between))
            new = new or text[token.start : token.end].lower() in joins or words[at][0] in joins
            clauses.append(clauses[-1] + new)
            sentences.append(sentences[-1] + bool(_ENDS.search(between)))
        asking = set[int]()
        for at, token in enumerate(tokens):
            stop = tokens[at + 1].start if at + 1 < len(tokens) else len(text)
            if _ASKS.search(text[token.end : stop]):
                asking.add(sentences[at])
        numbers = self._named_in(text, tokens)
        covered = {
            at
            for part, found in hits.items()
            for hit in found
            if covers(part, hit)
            for at in range(hit.start, hit.end)
        }
        covered |= numbers.keys()  # a name is no other word
        return Message(name, text, tokens, hits, clauses, sentences, asking, numbers, covered)

    def _named_in(self, text: str, tokens: Sequence[Token]) -> dict[int, str]:
        """The words that may name a record: numbers, and names that have none beside them."""
        out = excluded(text)
        found = {
            at: token.text
            for at, token in enumerate(tokens)
            if token.text[-1].isdigit() and not _YEAR.fullmatch(token.text)
        }
        names = {
            at: token.text
            for at, token in enumerate(tokens)
            if self._is_name(token)
            and not any(abs(at - n) <= NEAR and self._is_same(token.text, found[n]) for n in found)
        }
        found |= names
        return {n: found[n] for n in found if not any(a <= tokens[n].start < b for a, b in out)}

    def _is_about(self, token: Token) -> bool:
        """Whether a word may be what an act is done to."""
        text = self._lists.noun_of(token.text)
        return text[-1].isdigit() or self._lists.nouns.begins(text) or self._is_name(token)

    def _is_same(self, name: str, number: str) -> bool:
        """Whether a name and a number are of the same kind of thing."""
        kinds = self._named.values()
        return any(one.fullmatch(name) and one.fullmatch(number) for one in kinds)

    def _is_name(self, token: Token) -> bool:
        return any(name.fullmatch(token.text) for name in self._lists.names)

    def _wishes(self, m: Message, values: Mapping[str, str]) -> list[Wish]:
        if m.has("mocks") or m.has("foreign"):
            return []
        m.events = [*self._acts(m), *self._of_values(m, values), *self._losses(m)]
        first = min((event.at for event in m.events), default=0)
        if (turned := self._turned(m, first)) is not None:
            m.turned, m.events = True, turned
        elif m.has("scorns") and not m.has("polite"):
            return []
        elif (backs := self._backs(m, first, "takes_back")) and not any(
            event.here and event.at > backs[0] for event in m.events
        ):
            m.turned = True
            return []
        m.events = [event for event in m.events if not self._is_too_much(m, event)]
        no = [event for event in m.events if self._against.speaks(m, event)]
        m.turned = m.turned or any(event.mends and event not in no for event in m.events)
        denied = {event.skill for event in no if event.here}
        kept = [
            event
            for event in m.events
            if event not in no and (event.here or event.loss or event.skill not in denied)
        ]
        return [self._wish(m, event, values) for event in self._chosen(kept)]

    def _backs(self, m: Message, first: int, *names: str) -> list[int]:
        """Where something is taken back, behind the first act."""
        hits = (hit for name in names for hit in m.hits.get(name, ()))
        return sorted(hit.start for hit in hits if hit.start > first and hit.start not in m.covered)

    def _turned(self, m: Message, first: int) -> list[Event] | None:
        """What is wished in place of what was taken back; None where nothing is."""
        backs = self._backs(m, first, "takes_back", "corrects")
        if not backs or any(event.at > backs[-1] and event.loss for event in m.events):
            return None
        acts = [event for event in m.events if not event.loss and event.skill in self._named]
        before = {event.skill for event in acts if event.at < backs[-1]}
        after = [event for event in acts if event.at > backs[-1]]
        after = [event for event in after if event.strong or event.weight >= _MARKED]
        after = [event for event in after if not self._is_too_much(m, event)]
        names = {number for at, number in m.numbers.items() if at < backs[-1]}
        if others := [event for event in after if event.here and event.named not in names]:
            return others  # "leave 4444 as it is, block 4242"
        skills = {event.skill for event in after}
        # One verb may be of two acts, "stop" for example: what is said to be final is the other.
        other = (skills - before) or ({e.skill for e in after if e.weight >= _MARKED} & before)
        if not other or before == other:
            return None
        things = {self._named[skill] for skill in before}
        kept = [e for e in after if e.skill in other and self._named[e.skill] in things]
        return kept or None

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
                verb.denied = self._against.behind(m, max(at, verb.at)) + 1
                if self._declared[verb.skill].tells:
                    verb.last = max(at, verb.at)
                    verb.denied = verb.last + 1
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
            event = Event(skill, m.clauses[value], value, 1, True, noun=True, here=True, last=value)
            event.mends = any(
                things[0].start < hit.start < value and m.clauses[value] - m.clauses[hit.start] < 2
                for hit in m.hits.get("corrects", ())
            )
            yield event

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
