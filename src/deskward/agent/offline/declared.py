"""What skills declare besides what they call.

Of one that writes, by which words its act is told from mere talk of it; of one that reads, which
questions its answer is filtered, counted and summed for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Words(BaseModel):
    """The words of one language. One with `~` in front is a regular expression.

    Attributes:
        do: The verb, as it commands and as it stands behind "I want to".
        done: The verb as it stands behind "I want my … to be".
        things: What it is done to.
        lost: What, when it is lost, the act is offered for.
        fillers: What may stand beside verb and thing, and behind the verb says nothing else.
        text: Behind which words any text follows, as far as the sentence goes.
        lax: More verbs, enough for a question whether it is meant; see `lax.py` for all of these.
        hints: What speaks of the act and is a wish only beside words that want or ask.
        lax_things: More things.
        lax_lost: More things that may be lost.
        marks: What tells this act from another on the same thing ("for good").
    """

    model_config = ConfigDict(extra="forbid")

    do: list[str]
    done: list[str] = []
    things: list[str]
    lost: list[str] = []
    fillers: list[str] = []
    text: list[str] = []
    lax: list[str] = []
    hints: list[str] = []
    lax_things: list[str] = []
    lax_lost: list[str] = []
    marks: list[str] = []

    def parts(self) -> Iterator[tuple[str, list[str]]]:
        """The lists with their names in `acts.py`."""
        yield from (("do", self.do), ("done", self.done), ("things", self.things))
        yield from (("lost_things", self.lost), ("fillers", self.fillers), ("text", self.text))


class Declared(BaseModel):
    """The act of a skill.

    Attributes:
        undo: Whether the customer can undo it, so that a clear wish is done at once.
        value: Whether free words name its value ("… to VALUE").
        any: Whether it is done to no certain thing ("open a ticket").
        makes: The kind of record that it makes: none beside one that the message names.
        renew: Whether "my new … is …" is a wish, to be confirmed.
        trouble: Whether a statement of trouble is enough to offer it.
        tells: Whether what stands behind its verb is what it tells, and speaks against nothing.
        shows: Whether its answer shows what others wrote. It is done after others: what follows it
            would need a colleague's approval.
        named: How the thing looks where it is named by itself; a regular expression of one word.
        languages: The words, by language.
    """

    model_config = ConfigDict(extra="forbid")

    undo: bool = False
    value: bool = False
    any: bool = False
    makes: str = ""
    renew: bool = False
    trouble: bool = False
    tells: bool = False
    shows: bool = False
    named: str = ""
    languages: dict[str, Words]

    @model_validator(mode="before")
    @classmethod
    def _by_language(cls, given: Any) -> Any:
        """In YAML languages stand beside the rest."""
        if not isinstance(given, dict):
            return given
        rest = {k: v for k, v in given.items() if k in cls.model_fields}
        words = {k: v for k, v in given.items() if k not in cls.model_fields}
        return {"languages": words, **rest}


class States(BaseModel):
    """What of an answer tells how things of the customer's are now: "is it frozen?".

    Attributes:
        rows: Where the things stand in it.
        names: By which fields of a thing it is named.
        status: The field that tells how it is.
        slot: The slot, of any skill, that holds such a thing.
    """

    model_config = ConfigDict(extra="forbid")

    rows: str
    names: list[str]
    status: str
    slot: str


class Sums(BaseModel):
    """What of an answer is filtered, counted and summed: "how much did I spend last month?".

    Attributes:
        rows: Where what is summed stands in it.
        arguments: What the tool is given, so that there are enough of them.
        amount: The field with the money; what is negative went out.
        text: The field that tells with whom, or for what, it was.
        at: The field with the moment.
    """

    model_config = ConfigDict(extra="forbid")

    rows: str
    arguments: dict[str, int] = {}
    amount: str
    text: str
    at: str
