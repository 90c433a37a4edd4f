"""Finding tickets in a moment, however many there are: which way leads there quickest.

There are two ways. One *walks*: along an index in the order asked for, looking at each ticket,
until there are enough; it is quick where many fit. The other asks the *index of words* (or, on
PostgreSQL, of marks) for all that fit, and puts them in order; it is quick where few fit. How many
fit shows by looking at the first of the walk, so nobody has to know how frequent a word is.

Where a query names a status, an assignee, a team or a customer, the walk goes along their own
tickets alone. `docs/decisions/0022-search.md` has the figures.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from operator import itemgetter

from deskward.core.database import Connection
from deskward.tickets.conditions import Sought
from deskward.tickets.ways import IN_ORDER, TIME, Look, Order, Place, Ways

FIRST = 500
"""Tickets that are looked at before a way is chosen."""
SHORT = 4_000
"""So many tickets of a status, an assignee, a team, a customer or a time are all looked at."""
LONG = 30_000
"""Most tickets of a time that are put in another order, or of a walk that is gone to its end."""
LOOKS = 10_000
"""About how many microseconds a way must take for it to be worth to see how long walks are."""
FEW = 8_000
"""Most tickets whose numbers the index of words is asked for."""
LEADERS = ("customer", "assignee", "team", "status")
"""Fields whose tickets have an index, those first that most likely have few."""
_TOGETHER = 4
"""How many values of such a field are walked along at once."""


@dataclass(frozen=True)
class Costs:
    """About how many microseconds a ticket costs, of which only the ratios count.

    Attributes:
        walk: To look at it on a walk.
        says: To see whether its messages say something.
        words: To have it of the index of words, with its columns.
        number: To have its columns where its number is known.
        marks: To have it of the index of marks.
        all: To look at it where all are looked at.
    """

    walk: float
    says: float
    words: float
    number: float
    marks: float
    all: float


COSTS = {
    "sqlite": Costs(walk=1.5, says=2.5, words=6.0, number=4.0, marks=0.0, all=0.3),
    "postgresql": Costs(walk=0.5, says=3.5, words=12.0, number=6.0, marks=5.0, all=2.0),
}


Way = Callable[[], Awaitable[list[Place] | None]]


class Finder:
    """Finds the first tickets of an order that a query looks for."""

    def __init__(
        self, db: Connection, sought: Sought, order: Order, after: Place | None, most: int
    ) -> None:
        """Be about to look.

        Args:
            after: The place behind which to look.
            most: How many to find at the most.
        """
        self._sought = sought
        self._most = most
        self._ways = Ways(db, sought, order, after, most)
        self._costs = COSTS[db.dialect]
        self._marks = db.dialect != "sqlite"

    async def find(self) -> list[Place]:
        """Their places, in order."""
        if self._sought.nothing:
            return []
        lengths = await self._ways.lengths(self._leaders(), SHORT)
        shortest = min(lengths, key=lambda leader: lengths[leader], default=None)
        if shortest is not None and lengths[shortest] < SHORT:
            return await self._ways.walked(shortest, SHORT)
        looks: dict[str | None, Look] = {}
        in_order: list[str | None] = [one for one in lengths if one in IN_ORDER]
        for leader in in_order or [None]:
            places = await self._ways.walked(leader, FIRST)
            if len(places) >= self._most:
                return places
            looks[leader] = await self._ways.look(leader, FIRST, len(places))
            if looks[leader].seen < FIRST:
                return places
        return await self._further(looks)

    def _leaders(self) -> list[str]:
        among = self._sought.among
        found = [name for name in LEADERS if name in among and len(among[name]) <= _TOGETHER]
        return found + ([TIME] if self._ways.of_other_time else [])

    async def _further(self, looks: dict[str | None, Look]) -> list[Place]:
        """Go on by the way that seems to be the shortest one, which may be wrong of a walk."""
        leader, look = max(looks.items(), key=lambda one: one[1].fit)
        costs, walks = self._costs, self._ways
        there_are = look.there_are
        ways: list[tuple[float, bool, Way]] = []
        if look.fit:
            needed = FIRST * self._most // look.fit
            onward = partial(walks.walked, leader, _somewhat_more(needed))
            ways.append((1.5 * needed * self._each(look), False, onward))
        shortest = ways[0][0] if ways else math.inf
        for text, said in sorted(
            zip(self._sought.texts, look.said, strict=True), key=itemgetter(1)
        ):
            number = there_are * max(said, 0.5) / look.seen
            if number < FEW and number * costs.number < shortest:
                numbers = await walks.few_that_say(text, FEW)
                if numbers is not None:
                    return await self._of_few(numbers, text, leader, look)
            ways.append((number * costs.words, True, partial(walks.all_that_say, text)))
        if walks.of_other_time:
            about = there_are * await walks.share_of_time()
            if about < LONG:
                ways.append((about * costs.walk, True, partial(walks.all_of_a_time, LONG)))
        if self._marks:
            says = costs.says * len(self._sought.texts) * look.plain / max(look.marked, 1)
            cost = (costs.marks + says) * there_are * max(look.marked, 0.5) / look.seen
            ways.append((cost, True, walks.all_of_marks))
        ways.append((there_are * (self._each(look) - costs.walk + costs.all), True, walks.all))
        ways.sort(key=itemgetter(0))
        if ways[0][0] < LOOKS and (found := await self._enough(*ways.pop(0))) is not None:
            return found
        ways += await self._along_fields(looks)
        for one in sorted(ways, key=itemgetter(0)):
            found = await self._enough(*one)
            if found is not None:
                return found
        raise AssertionError("the last way is a whole one")

    async def _enough(self, _: float, is_whole: bool, way: Way) -> list[Place] | None:
        """What is found on a way; None where there may be more."""
        found = await way()
        return found if found is not None and (is_whole or len(found) >= self._most) else None

    async def _along_fields(self, looks: dict[str | None, Look]) -> list[tuple[float, bool, Way]]:
        """The ways to the end of the tickets of a field's values, where these are not too many."""
        lengths = await self._ways.lengths(list(filter(None, looks)), LONG)
        return [
            (length * self._each(looks[one]), True, partial(self._ways.walked, one, LONG))
            for one, length in lengths.items()
            if length < LONG
        ]

    async def _of_few(
        self, numbers: list[int], text: str, leader: str | None, look: Look
    ) -> list[Place]:
        """Go on among the few tickets that say a text: all of them are read, or met on a walk."""
        if not numbers:
            return []
        fit = len(numbers) * max(look.plain, 1) / look.seen
        needed = int(self._most * look.there_are / fit)
        each = len(numbers) * self._costs.number
        span = (numbers[-1] - numbers[0]) * self._costs.walk
        if 1.5 * needed * self._costs.walk < min(each, span):
            far = _somewhat_more(needed)
            found = await self._ways.walked_among(leader, far, numbers, text)
            if len(found) >= self._most:
                return found
        whole = self._ways.all_of_few if each < span else self._ways.all_of_span
        return await whole(numbers, text)

    def _each(self, look: Look) -> float:
        """What a ticket costs on a walk that looks like this."""
        says = self._costs.says * len(self._sought.texts) * look.plain / look.seen
        return self._costs.walk + says


def _somewhat_more(needed: int) -> int:
    """How far to walk, which is one of few numbers: statements are the same then."""
    return 1 << (2 * needed).bit_length()
