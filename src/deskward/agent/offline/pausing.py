"""Questions of ours that wait while the customer speaks of something else, and are asked again."""

from __future__ import annotations

from typing import Any

from deskward.agent.offline.asides import turns
from deskward.agent.offline.meant import UNWISHED
from deskward.agent.offline.records import Records
from deskward.agent.offline.skills import NONE, Skill
from deskward.text.assent import LONGEST, answer_of
from deskward.text.risk import risks_of

CHANGED = 0.85
"""From this probability on a sentence that does not answer our question is a new subject."""
PLEASANT = 25
"""Characters of a pleasantry; in a longer one it is looked for what is none."""
UNDONE = frozenset({"not", "if", "unsure", "takes_back", "doubts", "earlier", "past", "ago"})
"""Lists with words for a deed that is not to be done, not yet, or was done long ago."""
FELT = frozenset({"asking", "asks", "mocks", "scorns", "lost", "others", "polite", "how"})
"""Lists with words that ask, that tell of a loss, or mock."""
IMAGINED = frozenset({"polite", "lost", "others", "how"})
"""Those of them that say nothing where all is only imagined."""
TOLD = 200
"""Characters of a message that only tells of a deed."""
REFUSAL = 6
"""Words of a refusal that begins a message."""
MOST_ASKED = 2
"""How often the same question is asked."""


class Pausing(Records):
    """A step that comes back to what was left open."""

    def _is_bitter(self, text: str) -> bool:
        """Whether thanks or a greeting have something in them that is not one: "thanks, but …"."""
        return len(text) > PLEASANT and (
            turns(text) or not self._model.acts.cues(text).isdisjoint({"scorns", "mocks"})
        )

    def _is_refusal(self, text: str) -> bool:
        """Whether a short message begins with a refusal of more than one word: "no don't do that".

        "No" alone may begin anything.
        """
        words = text.split()
        if len(text) > LONGEST or "?" in text:
            return False
        ends = range(2, min(len(words), REFUSAL) + 1)
        return any(answer_of(" ".join(words[:end])) is False for end in ends)

    def _is_told_only(self, text: str) -> bool:
        """Whether a message says of a deed that it is not, not yet, or no more to be done.

        Nobody has to do anything about that. A question, a loss, anger or a wish make it another
        message, and so does whatever may need a person.
        """
        cues = self._model.acts.cues(text)
        deed = any(cue.startswith(("do_", "hint_")) for cue in cues)
        # "Please do not" asks for nothing, and "if I lose it" tells of no loss.
        felt = (
            FELT - ({"polite"} if "not" in cues else set()) - (IMAGINED if "if" in cues else set())
        )
        if not deed or cues.isdisjoint(UNDONE) or not cues.isdisjoint(felt):
            return False
        if len(text) > TOLD or "?" in text or self._model.acts.wants_something(text):
            return False
        unwished = self._model.wanted(text).get(NONE, 0.0) >= UNWISHED
        return unwished and not turns(text) and not risks_of("", text)

    def _is_free(self, skill: Skill | None, before: dict[str, Any]) -> bool:
        """Whether any words may be the value that is waited for."""
        if skill is None:
            return False
        kind = self._model.kinds[skill.slots[before["waits_for"]].kind]
        return kind.free or kind.whole

    def _reads_first(self, skill: Skill, text: str) -> bool:
        """Whether a message asks for something else that is only looked up, before it answers."""
        other, score = self._model.best(text, self._usable)
        reads = other is not None and other.tool is not None and other.acts is None
        hands = self._model.handover
        if not reads or other is None or score < CHANGED or other.name == skill.name:
            return False
        return (hands is None or other.tool != hands.tool) and not self._missing(other, {})

    def _keep(self, skill: Skill, before: dict[str, Any]) -> None:
        """Remember what was asked, to ask it again after something else, but not a third time."""
        asked = before.get("asked", 1) + 1
        rest = list(before.get("then", []))
        wish = {"skill": skill.name, "waits_for": before["waits_for"], "slots": before["slots"]}
        self._then = [{**wish, "asked": asked}, *rest] if asked <= MOST_ASKED else rest

    def _once_more(self, skill: Skill, before: dict[str, Any]) -> str:
        """The question that was left for something else; nothing where it was asked twice."""
        self._then = list(before.get("then", []))
        asked = before.get("asked", 1) + 1
        if asked > MOST_ASKED:
            return ""
        question = self._ask(skill, before["slots"], before["waits_for"], asked)
        if self.state is not None and "choices" in before:
            self.state["choices"] = before["choices"]
            return self._choice_text("which")
        return question
