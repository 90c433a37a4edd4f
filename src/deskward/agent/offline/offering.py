"""A person is offered before one is called: where a few words were not understood, and ask little.

Whoever needs one is given one at once (a risk, anger, a longer story); and so is whoever was not
understood twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deskward.agent.dialogue import before as dialogue_before
from deskward.agent.model import ToolRequest
from deskward.agent.offline.asked import TROUBLE, WISH
from deskward.agent.offline.beside import Beside
from deskward.agent.offline.refers import pointed
from deskward.agent.offline.turning import SHORT
from deskward.text.assent import answer_of
from deskward.text.risk import risks_of

WISHED = 0.4
"""From this probability on a message wishes something: it is handed over, and not asked about."""
TALK = 0.3
"""From this probability on a few words may be thanks, a greeting or a remark."""
_TALKS = ("thanks", "greets", "aside", "left")


class Offering(Beside):
    """A step that offers a person."""

    def _offer_or_hand_over(self, text: str) -> ToolRequest | str:
        """Offer a person for a few words that nobody understood; a second time call one."""
        hands = self._model.handover
        before = self._left_behind()
        again = "offers" in before or bool(dialogue_before(self._messages).handed)
        known = bool(self._model.turned(text))
        short = len(text) <= SHORT and "\n" not in text
        feels = self._model.acts.cues(text, self._language()) & {"scorns", "mocks", "lost"}
        usable = hands is not None and hands.name in self._usable
        if again or not known or not short or feels or risks_of("", text) or not usable:
            return self._hand_over(text)
        if self._wants_something(text) or not self._is_first_not_understood():
            return self._hand_over(text)
        self.state = {"offers": text}
        return self._reply("offers_person")

    def _wants_something(self, text: str) -> bool:
        """Whether a message may wish what only people do, and does not only point at something."""
        found = self._likely(text)
        hands = self._model.handover
        people = {WISH, TROUBLE, self._about_of(hands) if hands else WISH}
        share = sum(p for name, p in found.items() if self._topic(name) in people)
        return share >= WISHED and pointed(text, {}) is None

    def _is_first_not_understood(self) -> bool:
        """Whether nobody was offered a person in this conversation."""
        return not any(m.state and "offers" in m.state for m in self._messages if m.state)

    def _of_offer(self, before: dict[str, Any], text: str) -> Iterator[str | ToolRequest] | None:
        """What is done upon the answer to the offer; None where it is about something else."""
        answer = answer_of(text)
        if answer is None:
            return None
        return iter([self._hand_over(before["offers"]) if answer else self._reply("left")])

    def _is_only_talk(self, text: str) -> bool:
        """Whether a message may be thanks or a greeting; words of one language tell only in it."""
        found = self._likely(text)
        if not found or self._language() == "en":
            return True
        return sum(p for name, p in found.items() if self._topic(name) in _TALKS) >= TALK
