"""Conditions that people write into data: CEL, Google's Common Expression Language.

A condition reads names and gives true or false; it cannot loop, call out, or change anything
(https://github.com/google/cel-spec). What it reads and is not known makes it not hold. Besides
CEL's own functions there is `older(version, "2.3")`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from packaging.version import InvalidVersion, Version

from deskward.core.lazily import lazily

LONGEST = 1_000
"""Characters of a condition."""
_BOUND = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(\s*(\w+)\s*,")
"""A name that a macro binds, which the library lists among the names that are read."""
_MACRO = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(|\bin\b")
"""What goes over all parts of something."""
_SLOW = frozenset({"matches"})
"""Functions that are refused: a regular expression can cost more than linear time."""


class WrongCondition(ValueError):
    """A condition is none; the text says what is wrong."""


class Condition:
    """A condition, ready to be asked."""

    def __init__(self, source: str) -> None:
        """Read a condition.

        Raises:
            WrongCondition: It is no CEL expression, or uses what is refused.
        """
        if len(source) > LONGEST:
            raise WrongCondition(f"a condition may have {LONGEST} characters")
        self.source = source
        try:
            # Imported here: it takes a fifth of a second, which a desk without workflows saves.
            from cel import compile as compiled

            self._program = compiled(source)
        except ValueError as error:
            said = str(error).partition("ERROR: ")[2].splitlines()
            raise WrongCondition(said[0] if said else str(error)) from None
        if refused := _SLOW & set(self._program.functions()):
            raise WrongCondition(f"{', '.join(sorted(refused))}() cannot be used in a condition")

    @lazily
    def names(self) -> frozenset[str]:
        """The names that it reads, without those that it binds itself."""
        return frozenset(self._program.variables()) - frozenset(_BOUND.findall(self.source))

    @lazily
    def loops(self) -> int:
        """How many times it goes over all parts of something, one inside another at the worst."""
        return len(_MACRO.findall(self.source))

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether it holds; what it reads and is not there makes it not hold.

        Raises:
            WrongCondition: It compares what cannot be compared, or is no question of yes or no.
        """
        try:
            found = self.value(values)
        except KeyError:
            return False
        if not isinstance(found, bool):
            raise WrongCondition(f"it gives {found!r}, which is neither true nor false")
        return found

    def value(self, values: Mapping[str, Any]) -> Any:
        """What it gives, where it is another expression than a condition.

        Raises:
            KeyError: Something that it reads is not there.
            WrongCondition: It compares what cannot be compared.
        """
        from cel import Context

        try:
            return self._program.execute(Context(dict(values), {"older": older}))
        except (KeyError, IndexError) as error:
            raise KeyError(*error.args) from None
        except TypeError as error:
            raise WrongCondition(str(error).partition(".")[0]) from None
        except (RuntimeError, ValueError, ArithmeticError) as error:
            raise WrongCondition(str(error)) from None


def older(version: str, than: str) -> bool:
    """Whether a version is older than another one (PEP 440's order); False where one is none."""
    try:
        return Version(version) < Version(than)
    except (InvalidVersion, TypeError):
        return False


@lru_cache(maxsize=4_096)
def condition(source: str) -> Condition:
    """The condition of a text, read once.

    Raises:
        WrongCondition: It is none.
    """
    return Condition(source)
