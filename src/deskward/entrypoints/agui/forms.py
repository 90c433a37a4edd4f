"""What an AG-UI client sends to run the agent (AG-UI 1.0, `RunAgentInput`): what of it is read.

The conversation is on the desk, by its `threadId`. So of the messages that a client sends along the
last alone is read, where it is the user's, and its tools, context and state are not: the agent
calls the desk's tools, each through the gate, and nothing that a client words is an instruction.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from deskward.conversations.wording import check
from deskward.core.errors import InvalidInput
from deskward.entrypoints.rest.chat import SessionId


class _Form(BaseModel):
    # Clients of a later version say more, which is theirs to say.
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, strict=True)


class SentMessage(_Form):
    """A message as the client has it, of whatever kind: an earlier one must not end a thread."""

    id: str = ""
    role: str
    content: Any = None

    @property
    def text(self) -> str:
        """What is said, in one piece.

        Raises:
            InvalidInput: It is no text, or not as one message may be.
        """
        parts = self.content if isinstance(self.content, list) else [self.content]
        found = [one.get("text") if isinstance(one, dict) else one for one in parts]
        texts = [one for one in found if isinstance(one, str)]
        if not texts or len(texts) < len(found):
            raise InvalidInput("Say it in text. Files are uploaded at /api/v1/files.")
        said = "\n".join(texts)
        check(said)
        return said


class Approval(_Form):
    """What the user says to a question."""

    approved: bool = Field(description="True: do exactly this. False: leave it.")


class Resolved(_Form):
    """An answer to a question that ended an earlier run."""

    interrupt_id: str = Field(pattern="^[0-9a-f]{32}$")
    status: Literal["resolved"]
    payload: Approval | bool


class Cancelled(_Form):
    """A question that the user does not answer: nothing of it is done."""

    interrupt_id: str = Field(pattern="^[0-9a-f]{32}$")
    status: Literal["cancelled"]


class RunInput(_Form):
    """A run of the agent: the user's next message, or answers to what they were asked."""

    thread_id: SessionId
    run_id: Annotated[
        str,
        Field(
            min_length=1,
            max_length=128,
            pattern="^[ -~]+$",
            description="A run that is sent again with its id gives the same answer again.",
            examples=["run-1"],
        ),
    ]
    messages: Annotated[
        list[SentMessage],
        Field(
            max_length=10_000,
            description="Where the last is the user's, it is answered. Where it is not, and "
            "nothing is resumed, the run tells what was said so far.",
            examples=[[{"id": "1", "role": "user", "content": "What's my account balance?"}]],
        ),
    ]
    resume: Annotated[
        list[Annotated[Resolved | Cancelled, Field(discriminator="status")]],
        Field(max_length=16),
    ] = []

    @property
    def said(self) -> str | None:
        """What the user says with this run.

        A client that resumes sends the messages of before along. They end in a new one of the
        user's only where the user wrote it instead of an answer.
        """
        last = self.messages[-1] if self.messages else None
        answers = any(one.status == "resolved" for one in self.resume)
        return None if last is None or last.role != "user" or answers else last.text
