"""Skills: what the offline model can do, as YAML.

A skill is a file named after it: `examples`, and one of `say` (an answer as it is, or a template
over `abilities`: what the skills with which the caller may do something `can`), `tool` (a tool
to call, with its `slots`, `arguments` that never change, and an `answer` template over the tool's
result) or `search` (a tool that looks the question up). Templates are Jinja2, sandboxed; `answer`,
`instead`, `say` and `ask` may be one text, or one by language.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SkipValidation,
    ValidationError,
    model_validator,
)

from deskward.agent.offline.asked import Asked
from deskward.agent.offline.asking import Asks
from deskward.agent.offline.declared import Declared, States, Sums
from deskward.agent.offline.sought import Words
from deskward.text.finding import KINDS, Kind

GENERAL = Path(__file__).with_name("skills")
"""The skills of no feature, with the lexicon."""
LEXICON = "lexicon.yaml"
WISHES = "wishes.yaml"
"""What is said by who wishes what a skill does, and by who does not; each folder may hold one."""
TURNS = "turns.yaml"
"""What is said in the middle of a conversation, see `asked.py`; each folder may hold one."""
NONE = "none"
"""The skill of sentences that no skill is for: its examples teach what to leave alone."""


def _by_language(given: Any) -> Any:
    """One text is that of every language."""
    return {"en": given} if isinstance(given, str) else given


def _has_english(texts: dict[str, str]) -> dict[str, str]:
    if texts and "en" not in texts:
        raise ValueError("there is no English text (en)")
    return texts


Texts = Annotated[dict[str, str], BeforeValidator(_by_language), AfterValidator(_has_english)]
"""Language → text; languages without one get the English."""


def text_in(texts: Texts, language: str) -> str:
    """The text in a language, or else in English."""
    return texts.get(language, texts["en"])


class Search(BaseModel):
    """A tool that looks a question up.

    Attributes:
        tool: Its name.
        argument: Which of its arguments takes the question.
        score: Where its answer says how much it is about the question, from 0 to 1.
        sources: Where its answer lists what it is from, and the field that names each: what goes
            on with a question and finds the same is not told once more as if it were new.
        sentences: Where its answer lists its sentences, and the field of their text.
    """

    model_config = ConfigDict(extra="forbid")

    tool: str
    argument: str
    score: str
    sources: tuple[str, str] | None = None
    sentences: tuple[str, str] | None = None


class Slot(BaseModel):
    """A value that a tool needs and a customer says.

    Attributes:
        kind: How it is found in a sentence.
        ask: The question that asks for it; of an optional slot, what is asked when the tool
            does not accept the call without it.
        optional: Whether the tool can be called without it.
        listed: The skill that lists the customer's own of these: it is looked up, not asked for.
        finds: A tool that tells these by their ids alone, given the customer's `words`: who asks
            it reads no text of others.
        fits: Field of a listed record → the values with which it may be meant.
        all: Language → by which words all of them are meant, where the call without it is done to
            all. Without such a word it is asked which is meant, if there are several.
    """

    model_config = ConfigDict(extra="forbid")

    kind: str
    ask: Texts = {}
    optional: bool = False
    listed: str = ""
    finds: str = ""
    fits: dict[str, list[str]] = {}
    all: dict[str, list[str]] = {}


class Skill(BaseModel):
    """One thing that the offline model can do.

    Attributes:
        examples: Sentences that mean it.
        about: Language → phrases, as `lookup.py` has them, by which messages are about it that no
            example is like. Only of a skill that reads.
        sought: Language → by which words a thing is sought that no example is like, see
            `sought.py`.
        surely: Whether these words are enough, so that nobody is asked back.
        say: An answer as it is, or over `abilities`.
        can: What it is good for, in a few words, as a capable one says them: "show your orders".
        tool: The tool to call.
        arguments: What the tool is given besides the slots, always the same.
        slots: What the customer has to say, or may.
        acts: By which words its act is told from talk of it, where its tool writes: without a wish
            it is never called.
        tells: Fields of its answer that are asked for by themselves: "what is my address?".
        states: What of its answer tells how things are now.
        sums: What of its answer is filtered, counted and summed.
        asks: What its record asks step by step, and which tools take what is said to that.
        say_so: How a customer says plainly that they want it.
        explains: What is told, to who asks and does not wish it, of its act and the others that
            are done to the same kind of thing.
        answer: A template over the tool's result.
        problems: Code of an error → language → a template over the error's details and the slots,
            which tells why it was not done. In English the tool does.
        search: The tool to look the sentence up with. One skill has it.
        instead: A template over the tool's result, for sentences that nothing is the answer to: a
            person gets them by this tool, in its one slot. One skill has it.
    """

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z_]+$")
    examples: list[str] = []
    about: dict[str, list[str]] = {}
    sought: dict[str, Words] = {}
    surely: bool = False
    say: Texts | None = None
    can: str = ""
    tool: str | None = None
    arguments: dict[str, str | int | bool] = {}
    slots: dict[str, Slot] = {}
    acts: Declared | None = None
    tells: list[str] = []
    states: States | None = None
    sums: Sums | None = None
    asks: Asks | None = None
    say_so: str = ""
    explains: Texts = {}
    answer: Texts | None = None
    problems: dict[str, dict[str, str]] = {}
    search: Search | None = None
    instead: Texts | None = None

    @model_validator(mode="after")
    def _does_one_thing(self) -> Skill:
        kinds = [self.say is not None, self.tool is not None, bool(self.search), self.name == NONE]
        if sum(kinds) != 1:
            raise ValueError(f"skill {self.name} needs one of `say`, `tool` and `search`")
        if (self.tool or self.search) and self.answer is None:
            raise ValueError(f"skill {self.name} calls a tool and so needs an `answer`")
        if self.instead and (self.tool is None or len(self.slots) != 1):
            raise ValueError(f"skill {self.name} has `instead` and so needs a `tool` and one slot")
        if self.acts and not (self.tool and self.say_so):
            raise ValueError(f"skill {self.name} has `acts` and so needs a `tool` and a `say_so`")
        if self.about and self.acts:
            raise ValueError(f"skill {self.name} acts and has `about`, which is no wish")
        if self.sought and (self.acts or self.tool is None):
            raise ValueError(f"skill {self.name} has `sought` and so needs a `tool`, and no `acts`")
        if self.asks and not (self.surely and self.sought and not self.examples and not self.acts):
            raise ValueError(f"skill {self.name} `asks` and so begins by what is `sought` alone")
        if not (self.examples or self.acts or self.about or self.asks):
            raise ValueError(f"skill {self.name} has no `examples`, `acts` or `about`")
        if self.arguments and self.tool is None:
            raise ValueError(f"skill {self.name} has `arguments` and no tool to give them to")
        if (self.tells or self.states or self.sums) and (self.acts or self.tool is None):
            raise ValueError(f"skill {self.name} tells of records and so needs a `tool`, no `acts`")
        if twice := self.arguments.keys() & self.slots.keys():
            raise ValueError(f"skill {self.name} has {min(twice)} as argument and as slot")
        return self


class Skills(BaseModel):
    """All skills, with the lexicon that their examples are matched by, and how they are wished.

    Attributes:
        wishes: Skill → sentences of all languages with which it is wished; those of `none` wish
            nothing.
        turns: Kinds of what is said in the middle of a conversation.
    """

    skills: dict[str, Skill]
    lexicon: dict[str, list[str]]
    wishes: dict[str, list[str]] = {}
    turns: dict[str, Asked] = {}
    kinds: dict[str, SkipValidation[Kind]]

    @property
    def search(self) -> Skill | None:
        """The skill that looks questions up."""
        return next((skill for skill in self.skills.values() if skill.search), None)

    @property
    def handover(self) -> Skill | None:
        """The skill that gives a customer to a person."""
        return next((skill for skill in self.skills.values() if skill.instead), None)

    @classmethod
    def load(cls, *folders: Path, kinds: Mapping[str, Kind] | None = None) -> Skills:
        """Read every `*.yaml` file of the folders.

        Args:
            folders: Of a name that several hold, the last one's file counts.
            kinds: The kinds of value that their slots may be of, besides those of `text/finding`.

        Raises:
            ValueError: A file is not valid; says which one and why.
        """
        skills: dict[str, Skill] = {}
        lexicon: dict[str, list[str]] = {}
        wishes: dict[str, list[str]] = {}
        turns: dict[str, Asked] = {}
        known = {**KINDS, **(kinds or {})}
        files = [file for folder in folders for file in folder.glob("*.yaml")]
        for file in sorted(files, key=lambda file: file.name):
            try:
                content = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
                if file.name == LEXICON:
                    lexicon = content
                elif file.name == WISHES:
                    for name, said in content.items():
                        wishes.setdefault(name, []).extend(itertools.chain(*said.values()))
                elif file.name == TURNS:
                    turns |= {one: Asked.model_validate(kind) for one, kind in content.items()}
                else:
                    skill = Skill.model_validate({"name": file.stem, **content})
                    render_check(skill)
                    _check_kinds(skill, known)
                    skills[skill.name] = skill
            except (yaml.YAMLError, ValidationError, TemplateError, TypeError, ValueError) as error:
                raise ValueError(f"{file.name} is not valid: {error}") from error
        if not skills:
            raise ValueError(f"{', '.join(map(str, folders))} holds no skills (SKILLS_DIR)")
        wishes = {name: said for name, said in wishes.items() if name in skills}
        turns = {n: one for n, one in turns.items() if not one.skill or one.skill in skills}
        return cls(skills=skills, lexicon=lexicon, kinds=known, wishes=wishes, turns=turns)


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
    """See that the skill's templates can be compiled; each is, once it is filled.

    Raises:
        jinja2.TemplateError: One is not valid.
    """
    texts = (skill.say or {}, skill.answer or {}, skill.instead or {}, *skill.problems.values())
    for template in itertools.chain.from_iterable(one.values() for one in texts):
        _templates.compile(template, raw=True)


def _check_kinds(skill: Skill, kinds: Mapping[str, Kind]) -> None:
    for name, slot in skill.slots.items():
        if slot.kind not in kinds:
            known = ", ".join(sorted(kinds))
            raise ValueError(f"the slot {name} has the kind {slot.kind!r}; there are {known}")
    if skill.acts and skill.acts.makes and skill.acts.makes not in kinds:
        raise ValueError(f"it makes {skill.acts.makes!r}, which is no kind of value")


def ago(moment: datetime, present: datetime) -> str:
    """How long ago in calendar days: Today, Yesterday, 3 days ago."""
    days = (present.date() - moment.date()).days
    return {0: "Today", 1: "Yesterday"}.get(days, f"{days} days ago")
