"""The types of specialists that a desk has, and how long somebody may wait for each, as data."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from deskward.core.errors import NotFound
from deskward.core.lengths import Length
from deskward.core.marked_yaml import Marked, Place, Problem, WrongFiles, read_marked

SHIPPED = Path(__file__).with_name("kinds.yaml")
"""The types that ship with Deskward."""
LEVELS = (1, 2, 3, 4, 5)
"""Levels of priority; 1 is the most urgent one."""
Level = Annotated[int, Field(ge=1, le=5, description="From 1, the most urgent, to 5.")]
KindName = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{0,63}$",
        description="A type of specialist; a wrong one names those that there are.",
        examples=["network"],
    ),
]
_PATIENCE = {
    1: timedelta(minutes=15),
    2: timedelta(hours=1),
    3: timedelta(hours=4),
    4: timedelta(hours=8),
    5: timedelta(hours=24),
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SpecialistKind(_Part):
    """A type of specialist, who have one queue.

    Attributes:
        patience: Level of priority → within which time somebody is to have begun. It is the
            queue's order, too: whoever has to be begun first comes first, so that what waits gets
            on as time goes by and nothing waits for ever.
        silent: After how long what was given to somebody who does not begin is given to another.
        overflow: The type whose queue takes what has waited for `overflow_after`.
    """

    title: str = Field(min_length=1, max_length=200)
    patience: dict[int, Length] = Field(default_factory=lambda: dict(_PATIENCE))
    silent: Length = timedelta(minutes=30)
    overflow: KindName | None = None
    overflow_after: Length = timedelta(hours=4)

    def patience_at(self, level: int) -> timedelta:
        """Within which time somebody is to have begun."""
        return self.patience[level]


class SpecialistKinds(_Part):
    """All types of specialists of a desk."""

    specialists: dict[KindName, SpecialistKind] = Field(min_length=1)

    def get(self, name: str) -> SpecialistKind:
        """The type of a name.

        Raises:
            NotFound: There is none; it names the nearest, and those that there are.
        """
        if name in self.specialists:
            return self.specialists[name]
        known = ", ".join(sorted(self.specialists))
        near = difflib.get_close_matches(name, self.specialists, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise NotFound(
            "specialist type",
            name,
            f"There is no type of specialist {name[:64]!r}. {hint}There are: {known}.",
        )


def load(file: Path | None = None) -> SpecialistKinds:
    """Read the types and see that they can be used.

    Args:
        file: The operator's own; those that ship where it is left out.

    Raises:
        WrongFiles: Something is wrong; it tells all of it, with file and line.
    """
    found, problems = check(file or SHIPPED)
    if found is None or problems:
        raise WrongFiles(problems)
    return found


def check(file: Path) -> tuple[SpecialistKinds | None, list[Problem]]:
    """The types of a file, and all that is wrong with them."""
    example = "`specialists:` with their names, each with a `title`"
    called = "a file of specialists"
    found, problems = read_marked(file, SpecialistKinds, called=called, example=example)
    if found is None:
        return None, problems
    return found.content, [*problems, *(found.problem(*one) for one in _wrong(found))]


def _wrong(found: Marked[SpecialistKinds]) -> Iterator[tuple[Place, str]]:
    kinds = found.content.specialists
    for name, kind in kinds.items():
        place: Place = ("specialists", name)
        if tuple(sorted(kind.patience)) != LEVELS:
            yield (*place, "patience"), "say a time for each of the levels 1, 2, 3, 4 and 5"
        elif sorted(kind.patience.values()) != [kind.patience[level] for level in LEVELS]:
            yield (*place, "patience"), "a less urgent level has no less time than one before it"
        if kind.overflow is not None and kind.overflow not in kinds:
            yield (*place, "overflow"), f"there is no type “{kind.overflow}”"
        elif _comes_back(found.content, name):
            yield (*place, "overflow"), f"what flows over from “{name}” comes back to it"


def _comes_back(kinds: SpecialistKinds, name: str) -> bool:
    seen: list[str] = []
    at: str | None = kinds.specialists[name].overflow
    while at is not None and at in kinds.specialists and at not in seen:
        seen.append(at)
        at = kinds.specialists[at].overflow
    return name in seen
