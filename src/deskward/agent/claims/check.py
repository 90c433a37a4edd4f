"""Holding back what nothing supports: each sentence of an answer against this turn's tools.

A claim counts only with a tool's result of this turn, so that a model cannot say that something was
done because it was done once, or because somebody's text says so. A model may mark a sentence with
the results that show it (`[[r2]]`); then these alone are looked at. See docs/decisions/0019.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from deskward.agent.claims.classifier import Classifier
from deskward.agent.claims.declared import NONE, Act, Declared, grammar
from deskward.agent.claims.evidence import Evidence, Shown
from deskward.agent.claims.reading import Clause, Reader, sentences
from deskward.agent.claims.values import weekday_of, weekdays
from deskward.agent.model import Message, ToolRequest
from deskward.core.answers import status_of

MAX_REPLY = 20_000
CLAIMED = 0.5
"""A clause claims something that is not shown when this is so probable."""
CLAIMED_MARKED = 0.9
"""The same of a sentence that is marked with a result that came to good."""
TOLD = 0.5
MARK = re.compile(r"\s?\[\[r(\d{1,4})\]\]")
_HALF = re.compile(r"\s?\[(?:\[(?:r(?:\d{0,4}\]?)?)?)?$")


@dataclass(frozen=True)
class Unsupported:
    """A sentence that nothing supports, and why."""

    sentence: str
    why: str


class Unsupportable(Exception):
    """A part of an answer claims what nothing supports: it must not be sent."""

    def __init__(self, claims: Sequence[Unsupported]) -> None:
        super().__init__("; ".join(f"{claim.sentence!r}: {claim.why}" for claim in claims))
        self.claims = tuple(claims)

    def note(self, sent: str) -> str:
        """What the model is told, so that it mends its answer."""
        problems = "\n".join(f"- {claim.sentence} ({claim.why})" for claim in self.claims)
        so_far = f"The customer has been sent: {sent!r}. Go on from there.\n" if sent else ""
        return (
            "\nYour last answer was not sent, because no result of a tool in this turn supports "
            f"it:\n{problems}\n{so_far}Say only what results of tools show, each sentence with the "
            "mark of its result, call a tool, or hand over.\n"
        )


def without_marks(text: str) -> str:
    """The text as a customer may see it: without marks, and without half of one at its end."""
    return _HALF.sub("", MARK.sub("", text))


def half_mark(text: str) -> int:
    """How many characters at the end of a text may begin a mark."""
    found = _HALF.search(text)
    return len(found[0]) if found else 0


class ClaimCheck:
    """Checks replies against what was declared."""

    def __init__(self, declared: Declared) -> None:
        self.declared = declared

    @cached_property
    def reader(self) -> Reader:
        return Reader(self.declared)

    @cached_property
    def classifier(self) -> Classifier:
        return Classifier(self.declared, self.reader)

    def of_turn(self, messages: Sequence[Message]) -> Callable[[str], None]:
        """A check of the parts of an answer to a conversation's last message, in their order.

        It raises `Unsupportable`.
        """
        evidence = dict(_evidence(messages))
        said = [message.text for message in messages if message.role == "user"]
        reply = Reply(self, evidence, said)

        def check(part: str) -> None:
            if claims := reply.unsupported(part):
                raise Unsupportable(claims)

        return check

    def unsupported(
        self, reply: str, evidence: Sequence[Evidence], said: Sequence[str] = ()
    ) -> list[Unsupported]:
        """The sentences of a whole reply that nothing supports.

        Args:
            evidence: What the tools of the turn answered; `[[r1]]` marks the first.
            said: What the customer said.
        """
        return Reply(self, dict(enumerate(evidence, 1)), said).unsupported(reply)

    @lru_cache(maxsize=256)  # noqa: B019 - one lives as long as the desk
    def told(self, text: str) -> frozenset[str]:
        """The acts that a text of the desk's own says."""
        found = set()
        for sentence in sentences(text):
            language = self.reader.language(sentence, None)
            for clause in self.reader.clauses(sentence, language) if language else ():
                found |= {n for n, p in self.classifier.probabilities(clause).items() if p > TOLD}
        return frozenset(found - {NONE})


class Reply:
    """A reply that is being checked, part by part."""

    def __init__(
        self, check: ClaimCheck, evidence: Mapping[int, Evidence], said: Sequence[str]
    ) -> None:
        self._check = check
        self._evidence = evidence
        self._said = said
        self._shown = Shown(list(evidence.values()), said, check.declared)
        self._language: str | None = None

    def unsupported(self, part: str) -> list[Unsupported]:
        """The sentences of the next part that nothing supports."""
        if len(part) > MAX_REPLY:
            return [Unsupported(part[:80], "it is too long")]
        found = []
        for sentence in sentences(part):
            if why := self._problem(sentence):
                found.append(Unsupported(without_marks(sentence), why))
        return found

    def _problem(self, marked: str) -> str:
        numbers = [int(number) for number in MARK.findall(marked)]
        sentence = MARK.sub("", marked)
        if " ".join(sentence.casefold().split()).strip(" .") in self._shown.quotable:
            return ""
        shown, limit = self._shown, CLAIMED
        if numbers:
            if any(number not in self._evidence for number in numbers):
                return "it is marked with a result that is not of this turn"
            own = [self._evidence[number] for number in numbers]
            shown = Shown(own, self._said, self._check.declared)
            limit = CLAIMED_MARKED if all(one.status == "ok" for one in own) else CLAIMED
        language = self._check.reader.language(sentence, self._language)
        if language is None and not any(map(str.isalpha, sentence)):
            return ""
        if language is None and not numbers:
            return "only marked claims can be checked in this language"
        clauses = self._check.reader.clauses(sentence, language or "en")
        if language is None:
            values = [shown.problem(value) for clause in clauses for value in clause.values]
            return next(filter(None, values), "")
        self._language = language
        problems = (self._clause_problem(c, shown, limit, language) for c in clauses if not c.asks)
        return next(filter(None, problems), "") or _crossed(clauses, shown)

    def _clause_problem(self, clause: Clause, shown: Shown, limit: float, language: str) -> str:
        for value in clause.values:
            if value.kind not in ("number", "weekday") and (why := shown.problem(value)):
                return why
        found = self._check.classifier.probabilities(clause)
        acts = self._check.declared.acts
        shows = {
            name: self._shows(acts[name], clause, shown, language)
            for name, probability in found.items()
            if name != NONE and probability > 0.02
        }
        if sum(found[name] for name, fits in shows.items() if not fits) > limit:
            worst = max((n for n, fits in shows.items() if not fits), key=lambda n: found[n])
            return f"no result shows that ({worst})"
        return self._detail_problem(clause, shown, language) if found[NONE] < CLAIMED else ""

    def _shows(self, act: Act, clause: Clause, shown: Shown, language: str) -> bool:
        support = shown.supporters(act, self._check.told)
        ids = {value.text.casefold() for value in clause.values if value.kind == act.of}
        both = bool(grammar()[language]["both"] & set(clause.words)) and act.of is not None
        return len(support) > both and ids <= frozenset().union(*support)

    def _detail_problem(self, clause: Clause, shown: Shown, language: str) -> str:
        """Why a clause that claims something names a number, a time or a value that is not shown."""
        rules, words = grammar()[language], clause.words
        for value in clause.values:
            if value.kind == "weekday":
                day = weekday_of(value.text, language)
                if day not in weekdays(frozenset(shown.known.dates)):
                    return f"no tool shows a {value.text}"
            elif value.kind == "number" and (why := shown.problem(value)):
                return why
        for name, field in self._check.declared.fields.items():
            if field.words & set(words):
                spoken = {field.values[word] for word in words if word in field.values}
                real = {str(m[name]) for m in shown.mappings if m.get(name) is not None}
                if spoken and not spoken <= real:
                    return f"no tool shows the {name} {min(spoken)}"
        if moments := rules["when"] & set(words) - set(shown.known.text.split()):
            return f"no tool shows what is said of {min(moments)}"
        return self._count_problem(words, shown, language)

    def _count_problem(self, words: Sequence[str], shown: Shown, language: str) -> str:
        """Why a number of records, or a span of time, is not what the tools show."""
        rules = grammar()[language]
        numbers = {name: n for n, name in enumerate(rules["numbers"].split(), 1)}
        for at, word in enumerate(words[:-1]):
            if word not in numbers:
                continue
            for kind in self._check.declared.kinds:
                if kind.nouns[language] in words[at + 1 : at + 3]:
                    sizes = {len(l) for l in shown.lists} | _by_status(shown)
                    if sizes and numbers[word] not in sizes:
                        return f"no tool shows {word} {kind.name}s"
            if words[at + 1] in rules["units"] and word not in shown.known.text.split():
                return f"no tool shows {word} {words[at + 1]}"
        return ""


def _by_status(shown: Shown) -> set[int]:
    found: set[int] = set()
    for items in shown.lists:
        statuses = [str(item.get("status")) for item in items]
        found |= {statuses.count(status) for status in statuses}
    return found


def _crossed(clauses: Sequence[Clause], shown: Shown) -> str:
    """Why values of one record of a list are told of another one, or nothing."""
    spoken = {value.text.casefold() for clause in clauses for value in clause.values}
    words = {word for clause in clauses for word in clause.words if len(word) > 3} | spoken
    values = [value for clause in clauses for value in clause.values if value.kind in ("money", "date")]
    for items in shown.lists:
        singles = [Shown([Evidence("", "ok", {}, item)], (), shown.declared) for item in items]
        texts = [set(re.findall(r"[^\W_]+", single.known.text)) for single in singles]
        for text in texts:
            text -= set.intersection(*texts) if len(texts) > 1 else set()
        named = [at for at, text in enumerate(texts) if text & words]
        if len(named) != 1:
            continue
        others = [s for at, s in enumerate(singles) if at != named[0]]
        for value in values:
            if singles[named[0]].problem(value) and any(not s.problem(value) for s in others):
                return f"{value.text} is of another one"
    return ""


def _evidence(messages: Sequence[Message]) -> Iterator[tuple[int, Evidence]]:
    """What tools answered in the present turn, by the numbers that the model was told."""
    begun = max((at for at, message in enumerate(messages) if message.role == "user"), default=0)
    asked: dict[str, ToolRequest] = {}
    number = 0
    for at, message in enumerate(messages):
        if message.tool_requests:
            asked = {request.id: request for request in message.tool_requests}
        number += message.role == "tool"
        request = asked.get(message.tool_request_id or "")
        if at < begun or message.role != "tool" or request is None:
            continue
        answer: dict[str, Any] = json.loads(message.text)
        yield number, Evidence(request.name, status_of(answer), request.arguments, answer)
