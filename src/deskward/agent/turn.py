"""A turn under way, and what its messages tell of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any

from deskward.agent.events import ModelCall
from deskward.agent.leaves import leaves_of
from deskward.agent.model import Finished, Message, ModelRequest, ToolRequest, ToolSpec
from deskward.agent.outgoing import is_ended
from deskward.core.aside import aside
from deskward.core.errors import TimeLimitExceeded, TooManyCalls
from deskward.gate.context import Context
from deskward.gate.tool import Risk, Tool
from deskward.gate.waiting import canonical
from deskward.security.masking import mask
from deskward.security.principals import Kind
from deskward.security.vault import Vault

ONE_WORD = 20
"""Characters of what somebody wrote that is one word at the most."""
UNREAD = "(a message that could not be read in time)"
"""What is kept of a message that could not be masked in time. A person answers it."""


@dataclass(frozen=True)
class Limits:
    """What one turn may use.

    Attributes:
        steps: Model calls.
        calls: Calls of tools that one model call may ask for.
        tokens: Tokens read and written, over all steps.
        step_tokens: Tokens that the model may write in one step.
        timeout: Seconds that a model may take to send its next piece.
    """

    steps: int = 8
    calls: int = 8
    tokens: int = 50_000
    step_tokens: int = 4096
    timeout: float = 30.0


@dataclass
class Turn:
    """A turn under way."""

    context: Context
    vault: Vault
    messages: list[Message]
    tools: list[Tool]
    step: int
    tokens: int = 0
    model: str = ""
    text: list[str] = field(default_factory=list)
    unsaid: list[str] = field(default_factory=list)
    """Pieces of text that were sent and are in no message yet."""
    told: int = 0
    """How many of the messages a model was given in this turn, and the record has."""
    call: ModelCall | None = None
    """The call of a model that is under way, or that failed and is not on record yet."""
    corrections: int = 0
    note: str = ""
    """What the model is told besides the instructions: why its last answer was not sent."""


@dataclass
class Heard:
    """What a model said in one step."""

    text: list[str] = field(default_factory=list)
    built: bool = True
    """Whether all of the text was built from results by the desk itself."""
    requests: list[ToolRequest] = field(default_factory=list)
    finished: Finished | None = None


def on_record(turn: Turn, request: ModelRequest) -> ModelCall:
    """The call of a model that begins, as the record is to have it."""
    settings = request.settings
    given = tuple(turn.messages[turn.told :])
    return ModelCall(turn.step, given, request.digest(settings), settings)


def gap_before(turn: Turn) -> str:
    """What parts the next answer from the text that the turn has sent before it."""
    before = "".join(turn.unsaid)
    for message in reversed(turn.messages):
        if before or message.role == "user":
            break
        if message.role == "assistant":
            if not message.tool_requests:  # the end of an earlier turn
                break
            before = message.text
    return "\n\n" if before and not is_ended(before) else ""


def is_ours(heard: Heard, text: str, messages: Sequence[Message]) -> bool:
    """Whether the text beside calls is of the desk's templates and shows nothing of others.

    Single words, such as ids, may stand in it: nobody is misled by one.
    """
    if not (heard.built and heard.requests):
        return False
    for message in messages:
        if message.untrusted:
            leaves = [leaf for _, leaf in leaves_of(json.loads(message.text))]
            shown = (leaf.strip() for leaf in leaves if isinstance(leaf, str))
            begun = (leaf[: ONE_WORD + 1] for leaf in shown if len(leaf) > ONE_WORD or " " in leaf)
            if any(leaf in text for leaf in begun):  # also where a template cut it off
                return False
    return True


def spec_of(tool: Tool, context: Context) -> ToolSpec:
    """A tool as a model sees it."""
    return _spec(tool, context.principal.kind)


@lru_cache(maxsize=1024)
def _spec(tool: Tool, kind: Kind) -> ToolSpec:
    return ToolSpec(tool.name, tool.description, tool.schema_for(kind))


def begun_at(history: Sequence[Message]) -> int:
    """Where the messages begin that the record of this turn's model calls does not have yet.

    Of a turn that goes on elsewhere the last call is recorded with its answer, and what was
    answered to that is new. What lies before the turn, the record of earlier turns has.
    """
    for index in range(len(history) - 1, -1, -1):
        if history[index].role == "user":
            return index
        if history[index].role == "assistant":
            return index + 1
    return 0


def distinct(
    requests: Sequence[ToolRequest], messages: Sequence[Message]
) -> tuple[ToolRequest, ...]:
    """The requests under ids that no other one of the conversation has, whatever a model gave."""
    taken = {request.id for message in messages for request in message.tool_requests}
    found = []
    for request in requests:
        identity, number = request.id, 1
        while identity in taken:
            number += 1
            identity = f"{request.id}-{number}"
        taken.add(identity)
        found.append(request if identity == request.id else replace(request, id=identity))
    return tuple(found)


def steps_taken(history: Sequence[Message]) -> int:
    """How often a model was asked since the last message of the customer."""
    steps = 0
    for message in reversed(history):
        if message.role == "user":
            break
        steps += message.role == "assistant" and not _is_desks(message)
    return steps


def _is_desks(message: Message) -> bool:
    """Whether the desk made an assistant's message, because the customer has answered."""
    return any(request.confirmation for request in message.tool_requests)


def questions_of(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The receipts of the last calls that wait for the customer's yes and were not asked yet."""
    found: list[dict[str, Any]] = []
    for message in reversed(messages):
        if message.role != "tool":
            break
        if message.asks:
            found.insert(0, json.loads(message.text))
    return found


def too_many(most: int) -> str:
    """The answer to a call that is one too many in its step: the same whenever it is given."""
    problem = (
        f"One step makes at most {most} calls. This one was not made: look at the others first."
    )
    error = {"code": TooManyCalls.code, "message": problem, "details": {}}
    return json.dumps({"success": False, "error": error})


def answered_by(requests: Sequence[ToolRequest], tools: Mapping[str, Tool], most: int) -> list[int]:
    """Which call of a step answers each of its requests: its number, or -1 for too many.

    Two writes that are the same are one.
    """
    first: dict[str, int] = {}
    found: list[int] = []
    for number, request in enumerate(requests):
        tool = tools.get(request.name)
        if tool is None or tool.risk is Risk.READ or request.confirmation:
            same = number
        else:
            same = first.setdefault(canonical([request.name, request.arguments]), number)
        found.append(same if same < most or request.confirmation else -1)
    return found


_OURS = ("confirmation_id", "approval_id", "expires_at")


def of_receipt(receipt: Mapping[str, Any]) -> dict[str, Any]:
    """What of a call's receipt the desk made: it hides nothing, though its digits may look so."""
    return {name: receipt[name] for name in _OURS if name in receipt}


async def masked_in_time(value: Any, vault: Vault) -> Any:
    """What a tool answered, as a model may read it; where that takes too long, that it does."""
    try:
        return await aside(partial(masked, value, vault), len(repr(value)))
    except TimeLimitExceeded as error:
        problem = f"{error.message} The call was made: do not make it again."
        return TimeLimitExceeded(problem).tool_envelope("")


def masked(value: Any, vault: Vault) -> Any:
    """What a tool answered, as a model may read it."""
    if isinstance(value, str):
        return mask(value, vault)
    if isinstance(value, dict):
        return {key: masked(item, vault) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item, vault) for item in value]
    return value
