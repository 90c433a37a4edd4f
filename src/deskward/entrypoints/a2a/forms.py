"""What A2A clients send, in the names of its JSON (specification, sections 3.2 and 4.1).

JSON of Protocol Buffers takes a field's own name as well, numbers as texts, and null for nothing.
Clients of a later version may say more, which is theirs to say.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from deskward.conversations.tasks import LONGEST_ID
from deskward.conversations.wording import check
from deskward.core.errors import DeskwardError, problem_of
from deskward.entrypoints.a2a.problems import Problem

STATES = {
    "working": "TASK_STATE_WORKING",
    "asking": "TASK_STATE_INPUT_REQUIRED",
    "waiting": "TASK_STATE_AUTH_REQUIRED",
    "done": "TASK_STATE_COMPLETED",
    "failed": "TASK_STATE_FAILED",
    "stopped": "TASK_STATE_CANCELED",
}
"""A task's state → its name in the protocol."""
NO_STATE = "TASK_STATE_UNSPECIFIED"
NEVER = ("TASK_STATE_SUBMITTED", "TASK_STATE_REJECTED")
"""In these no task of the desk is: a message that is refused is an error."""

_TEXT_MODES = frozenset({"text/plain", "text/*", "*/*", "text"})


def _or_nothing(value: Any) -> Any:
    return None if value == "" else value


SessionId = Annotated[
    Annotated[str, Field(max_length=128, pattern=r"^[\x21-\x7e]+$")] | None,
    BeforeValidator(_or_nothing),
]
TaskId = Annotated[str, Field(min_length=1, max_length=128)]
Count = Annotated[int | None, Field(ge=0)]


class _Form(BaseModel):
    model_config = ConfigDict(
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        frozen=True,
    )


class Part(_Form):
    """A part of a message."""

    text: Annotated[str | None, Field(strict=True)] = None
    data: Any = None
    raw: Any = None
    url: Any = None


class SentMessage(_Form):
    """A message."""

    message_id: Annotated[str, Field(min_length=1, max_length=LONGEST_ID, pattern="^[ -~]+$")]
    role: Literal["ROLE_USER", 1]
    parts: Annotated[list[Part], Field(min_length=1, max_length=100)]
    context_id: SessionId = None
    task_id: Annotated[TaskId | None, BeforeValidator(_or_nothing)] = None

    @property
    def text(self) -> str | None:
        """What is said; None where it only answers a question, by its data.

        Raises:
            Problem: It holds what is neither, or is not as one message may be.
        """
        texts = [part.text for part in self.parts if part.text is not None]
        if any(one.raw is not None or one.url is not None for one in self.parts):
            raise Problem(
                "CONTENT_TYPE_NOT_SUPPORTED", "Say it in text. Files are uploaded at /api/v1/files."
            )
        if self._data and (texts or self.answer is None):
            raise Problem(
                "CONTENT_TYPE_NOT_SUPPORTED",
                'Data answers a question: one part {"data": {"approved": true}} with the taskId.',
            )
        if self._data:
            return None
        said = "\n".join(texts)
        try:
            check(said)
        except DeskwardError as error:
            raise Problem("INVALID_PARAMS", error.message) from None
        return said

    @property
    def _data(self) -> list[Any]:
        return [part.data for part in self.parts if part.data is not None]

    @property
    def answer(self) -> Answer | None:
        """What is answered to a question."""
        try:
            (data,) = self._data
            return Answer.model_validate(data)
        except ValueError:
            return None


class Answer(_Form):
    """What a customer says to a question."""

    approved: Annotated[bool, Field(strict=True)]
    confirmation_id: str | None = None


class Configuration(_Form):
    """How a message is to be answered."""

    accepted_output_modes: Annotated[list[str] | None, Field(max_length=100)] = None
    task_push_notification_config: Any = None
    history_length: Count = None
    return_immediately: bool | None = None

    def check(self) -> None:
        """See that this can be done.

        Raises:
            Problem: It cannot.
        """
        if self.task_push_notification_config:
            raise no_push()
        modes = {mode.lower() for mode in self.accepted_output_modes or ()}
        if modes and not modes & _TEXT_MODES:
            problem = "Answers are text: accept text/plain, or leave acceptedOutputModes out."
            raise Problem("CONTENT_TYPE_NOT_SUPPORTED", problem)


class Sending(_Form):
    """`SendMessageRequest`."""

    message: SentMessage
    configuration: Configuration | None = None


class TaskNamed(_Form):
    """`GetTaskRequest`, `CancelTaskRequest` and `SubscribeToTaskRequest`."""

    id: TaskId
    history_length: Count = None


class Listing(_Form):
    """`ListTasksRequest`."""

    context_id: SessionId = None
    status: Annotated[str | int | None, BeforeValidator(_or_nothing)] = None
    page_size: Annotated[int | None, Field(ge=1, le=100)] = None
    page_token: Annotated[str | None, BeforeValidator(_or_nothing)] = None
    history_length: Count = None
    status_timestamp_after: Annotated[datetime | None, BeforeValidator(_or_nothing)] = None
    include_artifacts: bool | None = None


Form = TypeVar("Form", bound=_Form)


def read(form: type[Form], params: Any) -> Form:
    """The parameters of a call.

    Raises:
        Problem: They are not of that form.
    """
    try:
        return form.model_validate(params)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "(all)"
        problem = problem_of(first["type"], first["msg"])
        told = f"The request is not valid. {field}: {problem}."
        raise Problem("INVALID_PARAMS", told, field=field) from None


def no_push() -> Problem:
    """What is said to whoever wants to be called back."""
    return Problem(
        "PUSH_NOTIFICATION_NOT_SUPPORTED",
        "This agent sends no push notifications. Subscribe to the task, or ask for it again.",
    )
