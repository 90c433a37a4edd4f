"""Reads one message in one language: which wishes are meant, and why others are none."""

from __future__ import annotations

from dataclasses import dataclass, field

from deskward.agent.offline.marked import Marked
from deskward.agent.offline.phrases import Range, covered
from deskward.agent.offline.wishing import Wish, Wishing


@dataclass
class Reading:
    """What a message asks to have done.

    Attributes:
        wishes: In order.
        unwished: The skill that is spoken of without being wished, or nothing, and
        why: why that is no wish: the name of the list whose word says so, or `asks` or `unclear`.
            `whose`: it is about what is said to be somebody's by their name.
        denied: Whether anything in the message negates, doubts or makes a condition.
    """

    wishes: list[Wish] = field(default_factory=list)
    unwished: str = ""
    why: str = ""


class Reader:
    """Reads one message in one language."""

    def __init__(self, message: Marked) -> None:
        self.message = message
        self.wishing = Wishing(message)

    def read(self) -> Reading:
        """What the message asks to have done."""
        m = self.message
        reading = Reading()
        denied_until = -1
        useless = set[str]()
        for number, clause in enumerate(m.clauses):
            sentence = m.sentence[clause[0]]
            negated = m.cue("not", clause)
            found = self.wishing.act_in(number)
            if found is not None:
                denied = denied_until == sentence and found.skill not in useless
                why = self._why_not(clause, found, negated or denied)
                again = found.stands and found.skill in {wish.skill for wish in reading.wishes}
                if not why and not again:
                    reading.wishes.append(found)
                elif not why:
                    continue
                elif not reading.unwished:
                    reading.unwished, reading.why = found.skill, why
            elif not reading.unwished and (spoken := self._spoken_of(clause)):
                asks = sentence in m.asking
                reading.unwished = spoken
                whose = m.is_persons(spoken, clause, (0, 0))
                reading.why = (
                    "not" if negated else "whose" if whose else "asks" if asks else "unclear"
                )
            if negated and self._passes_on(clause):
                denied_until = sentence
                useless = self._not_needed(clause)
        return self._whole(reading)

    def _not_needed(self, clause: Range) -> set[str]:
        """The skills whose thing a clause says is not needed: that is why they are wished."""
        m = self.message
        spoken = {name for name in m.hits if ":" in name and m.within(name, clause)}
        acts = any(name.startswith(("do:", "done:")) for name in spoken)
        if acts or not m.within("needs", clause):
            return set()
        return {name.split(":")[1] for name in spoken if name.startswith(("things:", "named:"))}

    def _whole(self, reading: Reading) -> Reading:
        """What the message as a whole says of its wishes."""
        m = self.message
        own = frozenset[int]().union(*(wish.own for wish in reading.wishes))
        first = next((at for at in range(len(m.words)) if m.words[at].text[0].isalnum()), 0)
        if reading.wishes and any(a == first for a, _ in m.hits.get("mocks_first", ())):
            return Reading([], reading.wishes[0].skill, "mocks")
        for name in ("takes_back", "mocks", "others"):
            if reading.wishes and m.cue(name, own=own):
                return Reading([], reading.wishes[0].skill, name)
        if (reading.wishes or reading.unwished) and m.is_somebodys(own):
            skill = reading.wishes[0].skill if reading.wishes else reading.unwished
            return Reading([], skill, "whose")
        wished = [wish for wish in reading.wishes if not wish.loss]
        if wished:
            reading.wishes = wished  # "my card was stolen, block it"
        return reading

    def _why_not(self, clause: Range, wish: Wish, denied: bool) -> str:
        """Which list makes this no wish, or nothing."""
        m = self.message
        sentence = m.sentence_of(clause)
        told = m.ways.acts[wish.skill].trouble and any(
            m.words[at].text == ":" for at in range(clause[1] - 1, min(clause[1] + 1, sentence[1]))
        )
        names: tuple[str, ...]
        own = wish.own
        if wish.loss:
            if denied and not self.wishing.is_missing(clause):
                return "not"
            names = ("if", "said", "ago", "how")  # who doubts it is helped as well
            own |= covered(m.hits, "fails", "lost")  # "I do not know where it is"
            if m.cue("found"):
                return "found"
            if m.sentence[clause[0]] in m.asking and clause[1] >= sentence[1] - 1:
                return "asks"
        elif denied:
            return "not"
        elif wish.whose:
            return "whose"
        else:
            names = ("if", "when", "doubts", "said")
        for name in names:
            # "Report a problem: it crashes when I …" tells when it crashes.
            alone = name == "ago" or (name == "when" and told)
            if m.cue(name, clause if alone else sentence, own):
                return name
        if not wish.loss and m.cue("doubts", (sentence[1], len(m.words))):
            return "doubts"
        return ""

    def _passes_on(self, clause: Range) -> bool:
        """Whether the clause's negation holds for what follows in its sentence."""
        m = self.message
        inside = set(range(*clause))
        negators = covered(m.hits, "not")
        verbs = {n for name in m.hits if name.startswith(("do:", "done:")) for n in m.all(name)}
        wants = covered(m.hits, "wants", "asks")
        known = m.general | negators | m.leads
        return bool(inside & (verbs | wants)) or inside <= known

    def _spoken_of(self, clause: Range) -> str:
        """The skill whose verb and thing are both in a clause."""
        m = self.message
        for skill in m.ways.acts:
            verbs = m.within(f"do:{skill}", clause) + m.within(f"done:{skill}", clause)
            things = m.within(f"things:{skill}", clause) + m.within(f"named:{skill}", clause)
            # One word may be both: "mail".
            if any(a[1] <= b[0] or b[1] <= a[0] for a in verbs for b in things):
                return skill
        return ""
