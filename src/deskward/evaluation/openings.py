"""What comes of the first message of whoever has a trouble: which workflow, asked about, or none.

`data/openings.yaml` holds the messages and tells their form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

from deskward.agent.events import ToolAnswered, ToolCalled
from deskward.agent.model import Model
from deskward.app import Desk
from deskward.conversations import store
from deskward.conversations.cursors import Answered
from deskward.conversations.store import Where
from deskward.evaluation.desks import DemoDesks
from deskward.gate.context import Context
from deskward.security.principals import Kind, Principal, Proof

SPLITS = ("tune", "test")
BEGINS = "start_diagnostic_session"
NOTHING = "nothing"
CUSTOMER = Principal(Kind.CUSTOMER, "user_001", "default", ("customer",), proof=Proof.VOUCHED)

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Opening:
    """A first message.

    Attributes:
        wants: The workflows of which one is right; none where no session is to begin.
        chooses: Whether it may be asked which of them it is.
    """

    id: str
    says: str
    wants: tuple[str, ...]
    chooses: bool = False

    @property
    def language(self) -> str:
        """Its ISO 639-1 code."""
        return self.id.partition("-")[0]


@dataclass(frozen=True)
class Came:
    """What came of one.

    Attributes:
        begun: The workflow of the session that was begun at once.
        offered: Those that the customer was asked about.
        answer: What they were told.
    """

    opening: Opening
    begun: str | None
    offered: tuple[str, ...]
    answer: str

    @property
    def wrongly_begun(self) -> bool:
        """Whether a session was begun that was not wanted, or along another workflow."""
        return self.begun is not None and self.begun not in self.opening.wants

    @property
    def is_right(self) -> bool:
        """Whether the right one was begun or offered, and nothing where nothing is wanted."""
        if self.begun is not None:
            return not self.wrongly_begun
        if not self.opening.wants:
            return not self.offered
        return bool(set(self.offered) & set(self.opening.wants))


def openings(split: str) -> list[Opening]:
    """The messages of a split.

    Raises:
        ValueError: There is no such split.
    """
    if split not in SPLITS:
        raise ValueError(f"there is no split {split!r}; there are {', '.join(SPLITS)}")
    file = files("deskward") / "evaluation" / "data" / "openings.yaml"
    content = yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)
    return [_read(one) for one in content[split]]


def _read(one: Mapping[str, Any]) -> Opening:
    several = tuple(one.get("several", ()))
    wanted = one.get("wants", NOTHING)
    wants = several or (() if wanted == NOTHING else (wanted,))
    return Opening(one["id"], one["says"], wants, bool(several))


async def evaluate_openings(
    desks: DemoDesks,
    model: Model,
    given: Sequence[Opening],
    *,
    progress: Progress = lambda *_: None,
) -> list[Came]:
    """Say each in a conversation of its own, to one demo desk."""
    found: list[Came] = []
    async with desks.open(model) as desk:
        await _warmed(desk)
        for number, opening in enumerate(given, 1):
            found.append(await _said(desk, opening))
            progress("openings", number / len(given))
    return found


async def _warmed(desk: Desk) -> None:
    """Have the workflows' examples learned, as a while after the start."""
    context = Context(CUSTOMER, "cli")
    for _ in range(60):
        found = await desk.gate.call(
            "find_troubleshooting_workflows", {"issue_description": "it is broken"}, context
        )
        if not found.value["by_words"]:
            return


async def _said(desk: Desk, opening: Opening) -> Came:
    context = Context(CUSTOMER, "agent")
    reader = await desk.conversations.send(context, opening.id, opening.says)
    events = [placed.event async for placed in reader]
    called = {event.id: event for event in events if isinstance(event, ToolCalled)}
    begun: str | None = None
    offered: tuple[str, ...] = ()
    answer = ""
    for event in events:
        if isinstance(event, ToolAnswered) and event.name == BEGINS:
            if event.status == "ok":
                begun = await _latest(desk)
            elif event.status == "confirm":
                offered = (await _of(desk, called[event.id].arguments),)
        elif isinstance(event, Answered):
            answer = event.text
    where = Where("default", CUSTOMER.label, opening.id)
    history = await store.history(desk.database.reader, where)
    which = (history[-1].state or {}).get("which")
    if which:
        kinds = [one.partition(": ")[0] for one in which["kinds"]]
        offered = tuple([await _of_category(desk, kind) for kind in kinds])
    return Came(opening, begun, offered, answer)


async def _latest(desk: Desk) -> str:
    context = Context(CUSTOMER, "cli")
    found = await desk.gate.call("list_diagnostic_sessions", {"limit": 1}, context)
    return str(found.value["sessions"][0]["workflow_id"])


async def _of(desk: Desk, arguments: Mapping[str, Any]) -> str:
    """The workflow that a session would be begun with."""
    category = (arguments.get("environment_info") or {}).get("category")
    return await _of_category(desk, category) if category else "by words"


async def _of_category(desk: Desk, category: str) -> str:
    found = await desk.gate.call(
        "get_troubleshooting_workflow",
        {"product": "our service", "issue_category": category},
        Context(CUSTOMER, "cli"),
    )
    return str(found.value["workflow_id"])
