"""Holding back what nothing supports: each sentence of an answer against this turn's tools.

A claim counts only with a tool's result of this turn, so that a model cannot say that something was
done because it was done once, or because somebody's text says so. A model may mark a sentence with
the results that show it (`marks.py`); then these alone are looked at.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from deskward.agent.claims.declared import Act, Declared
from deskward.agent.claims.details import crossed, detail_problem
from deskward.agent.claims.evidence import Shown
from deskward.agent.leaves import Evidence
from deskward.agent.marks import marked, results_of, without_marks
from deskward.agent.model import Message
from deskward.agent.unsupported import Unsupportable, Unsupported
from deskward.text.clauses import NONE, TITLE, Clause, Reader, grammar, sentences, untitled
from deskward.text.folding import bare
from deskward.text.frames import WAITING

if TYPE_CHECKING:
    from deskward.agent.classifier import Classifier

MAX_REPLY = 20_000
CLAIMED = 0.7
CLAIMED_MARKED = 0.75
"""A clause claims something that is not shown when this is so probable; one that is marked."""
TOLD = 0.3
"""A sentence of the desk's own shows an act that is so probable."""
TRUST = 2.0
"""So much more probable is an act that the tools show."""
BOTH = 2
OTHER = "other"  # of `general.yaml`
WAITS, DENIED = 0.5, 0.05
"""From here on a clause says that something is not done: it waits, or it is denied."""
SLIGHT = 0.02  # what is less probable is not looked at
SURE_NOT = 0.83
"""Where that nothing is claimed is so probable and no mark is, names and numbers are no facts."""


class ClaimCheck:
    """Checks replies against what was declared."""

    def __init__(
        self, files: Sequence[Path], *, writes: Collection[str], examples: Path | None = None
    ) -> None:
        """Make one; nothing is read before it is needed.

        Args:
            files: The slices' `claims.yaml`.
            writes: The tools that change something.
            examples: Clauses of labelled replies; see `read_examples`.
        """
        self._files = files
        self._writes = writes
        self._examples = examples

    def unlearned(self) -> ClaimCheck:
        """The same that has learned from declared sentences alone."""
        return ClaimCheck(self._files, writes=self._writes)

    @cached_property
    def declared(self) -> Declared:
        """All that was declared.

        Raises:
            ValueError: A file is not of its form.
        """
        return Declared.load(*self._files, writes=self._writes)

    @cached_property
    def reader(self) -> Reader:
        """Reads replies."""
        ids = {name: kind.ids for name, kind in self.declared.kinds.items()}
        return Reader(ids, [(language, text) for language, _, text in self.declared.sentences])

    @cached_property
    def classifier(self) -> Classifier:
        """Tells what clauses claim. Learns where that is not kept yet."""
        from deskward.agent.classifier import Classifier, read_examples  # brings numpy

        examples = read_examples(self._examples) if self._examples else ()
        return Classifier(self.declared.sentences, self.reader, examples)

    async def ready(self) -> None:
        """Learn beside the event loop what is not learned yet; that takes seconds."""
        if "classifier" not in vars(self):
            await asyncio.to_thread(getattr, self, "classifier")

    def of_turn(self, messages: Sequence[Message]) -> Callable[[str], None]:
        """A check of the parts of an answer to a conversation's last message, in their order.

        It raises `Unsupportable`.
        """
        said = [message.text for message in messages if message.role == "user"]
        shown = {number: Evidence(*result) for number, result in results_of(messages)}
        reply = Reply(self, shown, said)
        reply.whole = [Evidence(*result) for _, result in results_of(messages, whole=True)]

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

    @lru_cache(maxsize=256)  # noqa: B019 its owner lives as long as the desk
    def told(self, text: str) -> frozenset[str]:
        """The acts that a text of the desk's own says."""
        found = set()
        for sentence in sentences(text):
            language = self.reader.language(sentence, None)
            for clause in self.reader.clauses(sentence, language) if language else ():
                said = self.classifier.probabilities(clause).items()
                found |= {name for name, probability in said if probability > TOLD}
        return frozenset(found - {NONE})


class Reply:
    """A reply that is being checked, part by part."""

    def __init__(
        self, check: ClaimCheck, evidence: Mapping[int, Evidence], said: Sequence[str]
    ) -> None:
        self._check = check
        self._evidence = evidence
        self._said = said
        self.whole: Sequence[Evidence] = list(evidence.values())
        """What the tools of the whole conversation answered."""
        self.shown = Shown(list(evidence.values()), said, check.declared)
        self._language: str | None = None

    def unsupported(self, part: str) -> list[Unsupported]:
        """The sentences of the next part that nothing supports."""
        if len(part) > MAX_REPLY:
            return [Unsupported(part[:80], "it is too long")]
        self._language = self._language or self._check.reader.language(part, None)
        problems = [(one, self._problem(one)) for one in sentences(part)]
        return [Unsupported(without_marks(one), why) for one, why in problems if why]

    def _problem(self, whole: str) -> str:
        numbers = marked(whole)
        sentence = without_marks(whole).strip()
        shown, limit = self.shown, CLAIMED
        if shown.repeats(sentence):
            return ""
        if numbers:
            if not self._evidence.keys() >= numbers:
                return "it is marked with a result that is not of this turn"
            own = list(map(self._evidence.__getitem__, sorted(numbers)))
            shown = Shown(own, self._said, self._check.declared, marked=True)
            known = all(one.tool in self._check.declared.tools for one in own)
            if all(one.status == "ok" for one in own):
                limit = CLAIMED_MARKED if known else 1.0
        reader, deeds = self._check.reader, self._check.declared.deeds
        language = reader.language(sentence, self._language) or deeds.language(sentence)
        if language is None and not any(map(str.isalpha, sentence)):
            return ""
        if language is None and not numbers:
            return "only marked claims can be checked in this language"
        clauses = reader.clauses(untitled(sentence, shown.titles), language or "en")
        if language is None:
            untold = (shown.problem(value) for clause in clauses for value in clause.values)
            return next(filter(None, untold), "") or crossed(clauses, shown)
        self._language = language
        names = {name.casefold() for name in reader.strange(sentence, language)}
        strange = {name for name in names if bare(name) not in bare(shown.text)}
        seen = shown.evidence if numbers else self.whole
        rest, why = deeds.judged(clauses, language, seen, shown.quoted)
        if why:
            return why
        told = [clause for clause in rest if not clause.asks]
        if numbers and all(one.status != "ok" for one in shown.evidence):
            shown.undone = any(map(self._says_undone, told))
        # What a sentence that names a cause says of things is no deed of the desk's.
        worded = self._check.declared.worded
        free = {OTHER for one in worded if one.is_said(clauses, language)}
        problems = itertools.chain(
            (self._unshown(clause, shown, limit, language, strange, free) for clause in told),
            self._misnamed(clauses, language),
        )
        return next(filter(None, problems), "") or crossed(clauses, shown)

    def _unshown(
        self,
        clause: Clause,
        shown: Shown,
        limit: float,
        language: str,
        strange: Set[str],
        free: Set[str],
    ) -> str:
        for value in clause.values:
            exact = value.kind not in ("number", "weekday") and any(map(str.isdigit, value.text))
            if (exact or value.kind == "mail") and (why := shown.problem(value)):
                return why
        if clause.wordless or shown.quoted(clause.words):
            return ""
        found = self._check.classifier.probabilities(clause)
        acts = self._check.declared.acts
        likely = {name: p for name, p in found.items() if p > SLIGHT and name != NONE}
        known = {name for name in likely if self.shows(acts[name], clause, shown, language)}
        # "It is open": of which kind of record, a clause does not always say.
        kinds = {value.kind for value in clause.ids}
        ends = {acts[name].end for name in likely if acts[name].states}
        alike = [a for a in acts.values() if a.end in ends and (a.of in kinds or not kinds)]
        ends = {act.end for act in alike if self.shows(act, clause, shown, language)}
        fits = free | known | {name for name in likely if acts[name].end in ends}
        if shown.undone:
            tools = {one.tool for one in shown.evidence}
            fits |= {n for n in likely if "n" in clause.mood or acts[n].calls.keys() & tools}
        against = {name: p for name, p in likely.items() if name not in fits}
        claimed = sum(against.values())
        rest = found[NONE] + TRUST * sum(map(found.__getitem__, fits))
        if claimed > limit * (claimed + rest):
            return f"no result shows that ({max(against, key=lambda name: against[name])})"
        if found[NONE] > SURE_NOT and not shown.marked:
            return ""
        if names := strange & set(clause.words):
            return f"no tool shows {min(names)}"
        return detail_problem(clause, shown, language)

    def _misnamed(self, clauses: Sequence[Clause], language: str) -> Iterator[str]:
        """Why what only a result can name is not named so."""
        own = [clause for clause in clauses if not self.shown.quoted(clause.words)]
        for one in self._check.declared.worded:
            texts = one.shown(self.whole)
            spoken = {self._check.reader.language(text, None) for text in texts}
            for named in one.named(own, language):
                # Words cannot be compared with those of another language.
                named = named if language in spoken else set()
                yield one.problem(named, texts, " ".join(self._said))

    def _says_undone(self, clause: Clause) -> bool:
        found = self._check.classifier.probabilities(clause)
        return found.get(WAITING, 0) > WAITS or ("n" in clause.mood and found[NONE] > DENIED)

    def shows(self, act: Act, clause: Clause, shown: Shown, language: str) -> bool:
        """Whether what was shown shows that a clause may claim an act."""
        named = clause.values or TITLE in clause.words
        if act.fact and named and not any(map(shown.alone.problem, clause.values)):
            return True
        rules, words = grammar()[language], set(clause.words)
        synonyms = self._check.declared.synonyms
        if act.absent and {synonyms.get(word, word) for word in words} & shown.alone.words:
            return False
        if rules["all"] & words and act.states and not clause.ids and not shown.all_are(act):
            return False
        support = shown.supporters(act, self._check.told)
        ids = {value.text.casefold() for value in clause.values if value.kind == act.of}
        names = frozenset[str]().union(*support)
        if rules["both"] & words and act.of and not act.fact:
            kind = self._check.declared.kinds[act.of].ids
            if len([n for n in names if n[-1:].isdigit() and kind.fullmatch(n.upper())]) < BOTH:
                return False
        return bool(support) and all(name in "\n".join(names) for name in ids)
