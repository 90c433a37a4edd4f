"""Skills: what the offline model can do, as YAML.

A skill is a file named after it: `examples`, and one of `say` (an answer as it is), `tool` (a tool
to call, with its `slots`, `arguments` that never change, and an `answer` template over the tool's
result) or `search` (look the question up in the FAQ). Templates are Jinja2, sandboxed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

GENERAL = Path(__file__).with_name("skills")
"""The skills of no feature, with the lexicon."""
LEXICON = "lexicon.yaml"
NONE = "none"
"""The skill of sentences that no skill is for: its examples teach what to leave alone."""

SlotKind = Literal[
    "password",
    "card",
    "number",
    "ticket_id",
    "order_id",
    "complaint_id",
    "user_id",
    "address",
    "description",
    "to",
    "cc",
    "bcc",
    "subject",
    "body",
    "files",
    "message",
    "to",
    "cc",
    "bcc",
    "subject",
    "body",
    "files",
]


class Slot(BaseModel):
    """A value that a tool needs and a customer says.

    Attributes:
        kind: How it is found in a sentence.
        ask: The question that asks for it; of an optional slot, what is asked when the tool
            does not accept the call without it.
        optional: Whether the tool can be called without it.
    """

    model_config = ConfigDict(extra="forbid")

    kind: SlotKind
    ask: str = ""
    optional: bool = False


class Skill(BaseModel):
    """One thing that the offline model can do.

    Attributes:
        examples: Sentences that mean it.
        say: An answer as it is.
        tool: The tool to call.
        arguments: What the tool is given besides the slots, always the same.
        slots: What the customer has to say, or may.
        confirm: The question that is asked first where it is not sure that the skill is meant.
        careful: Whether it is never sure of a sentence that may only ask about the deed.
        answer: A template over the tool's result.
        search: Whether to look the sentence up in the FAQ.
    """

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z_]+$")
    examples: list[str] = Field(min_length=1)
    say: str | None = None
    tool: str | None = None
    arguments: dict[str, str | int | bool] = {}
    slots: dict[str, Slot] = {}
    confirm: str | None = None
    careful: bool = False
    answer: str | None = None
    search: bool = False

    @model_validator(mode="after")
    def _does_one_thing(self) -> Skill:
        kinds = [self.say is not None, self.tool is not None, self.search, self.name == NONE]
        if sum(kinds) != 1:
            raise ValueError(f"skill {self.name} needs one of `say`, `tool` and `search`")
        if self.tool is not None and self.answer is None:
            raise ValueError(f"skill {self.name} calls a tool and so needs an `answer`")
        if self.careful and self.confirm is None:
            raise ValueError(f"skill {self.name} is careful and so needs a `confirm`")
        if self.arguments and self.tool is None:
            raise ValueError(f"skill {self.name} has `arguments` and no tool to give them to")
        if twice := self.arguments.keys() & self.slots.keys():
            raise ValueError(f"skill {self.name} has {min(twice)} as argument and as slot")
        return self


class Skills(BaseModel):
    """All skills, with the lexicon that their examples are matched by."""

    skills: dict[str, Skill]
    lexicon: dict[str, list[str]]

    @classmethod
    def load(cls, *folders: Path) -> Skills:
        """Read every `*.yaml` file of the folders.

        Raises:
            ValueError: A file is not valid; says which one and why.
        """
        skills: dict[str, Skill] = {}
        lexicon: dict[str, list[str]] = {}
        files = [file for folder in folders for file in folder.glob("*.yaml")]
        for file in sorted(files, key=lambda file: file.name):
            try:
                content = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
                if file.name == LEXICON:
                    lexicon = content
                else:
                    skill = Skill.model_validate({"name": file.stem, **content})
                    render_check(skill)
                    skills[skill.name] = skill
            except (yaml.YAMLError, ValidationError, TemplateError, TypeError, ValueError) as error:
                raise ValueError(f"{file.name} is not valid: {error}") from error
        if not skills:
            raise ValueError(f"{', '.join(map(str, folders))} holds no skills (SKILLS_DIR)")
        return cls(skills=skills, lexicon=lexicon)


_templates = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
)
_templates.filters["money"] = lambda money: str(money["formatted"]).lstrip("-")
_templates.filters["ago"] = lambda moment: ago(datetime.fromisoformat(moment), datetime.now(UTC))


def render(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template.

    Raises:
        jinja2.TemplateError: It names a value that is not there.
    """
    return _compiled(template).render(values).strip()


@cache
def _compiled(template: str) -> Template:
    return _templates.from_string(template)


def render_check(skill: Skill) -> None:
    """Compile the skill's templates.

    Raises:
        jinja2.TemplateError: One is not valid.
    """
    for template in (skill.answer, skill.confirm, skill.say):
        if template:
            _compiled(template)


def ago(moment: datetime, present: datetime) -> str:
    """How long ago in calendar days: Today, Yesterday, 3 days ago."""
    days = (present.date() - moment.date()).days
    return {0: "Today", 1: "Yesterday"}.get(days, f"{days} days ago")
