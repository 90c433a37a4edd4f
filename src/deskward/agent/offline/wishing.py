"""The wish that a clause is, if it is one: a command, a request, a renewal, or a loss."""

from __future__ import annotations

from dataclasses import dataclass

from deskward.agent.offline.marked import Marked
from deskward.agent.offline.phrases import QUOTED, Range, covered


@dataclass(frozen=True)
class Wish:
    """An act that the customer wants, or a loss for which one is offered.

    Attributes:
        skill: Whose act it is.
        said: The part of the message in which its values stand.
        value: What stands where a value is named ("… to VALUE"), or nothing.
        clear: Whether it is a wish in so many words, and the message says nothing else.
        loss: Whether it is a loss, not a wish.
        stands: Whether its thing is named before it only.
        whose: Whether it is about what is another person's, by their name.
        guessed: Whether it was only guessed from its words; see `lax.py`.
        own: The words that say nothing but what the act is done with, whatever lists have them.
    """

    skill: str
    said: str
    value: str = ""
    clear: bool = False
    loss: bool = False
    stands: bool = False
    whose: bool = False
    guessed: bool = False
    own: frozenset[int] = frozenset()


class Wishing:
    """Finds the wishes of a message's clauses."""

    def __init__(self, message: Marked) -> None:
        self.message = message

    def act_in(self, number: int) -> Wish | None:
        """The act that a clause wishes, or the loss that it tells."""
        m = self.message
        found: list[tuple[int, Wish]] = []
        for skill in m.spoken:
            wish = self._command(skill, number) or self._renewal(skill, number)
            if wish is not None:
                found.append(wish)
        if found:
            return max(found, key=lambda pair: pair[0])[1]
        losses = (self._loss(skill, number) for skill in m.spoken)
        return next((loss for loss in losses if loss is not None), None)

    def _known(self, skill: str) -> set[int]:
        """The words that may stand within a wish of a skill."""
        m = self.message
        return (
            m.general
            | covered(m.hits, *(f"{part}:{skill}" for part in ("things", "named", "fillers")))
            | {
                at
                for at, word in enumerate(m.words)
                if word.text.isdigit()
                or word.text.startswith(("[[", QUOTED))
                or word.text in "#:/\"'.*+"
            }
        )

    def _command(self, skill: str, number: int) -> tuple[int, Wish] | None:
        """A command, a wish or a request, with its verb and its thing."""
        m = self.message
        clause = m.clauses[number]
        things = [*m.within(f"things:{skill}", clause), *m.within(f"named:{skill}", clause)]
        stands_for = not things
        if stands_for:
            before = (0, clause[0])
            if not (m.within(f"things:{skill}", before) or m.within(f"named:{skill}", before)):
                return None
            things = m.within("it", clause) or self._left_out(skill, number)
        known = self._known(skill)
        wants = [(r, True) for r in m.within("wants", clause)]
        wants += [(r, False) for r in m.within("asks", clause)]
        sentence = m.sentence_of(clause)
        asking = m.sentence[clause[0]] in m.asking
        verbs = m.within(f"do:{skill}", clause)
        if wants:
            verbs += m.within(f"done:{skill}", clause)
        far = self._far_verb(skill, number, clause, sentence) if m.ways.last_verb else None
        if far is not None:
            verbs.append(far)
        for verb in sorted(verbs, key=lambda r: r[0] - r[1]):
            for thing in sorted(things, key=lambda r: (r[0] - r[1], r[0])):
                if thing[0] < verb[1] and verb[0] < thing[1]:
                    continue  # one word may be both: "mail"
                whole = self._span(verb, thing, wants, clause, far is verb)
                if whole is None or not self._belongs(skill, thing, verb, clause, stands_for):
                    continue
                inside = set(range(*whole)) - set(range(*verb)) - set(range(*thing))
                if far is verb:
                    inside -= set(range(thing[1], verb[0]))
                if not inside <= known:
                    continue
                if asking and not any(not own for _, own in wants):
                    continue
                return self._wish(skill, number, verb, thing, known, stands_for)
        return None

    def _left_out(self, skill: str, number: int) -> list[Range]:
        """Where a thing stands that was named before, as in "O1003 is useless, please cancel".

        It is a range of no words, behind the verb of a clause that consists of it.
        """
        m = self.message
        clause = m.clauses[number]
        before = m.clauses[number - 1] if number else (0, 0)
        if m.ways.acts[skill].any or not (
            m.within(f"things:{skill}", before) or m.within(f"named:{skill}", before)
        ):
            return []
        verbs = m.within(f"do:{skill}", clause)
        known = m.general | m.leads
        return [
            (verb[1], verb[1]) for verb in verbs if set(range(*clause)) - set(range(*verb)) <= known
        ]

    def _span(
        self,
        verb: Range,
        thing: Range,
        wants: list[tuple[Range, bool]],
        clause: Range,
        far: bool,
    ) -> Range | None:
        """From the first to the last word that the wish consists of; None where it is none."""
        m = self.message
        start, end = min(verb[0], thing[0]), max(verb[1], thing[1])
        lead_in = set(range(clause[0], start)) <= m.leads
        for (a, b), own in wants:
            if m.ways.last_verb or b <= verb[0]:
                if not own and not (m.ways.last_verb or set(range(clause[0], a)) <= m.leads):
                    continue
                return min(a, start), max(b, end)
        if wants and not m.ways.last_verb:
            return None
        if verb[0] < thing[0] and set(range(clause[0], verb[0])) <= m.leads:
            return start, end
        if m.ways.last_verb and thing[0] < verb[0]:
            named = (name for name in m.hits if name.startswith("named:"))
            last = clause[1] if not far else verb[1]
            after = set(range(verb[1], last)) - m.polite - covered(m.hits, "ends", *named)
            marks = {at for at in after if not m.words[at].text[0].isalnum()}
            if not after - marks and not m.within("subjects", clause):
                return clause[0], end
        return None if not lead_in or verb[0] > thing[0] else (start, end)

    def _far_verb(self, skill: str, number: int, clause: Range, sentence: Range) -> Range | None:
        """The verb at the end of a sentence whose value has commas in it."""
        m = self.message
        if m.within(f"do:{skill}", clause) or clause[1] >= sentence[1]:
            return None
        sentence = (sentence[0], m.end_of_value(number))
        inside = m.within(f"do:{skill}", (clause[1], sentence[1]))
        if not inside or m.cue("not", (clause[0], inside[-1][1])):
            return None
        verb = inside[-1]
        rest = set(range(verb[1], sentence[1])) - m.polite - m.all("wants") - m.all("asks")
        return verb if all(not m.words[at].text[0].isalnum() for at in rest) else None

    def _belongs(
        self, skill: str, thing: Range, verb: Range, clause: Range, stands_for: bool
    ) -> bool:
        """Whether it is a certain thing of the customer's, and no other thing begins with it."""
        m = self.message
        act = m.ways.acts[skill]
        if thing[1] < clause[1] and not stands_for and not act.any:
            behind = thing[1]
            mark = not m.words[behind].text[0].isalnum()
            known = self._known(skill) | covered(
                m.hits, f"do:{skill}", f"done:{skill}", "ends", "joins", "when", "if", "not"
            )
            bare = m.ways.bare_value and bool(m.within("ends", m.sentence_of(clause)))
            if not (mark or bare or behind in known):
                return False
        given = act.value and thing[1] < clause[1] and m.words[thing[1]].text.startswith("[[")
        if act.any or stands_for or given or m.within(f"named:{skill}", clause):
            return True
        before = thing[0] - 1
        while before >= clause[0] and before in m.all("new") and before not in m.all("mine"):
            before -= 1
        if before >= clause[0] and before in m.all("some") and before not in m.all("mine"):
            return False
        own = m.within("mine", (clause[0], thing[1] + 1)) or m.within("mine", clause)
        return bool(own) or m.ways.last_verb or before + 1 == verb[1] or before < clause[0]

    def _wish(
        self,
        skill: str,
        number: int,
        verb: Range,
        thing: Range,
        known: set[int],
        stands_for: bool,
    ) -> tuple[int, Wish]:
        m = self.message
        clause = m.clauses[number]
        named = m.ways.acts[skill].value
        end = m.end_of_value(number) if named else clause[1]
        value = m.value(skill, thing, end) if named else (0, 0)
        m.note_names(value)
        said = m.text_of(clause[0], end)
        rest = set(range(len(m.words))) - set(range(clause[0], end))
        more = set(range(*clause)) - known - set(range(*verb)) - set(range(*thing))
        more -= set(range(*value))
        more -= covered(m.hits, "ends", f"do:{skill}")
        quiet = all(at in m.leads or not m.words[at].text[0].isalnum() for at in rest)
        asking = m.sentence[clause[0]] in m.asking
        clear = quiet and not more and not asking and not stands_for
        clear = clear and not m.guessed.intersection(range(clause[0], end))
        clear = clear and (m.ways.acts[skill].any or m.is_only_a_value(value))
        weight = verb[1] - verb[0] + thing[1] - thing[0]
        own = m.own(skill, verb[1], clause)
        whose = not m.ways.acts[skill].any and m.is_persons(skill, clause, value)
        return weight, Wish(
            skill, said, m.text_of(*value), clear, stands=stands_for, whose=whose, own=own
        )

    def _renewal(self, skill: str, number: int) -> tuple[int, Wish] | None:
        """As in: my new address is …, my password should be …."""
        m = self.message
        clause = m.clauses[number]
        act = m.ways.acts[skill]
        if not act.value or act.any or m.sentence[clause[0]] in m.asking:
            return None
        if m.within(f"do:{skill}", clause):
            return None
        known = m.leads | covered(m.hits, "mine", "new", f"things:{skill}", "neutral", "wants")
        for thing in m.within(f"things:{skill}", clause):
            around = (max(clause[0], thing[0] - 2), min(clause[1], thing[1] + 1))
            says = [b for a, b in m.hits.get("is", ()) if thing[1] <= a <= thing[1] + 1] or [
                at + 1
                for at in range(thing[1], min(thing[1] + 2, len(m.words)))
                if m.words[at].text == ":"
            ]
            becomes = [b for a, b in m.hits.get("becomes", ()) if a == thing[1]]
            before = set(range(clause[0], thing[0]))
            new = m.within("new", around)
            label = thing[1] < len(m.words) and m.words[thing[1]].text == ":"
            renewed = says and new and (act.renew or label)
            if not (renewed or becomes) or not before <= known:
                continue
            says = [*says, *becomes]
            end = m.end_of_value(number)
            value = m.value(skill, (thing[0], max(says) - 1), end)
            value = (max(value[0], max(says)), max(value[1], max(says)))
            m.note_names(value)
            return 1, Wish(skill, m.text_of(clause[0], end), m.text_of(*value))
        return None

    def _loss(self, skill: str, number: int) -> Wish | None:
        """A loss of the customer's own, for which the skill is offered."""
        m = self.message
        clause = m.clauses[number]
        things = m.within(f"lost_things:{skill}", clause)
        if not things or not (m.within("lost", clause) or self.is_missing(clause)):
            return None
        known = self._known(skill) | covered(m.hits, "lost", f"lost_things:{skill}")
        mine = m.within("me", clause) or m.within("mine", clause)
        if not (mine and m.within("me", clause)) and not set(range(*clause)) <= known:
            return None
        return Wish(skill, m.text_of(*clause), loss=True)

    def is_missing(self, clause: Range) -> bool:
        """Whether something cannot be found: a negation that tells a loss."""
        m = self.message
        fails = covered(m.hits, "fails")
        negators = [set(range(*negator)) for negator in m.within("not", clause)]
        sought = bool(m.within("seeks", clause))
        return bool(negators) and all(sought or negator <= fails for negator in negators)
