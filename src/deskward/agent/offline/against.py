"""What in a message speaks against an act that `lax.py` would propose."""

from __future__ import annotations

from collections.abc import Container

from deskward.agent.offline.lax_lists import LaxLists
from deskward.agent.offline.told import Event, Message


class Against:
    """Judges acts."""

    def __init__(self, lists: LaxLists, values: Container[str]) -> None:
        """Make it.

        Args:
            values: The skills whose value stands anywhere in a message.
        """
        self._lists = lists
        self._values = values

    def speaks(self, m: Message, event: Event) -> bool:
        """Whether a word about an act makes it no wish."""
        if self._denies(m, event):
            return True
        sentence = m.sentences[event.at]
        if event.loss:
            if m.has("found") or m.has("past", sentence=sentence) or m.has("unsure"):
                return True
            return sentence in m.asking and not m.has("ask", sentence=sentence)
        return self._wants_nothing(m, event)

    def behind(self, m: Message, verb: int) -> int:
        """Where words that deny a verb end."""
        return len(m.tokens) if self._lists.last_verb[m.language] else verb

    def _end(self, m: Message, event: Event) -> int:
        """Where words that speak against an act end."""
        return len(m.tokens) if self._lists.behind[m.language] else event.last + 1

    def _told_until(self, m: Message, event: Event) -> int:
        """Where words end that say when it was: "block 4242, I lost it before" is no past act."""
        end = self._end(m, event)
        return min(end, event.denied) if event.here else end

    def _denies(self, m: Message, event: Event) -> bool:
        """Whether it is negated, under a condition, past, quoted, or about other people."""
        clause, sentence, end = event.clause, m.sentences[event.at], self._end(m, event)
        no = m.has("not", clause=clause, before=min(end, event.denied))
        if no or m.has("if", sentence=sentence, before=end):
            return True
        if any(m.has(name, clause=clause, before=end) for name in ("others", "said")):
            return True
        if m.has("past", clause=clause, before=self._told_until(m, event)):
            return True
        own = event.named or event.here or m.has("me", clause=clause)
        if m.has("others", sentence=sentence) and not own:
            return True
        if event.skill in self._values and self._is_denied(m, event):
            return True
        return self._protects(event.skill) and m.has("found", after=event.at)

    def _wants_nothing(self, m: Message, event: Event) -> bool:
        """Whether it is doubted, told or asked about, and not wished for."""
        clause, sentence, end = event.clause, m.sentences[event.at], self._end(m, event)
        past = self._told_until(m, event)
        if any(m.has(name, sentence=sentence, before=end) for name in ("doubts", "unsure")):
            return True
        asks = any(m.has(name, sentence=sentence) for name in ("ask", "asks"))
        wants = any(m.has(name, sentence=sentence) for name in ("want", "wants", "polite"))
        polite = m.has("polite")
        if m.has("earlier", clause=clause) or m.has("ago", clause=clause, before=past):
            return True
        if m.has("how", clause=clause, before=end) and not (polite and (asks or event.here)):
            return True
        sure = asks or polite or wants or event.mends
        if event.skill in self._values and m.has("not") and not sure:
            return True
        if sentence in m.asking:
            general = event.skill in self._lists.named and not event.named and not polite
            return not asks or (general and not m.has("me", sentence=sentence))
        i = m.has("i", clause=clause, before=self.behind(m, event.at))
        if event.strong and not (i and not wants):
            return False
        return not (asks or wants)

    def _is_denied(self, m: Message, event: Event) -> bool:
        """Whether a verb of an act whose value stands elsewhere is negated, past, or of others."""
        hits = m.hits
        things = {m.clauses[hit.start] for hit in hits.get(f"thing:{event.skill}", ())}
        near = {event.clause - 1, event.clause, event.clause + 1}
        verbs = [
            hit
            for part in ("do", "hint")
            for hit in hits.get(f"{part}:{event.skill}", ())
            if m.clauses[hit.start] in things | near
        ]
        return any(
            m.has("not", clause=m.clauses[hit.start], before=self.behind(m, hit.start))
            or m.has("others", clause=m.clauses[hit.start])
            for hit in verbs
        ) or all(m.has("past", sentence=m.sentences[hit.start]) for hit in verbs)

    def _protects(self, skill: str) -> bool:
        """Whether an act is offered for a loss."""
        return any(words.lost for words in self._lists.declared[skill].languages.values())
