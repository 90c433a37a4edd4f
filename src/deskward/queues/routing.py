"""Who looks at what next: pure functions, which the desk and its simulation both use.

What must be begun first comes first: when it was queued, and the patience of its level. That order
never changes while things wait, so whatever waits can be overtaken only by what came before its own
patience was over, and nothing waits for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from deskward.queues.kinds import SpecialistKind

Kinds = Mapping[str, SpecialistKind]
BEST = 3
"""The highest level of a specialist."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Waiting:
    """Something that waits for a specialist.

    Attributes:
        level: How urgent it is, from 1 to 5.
        queued_at: Since when it waits, in whichever queue.
        here_since: Since when it waits in this queue.
        skills: What whoever gets it should know.
        grade: How far up whoever gets it should be, from 1 to 3.
        avoids: Who did not begin when it was given to them.
    """

    id: str
    kind: str
    level: int
    queued_at: datetime
    here_since: datetime
    skills: frozenset[str] = frozenset()
    grade: int = 1
    avoids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Specialist:
    """Somebody whom work can be given to.

    Attributes:
        kinds: Types that they are, and how far up in each, from 1 to 3.
        capacity: How much they can have at once.
        load: How much they have.
        on_shift: Whether they work now.
        last_given: When they were last given something.
    """

    id: str
    kinds: Mapping[str, int]
    skills: frozenset[str] = frozenset()
    capacity: int = 1
    load: int = 0
    on_shift: bool = True
    last_given: datetime | None = None

    @property
    def has_room(self) -> bool:
        """Whether they can be given something now."""
        return self.on_shift and self.load < self.capacity


@dataclass(frozen=True)
class Given:
    """What is given to whom."""

    item: str
    specialist: str


@dataclass
class _Room:
    """The specialists as they are while work is given out."""

    by_id: dict[str, Specialist] = field(default_factory=dict)

    def of(self, kind: str) -> list[Specialist]:
        return [one for one in self.by_id.values() if kind in one.kinds]


def begin_by(item: Waiting, kinds: Kinds) -> datetime:
    """Until when somebody is to have begun."""
    return item.queued_at + kinds[item.kind].patience_at(item.level)


def in_order(items: Iterable[Waiting], kinds: Kinds) -> list[Waiting]:
    """What waits, what is to be begun first coming first."""
    return sorted(items, key=lambda one: (begin_by(one, kinds), one.queued_at, one.id))


def give(
    items: Iterable[Waiting], specialists: Iterable[Specialist], kinds: Kinds, now: datetime
) -> list[Given]:
    """Give out what can be, in order; the same for the same.

    Of those with room who fit best it is whoever has least to do, then whoever has waited longest
    for something. What fits nobody who has room lets the next one pass.
    """
    room = _Room({one.id: one for one in sorted(specialists, key=lambda one: one.id)})
    found: list[Given] = []
    full: set[str] = set()
    for item in in_order(items, kinds):
        if item.kind in full:
            continue
        theirs = room.of(item.kind)
        if not any(one.has_room for one in theirs):
            full.add(item.kind)
            continue
        chosen = _choose(item, theirs, late=begin_by(item, kinds) <= now)
        if chosen is not None:
            found.append(Given(item.id, chosen.id))
            busier = replace(chosen, load=chosen.load + 1, last_given=now)
            room.by_id[chosen.id] = busier
    return found


def _choose(item: Waiting, theirs: Sequence[Specialist], *, late: bool) -> Specialist | None:
    """Whom something is given to: somebody who fits; where it is late, or none could, anybody."""
    asked = theirs
    if not late:
        for fitting in (
            [one for one in asked if item.skills <= one.skills],
            [one for one in asked if one.kinds[item.kind] >= min(item.grade, BEST)],
        ):
            # What nobody has, on whichever shift, is not waited for.
            both = [one for one in asked if one in fitting]
            asked = both or asked
    asked = [one for one in asked if one.id not in item.avoids] or asked
    with_room = [one for one in asked if one.has_room]
    return min(
        with_room,
        key=lambda one: (
            one.load / one.capacity,
            one.last_given or _LONG_AGO,
            one.id,
        ),
        default=None,
    )


def flows_over(item: Waiting, kinds: Kinds, now: datetime) -> str | None:
    """The type whose queue takes what has waited too long here; None where it stays."""
    kind = kinds[item.kind]
    too_long = item.here_since + kind.overflow_after <= now
    return kind.overflow if too_long else None


def could_pass_on(
    item: Waiting, holder: str, specialists: Iterable[Specialist], kinds: Kinds, now: datetime
) -> bool:
    """Whether what somebody does not begin would come to anybody whom it was not given to yet.

    Where it would not, it stays: given back and given again it would only wander in a circle.
    """
    if flows_over(item, kinds, now) is not None:
        return True
    tried = item.avoids | {holder}
    theirs = [one for one in specialists if item.kind in one.kinds]
    late = begin_by(item, kinds) <= now
    chosen = _choose(replace(item, avoids=tried), theirs, late=late)
    return chosen is not None and chosen.id not in tried


def is_silent(assigned_at: datetime, kind: SpecialistKind, now: datetime) -> bool:
    """Whether somebody has not begun for too long what was given to them."""
    return assigned_at + kind.silent <= now
