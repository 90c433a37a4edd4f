"""What is asked over GraphQL, and answered, as data; the bounds of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from deskward.core.errors import DeskwardError, InvalidInput, timestamp

MOST_CALLS = 20
"""Calls of tools in one request, and operations in one batch."""
MOST_COST = 10_000
"""See `measuring.cost`; of all operations of a request."""
LONGEST = 64 * 1024
"""Characters of a document."""
WITHIN = 30.0
"""Seconds after whose end a request makes no more calls."""


class Asked(BaseModel):
    """An operation (GraphQL over HTTP, section "Request Parameters")."""

    model_config = ConfigDict(extra="ignore")

    query: StrictStr = Field(min_length=1, max_length=LONGEST)
    operation_name: StrictStr | None = Field(None, alias="operationName")
    variables: dict[str, Any] | None = None


@dataclass(frozen=True)
class Told:
    """The response to an operation.

    Attributes:
        body: `data`, `errors` and `extensions`.
        status: The HTTP status where it was not begun, else 200.
    """

    body: dict[str, Any]
    status: int = 200


def asked_of(value: Any) -> Asked:
    """The operation in a JSON value.

    Raises:
        InvalidInput: It is none.
    """
    try:
        return Asked.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "The request"
        raise InvalidInput(
            f'{where}: {first["msg"]}. An operation is {{"query": "…", "variables": {{…}}}}.'
        ) from None


def extensions_of(error: DeskwardError, request_id: str) -> dict[str, Any]:
    """An error's `extensions`: what the tools' error envelope says of it besides the message."""
    told = {k: v for k, v in error.tool_envelope(request_id)["error"].items() if k != "message"}
    more = {"status": error.status, "request_id": request_id, "timestamp": timestamp()}
    return {**told, **more}


def refused(error: DeskwardError, request_id: str) -> Told:
    """The response to what is not begun."""
    one = {"message": error.message, "extensions": extensions_of(error, request_id)}
    return Told({"errors": [one]}, error.status)
