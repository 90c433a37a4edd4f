"""What each step of the offline model has: the conversation, and how it asks, calls, hands over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

from deskward.agent.model import ModelRequest, ToolRequest, ToolSpec
from deskward.agent.offline.acts import Acts
from deskward.agent.offline.asked import Asked
from deskward.agent.offline.replies import reply
from deskward.agent.offline.skills import Skill, text_in
from deskward.agent.offline.sought import Sought
from deskward.agent.offline.topics import Topics
from deskward.text.assent import answer_of
from deskward.text.finding import Kind
from deskward.text.language import language_now
from deskward.text.nothing import asks_nothing


class Knowing(Protocol):
    """What the offline model knows; see `OfflineModel`."""

    skills: dict[str, Skill]
    kinds: dict[str, Kind]
    turns: dict[str, Asked]
    search: Skill | None
    handover: Skill | None

    @property
    def topics(self) -> Topics:
        """What messages ask about in other languages."""
        ...

    @property
    def sought(self) -> Sought:
        """What messages seek in other languages."""
        ...

    @property
    def acts(self) -> Acts:
        """What the skills do, and how it is wished for."""
        ...

    def best(self, text: str, usable: set[str], /) -> tuple[Skill | None, float]:
        """The skill that a sentence means most, of those that may be used."""
        ...

    def wanted(self, text: str, /) -> dict[str, float]:
        """How probably a message wishes each act, or none; empty where that was not learned."""
        ...

    def turned(self, text: str, /) -> dict[str, float]:
        """How probably a message is of each kind of turn; empty where that was not learned."""
        ...

    def __hash__(self) -> int:
        """As any object's: what follows from it is remembered."""
        ...

    def abilities(self, usable: set[str], /) -> list[str]:
        """What it can do for somebody who may use these skills."""
        ...

    def skill_of(self, tool: str, /) -> str:
        """The name of the skill that calls a tool, or nothing."""
        ...

    def skill(self, name: str, /) -> Skill | None:
        """The skill of that name, which may be gone since it was noted."""
        ...


class Turn:
    """A conversation, and what is left behind in it for the next step."""

    def __init__(self, model: Knowing, request: ModelRequest) -> None:
        self._model = model
        self._needs, self._usable = _usable(model, tuple(request.tools))
        self._messages = request.messages
        self.state: dict[str, Any] | None = None
        self._then: list[dict[str, Any]] = []

    def _left_behind(self) -> dict[str, Any]:
        """What this model left in the turn before; a question of the desk's may stand behind it."""
        for message in reversed(self._messages[:-1]):
            if message.role == "user":
                break
            if message.role == "assistant" and message.state:
                return message.state
        return {}

    def _missing(self, skill: Skill, slots: dict[str, Any]) -> str | None:
        for name, slot in skill.slots.items():
            needed = not slot.optional or name in self._needs.get(skill.tool or "", ())
            if needed and name not in slots:
                return name
        return None

    def _several(
        self, parts: list[tuple[Skill, dict[str, Any]]], *, unsure: bool = False
    ) -> Iterator[str | ToolRequest]:
        self.state = {"called": [skill.name for skill, _ in parts], "slots": parts[0][1]}
        if self._then:
            self.state["then"] = self._then
        for number, (skill, slots) in enumerate(parts):
            assert skill.tool is not None
            name = "call" if len(parts) == 1 else f"call-{number}"
            yield ToolRequest(name, skill.tool, {**skill.arguments, **slots}, unsure=unsure)

    def _ask(self, skill: Skill, slots: dict[str, Any], name: str, asked: int = 1) -> str:
        self.state = {"skill": skill.name, "waits_for": name, "slots": slots, "asked": asked}
        if self._then:
            self.state["then"] = self._then
        ask = skill.slots[name].ask
        return text_in(ask, self._language()) if ask else self._reply("of_whom")

    def _said_last(self) -> str:
        """The customer's last message."""
        return next(m.text for m in reversed(self._messages) if m.role == "user")

    def _ask_for(
        self, skill: Skill, slots: dict[str, Any], name: str, asked: int = 1
    ) -> str | ToolRequest:
        """Ask for a value."""
        return self._ask(skill, slots, name, asked)

    def _next(self) -> Iterator[str | ToolRequest]:
        """Offer the next wish, or ask for what it lacks."""
        wish, self._then = self._then[0], self._then[1:]
        skill, slots = self._model.skills[wish["skill"]], wish["slots"]
        if "waits_for" in wish:
            yield self._ask_for(skill, slots, wish["waits_for"], wish.get("asked", 1))
        else:
            yield from self._several([(skill, slots)], unsure=True)

    def _still_wished(self) -> list[dict[str, Any]]:
        """What was wished with the calls that were just made; their message may have no state."""
        for message in reversed(self._messages):
            if message.role == "assistant" and message.state:
                return [
                    w for w in message.state.get("then", []) if w["skill"] in self._model.skills
                ]
        return []

    def _hand_over(self, text: str) -> ToolRequest | str:
        if asks_nothing(text):  # nobody else could do anything about it either
            return self._reply("nothing_asked")
        skill = self._model.handover
        if skill is None or skill.tool is None or skill.name not in self._usable:
            return self._reply("cannot_help")
        self.state = {"handing_over": True}
        (slot,) = skill.slots
        return ToolRequest("handover", skill.tool, {**skill.arguments, slot: text})

    def _reply(self, name: str, **values: str) -> str:
        """A text of our own in the customer's language."""
        return reply(name, self._language(), **values)

    def _language(self) -> str:
        """The customer's language; a mere yes or no does not tell it."""
        said = [m.text for m in self._messages if m.role == "user" and answer_of(m.text) is None]
        return language_now(said)


@lru_cache(maxsize=64)
def _usable(
    model: Knowing, tools: tuple[ToolSpec, ...]
) -> tuple[Mapping[str, Sequence[str]], set[str]]:
    """What the offered tools need, and the names of the skills that can be used with them."""
    needs = {tool.name: tool.input_schema.get("required", ()) for tool in tools}
    return needs, {skill.name for skill in model.skills.values() if _is_usable(skill, needs)}


def _is_usable(skill: Skill, needs: Mapping[str, Sequence[str]]) -> bool:
    """Whether its tool is offered, and it can say all that the tool needs.

    Of which customer something is, only the customer's own conversation knows by itself.
    """
    tool = skill.search.tool if skill.search else skill.tool
    if tool is None:
        return True
    given = {*skill.slots, *skill.arguments, *([skill.search.argument] if skill.search else ())}
    return tool in needs and given.issuperset(needs[tool])
