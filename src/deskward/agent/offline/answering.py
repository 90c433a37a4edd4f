"""What the offline model says of what a tool answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jinja2 import TemplateError

from deskward.agent.model import Message, ToolRequest
from deskward.agent.offline.follow_ups import follows, own_words
from deskward.agent.offline.problems import problem_in
from deskward.agent.offline.skills import Skill, render, text_in
from deskward.agent.offline.turn import Turn
from deskward.core.answers import status_of
from deskward.text.risk import risks_of


class Answering(Turn):
    """Turns the answers of tools into words."""

    def _called(self, before: dict[str, Any]) -> list[str]:
        """The skills whose tools were called; of a call that a person decided on, by its tool."""
        if "called" in before:
            return list(before["called"])
        asked = next((m for m in reversed(self._messages) if m.role == "assistant"), None)
        requests = asked.tool_requests if asked else ()
        return [self._model.skill_of(request.name) for request in requests]

    def _results(self) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = []
        for message in reversed(self._messages):
            if message.role != "tool":
                break
            results.insert(0, json.loads(message.text))
        return results

    def _found(self, result: dict[str, Any], enough: float) -> str | None:
        """The answer that a search found, if it is one."""
        skill = self._model.search
        if skill is None or skill.search is None or skill.answer is None:
            return None
        if result.get(skill.search.score, 0.0) < enough:
            return None
        return render(text_in(skill.answer, self._language()), result)

    def _sources(self, result: dict[str, Any]) -> list[str]:
        """What an answer that a search found is from."""
        search = self._model.search.search if self._model.search is not None else None
        if search is None or search.sources is None:
            return []
        rows, name = search.sources
        return [str(one[name]) for one in result.get(rows, ())]

    def _repeats(self, before: dict[str, Any], result: dict[str, Any]) -> bool:
        """Whether a search for what goes on with the last question found what was told already."""
        told = before.get("told", ())
        goes_on = follows(before["searching"], self._language())
        return bool(goes_on) and not set(told).isdisjoint(self._sources(result))

    def _found_now(self, before: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
        """What is left behind by a search that found something: its topic, and what was told."""
        query, topic = before["query"], before.get("searched", "")
        goes_on = bool(topic) and query.startswith(f"{topic} ")
        told = [*before.get("told", ())] if goes_on else []
        topic = topic if goes_on else query
        return {"searched": topic, "told": [*told, *self._sources(result)]}

    def _adds_nothing(self, before: dict[str, Any], *, repeats: bool) -> bool:
        """Whether a question that goes on with the last one was answered with it, as far as known.

        Args:
            repeats: Whether what was told already was found.
        """
        if "searched" not in before or risks_of("", before["searching"]):
            return False
        goes_on = follows(before["searching"], self._language())
        return goes_on in ("surely", "likely") or repeats or before.get("repeats", False)

    def _told_already(self, before: dict[str, Any], text: str) -> str | ToolRequest:
        """What is said then: all was told, and a person may know more; the second time one does."""
        if before.get("offered"):
            return self._hand_over(text)
        self.state = {name: before[name] for name in ("searched", "told") if name in before}
        self.state["offers"] = text
        return self._reply("told_already", what=self._told_last(text))

    def _told_last(self, text: str) -> str:
        """What a search found last that was an answer: the sentences with a word of a question.

        All of them where none has one, as in another language.
        """
        search = self._model.search.search if self._model.search is not None else None
        rows, name = search.sentences if search is not None and search.sentences else ("", "")
        results = (json.loads(m.text) for m in reversed(self._messages) if m.role == "tool")
        found = next((one[rows] for one in results if one.get(rows)), ())
        said = [str(one[name]) for one in found]
        words = own_words(text, self._language())
        same = [one for one in said if words & own_words(one, self._language())]
        return " ".join(same or said)

    def _handed_over(self, last: Message) -> str:
        result, skill = json.loads(last.text), self._model.handover
        if status_of(result) != "ok":
            return self._reply("not_handed_over", problem=self._problem(skill, result))
        if skill is None or skill.instead is None:
            return self._reply("done")
        return render(text_in(skill.instead, self._language()), result)

    def _answer(self, skill: Skill | None, result: dict[str, Any], before: dict[str, Any]) -> str:
        status = status_of(result)
        if status == "pending":
            return self._reply("needs_approval", approval_id=str(result["approval_id"]))
        if status == "error":
            code = result["error"]["code"]
            if code == "NOT_CONFIRMED":
                return self._reply("left")
            problem = self._problem(skill, result, before.get("slots", {}))
            again = [name for name, slot in skill.slots.items() if slot.ask] if skill else []
            needs = (result["error"].get("details") or {}).get("needs")
            if needs in again:
                again = [needs]
            if (
                skill
                and again
                and (code == "INVALID_INPUT" or needs or code.endswith("_NOT_FOUND"))
            ):
                slots = {k: v for k, v in before.get("slots", {}).items() if k != again[0]}
                question = self._ask(skill, slots, again[0])
                return f"{problem} {question}"
            return self._reply("not_done", problem=problem)
        if skill is None or skill.answer is None:
            return self._reply("done")
        try:
            return render(text_in(skill.answer, self._language()), result)
        except TemplateError:
            return self._reply("done")

    def _problem(
        self, skill: Skill | None, result: dict[str, Any], slots: Mapping[str, Any] | None = None
    ) -> str:
        """Why a call was not done, in the customer's language."""
        return problem_in(self._language(), result, skill, slots or {})
