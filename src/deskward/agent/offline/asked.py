"""What customers say in the middle of a conversation, as data: `turns.yaml` beside the skills.

"Has it left yet?", "and the other one?", "well, that's typical": sentences of few words, in many
languages, that a meaning is learned from. What they mean only reads, or asks for nothing: a wish
is read for by other means, and none follows from these.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

WISH = "wish"
"""The kind of what wishes something: nothing is done about it here."""
TROUBLE = "trouble"
"""What the kinds do that tell of a trouble: nothing here; its cause is looked for elsewhere."""


class Asked(BaseModel):
    """A kind of turn.

    Attributes:
        skill: The skill that answers it.
        fits: Field of a listed record → the values with which it is meant.
        states: Whether it is asked how things are now (`Skill.states`).
        tells: The field that is asked for (`Skill.tells`).
        sums: What is summed (`Skill.sums`): what came `in`, or went `out`.
        handed: Whether it is asked for what the conversation was handed over as.
        does: What is done where no skill answers: `deeds` tells what was done; the others are
            answered with a text.
        after: Skills right after which a vague question is about this.
        said: Language → sentences.
    """

    model_config = ConfigDict(extra="forbid")

    skill: str = ""
    fits: dict[str, list[str]] = {}
    states: bool = False
    tells: str = ""
    sums: Literal["", "in", "out"] = ""
    handed: bool = False
    does: Literal[
        "", "deeds", "aside", "left", "own_only", "thanks", "greets", "speaks", "wish", "trouble"
    ] = ""
    after: list[str] = []
    said: dict[str, list[str]]

    @model_validator(mode="after")
    def _does_one_thing(self) -> Asked:
        if sum((bool(self.skill), self.handed, bool(self.does))) != 1:
            raise ValueError("a kind of turn needs one of `skill`, `handed` and `does`")
        return self

    @property
    def topic(self) -> str:
        """What it is about: kinds of the same topic are told apart only when it is sure."""
        return self.skill or self.does or "handed"
