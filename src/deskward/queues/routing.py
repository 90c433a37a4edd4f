"""Who looks at what next: pure functions, which the desk and its simulation both use.

What must be begun first comes first: when it was queued, and the patience of its level. That order
never changes while things wait, so whatever waits can be overtaken only by what came before its own
patience was over, and nothing waits for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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
        been_in: The queues that it has left, the first one first. Their specialists can still have
            it: it left them because nobody had room, and not because of what it is.
        promised: Until when somebody is to have begun, as it was said when it was queued. No queue
            that it flows over to makes that later.
    """

    id: str
    kind: str
    level: int
    queued_at: datetime
    here_since: datetime
    skills: frozenset[str] = frozenset()
    grade: int = 1
    avoids: frozenset[str] = frozenset()
    been_in: tuple[str, ...] = ()
    promised: datetime | None = None

    @property
    def open_to(self) -> tuple[str, ...]:
        """The types whose specialists can have it: its queue's first."""
        return (self.kind, *(kind for kind in self.been_in if kind != self.kind))


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

    def takes_as(self, item: Waiting) -> str | None:
        """Of which type they are to have something; None where they cannot have it."""
        return next((kind for kind in item.open_to if kind in self.kinds), None)

    def grade_for(self, item: Waiting) -> int:
        """How far up they are in the types that can have something; 0 where they are of none."""
        return max((self.kinds.get(kind, 0) for kind in item.open_to), default=0)


@dataclass(frozen=True)
class Given:
    """What is given to whom, and as a specialist of which type they have it."""

    item: str
    specialist: str
    kind: str


@dataclass
class _Room:
    """The specialists as they are while work is given out."""

    by_id: dict[str, Specialist] = field(default_factory=dict)

    def of(self, item: Waiting) -> list[Specialist]:
        return [one for one in self.by_id.values() if one.takes_as(item) is not None]


def begin_by(item: Waiting, kinds: Kinds) -> datetime:
    """Until when somebody is to have begun: never later than was promised."""
    here = item.queued_at + kinds[item.kind].patience_at(item.level)
    return min(here, item.promised or here)


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
    full: set[frozenset[str]] = set()
    for item in in_order(items, kinds):
        open_to = frozenset(item.open_to)
        if open_to in full:
            continue
        theirs = room.of(item)
        if not any(one.has_room for one in theirs):
            full.add(open_to)
            continue
        chosen = _choose(item, theirs, late=begin_by(item, kinds) <= now)
        if chosen is not None:
            found.append(Given(item.id, chosen.id, chosen.takes_as(item) or item.kind))
            busier = replace(chosen, load=chosen.load + 1, last_given=now)
            room.by_id[chosen.id] = busier
    return found


def _choose(item: Waiting, theirs: Sequence[Specialist], *, late: bool) -> Specialist | None:
    """Whom something is given to: somebody who fits; where it is late, or none could, anybody."""
    asked = theirs
    if not late:
        for fitting in (
            [one for one in asked if item.skills <= one.skills],
            [one for one in asked if one.grade_for(item) >= min(item.grade, BEST)],
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


def appointed(specialists: Iterable[Specialist]) -> frozenset[str]:
    """The types that anybody is a specialist of, on whichever shift."""
    return frozenset(kind for one in specialists for kind in one.kinds)


def flows_over(item: Waiting, kinds: Kinds, now: datetime, staffed: Collection[str]) -> str | None:
    """The type whose queue takes what has waited too long here; None where it stays.

    It is the next one along the chain that anybody is a specialist of: where nobody works nothing
    is ever begun.

    Args:
        staffed: The types that anybody is a specialist of.
    """
    kind = kinds[item.kind]
    if item.here_since + kind.overflow_after > now:
        return None
    to = kind.overflow
    while to is not None and to not in staffed:
        to = kinds[to].overflow
    return to


def moved_to(item: Waiting, to: str, kinds: Kinds, now: datetime) -> Waiting:
    """What goes to another queue by itself: with its place, and no later than was promised."""
    been_in = (*(kind for kind in item.been_in if kind != item.kind), item.kind)
    moved = replace(item, kind=to, here_since=now, been_in=been_in, promised=begin_by(item, kinds))
    return replace(moved, promised=begin_by(moved, kinds))


def could_pass_on(
    item: Waiting, holder: str, specialists: Iterable[Specialist], kinds: Kinds, now: datetime
) -> bool:
    """Whether what somebody does not begin would come to anybody whom it was not given to yet.

    Where it would not, it stays: given back and given again it would only wander in a circle.
    """
    everybody = list(specialists)
    if flows_over(item, kinds, now, appointed(everybody)) is not None:
        return True
    tried = item.avoids | {holder}
    theirs = [one for one in everybody if one.takes_as(item) is not None]
    late = begin_by(item, kinds) <= now
    chosen = _choose(replace(item, avoids=tried), theirs, late=late)
    return chosen is not None and chosen.id not in tried


def is_silent(assigned_at: datetime, kind: SpecialistKind, now: datetime) -> bool:
    """Whether somebody has not begun for too long what was given to them."""
    return assigned_at + kind.silent <= now
