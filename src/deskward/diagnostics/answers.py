"""The forms that an answer to a step can have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from deskward.core.errors import InvalidInput

LONGEST = 2_000
"""Characters of an answer in words."""


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class YesNo(_Form):
    """Yes or no."""

    type: Literal["yes_no"] = "yes_no"

    @property
    def samples(self) -> Sequence[Any]:
        """Values that stand for all that can be answered."""
        return (True, False)

    def read(self, value: object) -> bool:
        """The answer that a value is.

        Raises:
            InvalidInput: It is none of this form.
        """
        if isinstance(value, bool):
            return value
        raise InvalidInput("Answer this step with true or false.")


class Choice(_Form):
    """One of some words, each with what it means.

    Attributes:
        choices: Word → what is shown to whoever chooses.
    """

    type: Literal["choice"]
    choices: dict[str, str] = Field(min_length=2, max_length=20)

    @property
    def samples(self) -> Sequence[Any]:
        """Values that stand for all that can be answered."""
        return tuple(self.choices)

    def read(self, value: object) -> str:
        """The answer that a value is.

        Raises:
            InvalidInput: It is none of this form.
        """
        if isinstance(value, str) and value in self.choices:
            return value
        raise InvalidInput(f"Answer this step with one of: {', '.join(self.choices)}.")


class Number(_Form):
    """A number.

    Attributes:
        unit: What is counted, for whoever answers.
        whole: Whether it has no fraction.
    """

    type: Literal["number"]
    unit: str = ""
    whole: bool = False
    least: float = -1e12
    most: float = 1e12

    @property
    def samples(self) -> Sequence[Any]:
        """Values that stand for all that can be answered."""
        middle = [value for value in (0.0, 1.0, 100.0) if self.least <= value <= self.most]
        return (self.least, *middle, self.most)

    def read(self, value: object) -> float:
        """The answer that a value is.

        Raises:
            InvalidInput: It is none of this form.
        """
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            if self.whole and value != int(value):
                raise InvalidInput("Answer this step with a whole number.")
            if self.least <= value <= self.most:
                return float(value)
            raise InvalidInput(f"Answer with a number from {self.least:g} to {self.most:g}.")
        raise InvalidInput("Answer this step with a number.")


class Words(_Form):
    """A text."""

    type: Literal["text"]

    @property
    def samples(self) -> Sequence[Any]:
        """Values that stand for all that can be answered."""
        return ("", "a text")

    def read(self, value: object) -> str:
        """The answer that a value is.

        Raises:
            InvalidInput: It is none of this form.
        """
        if isinstance(value, str) and 0 < len(value.strip()) <= LONGEST:
            return value.strip()
        raise InvalidInput(f"Answer this step with a text of 1 to {LONGEST:,} characters.")


Answer = Annotated[YesNo | Choice | Number | Words, Field(discriminator="type")]
