"""Every error that Deskward answers with, in one tree.

DeskwardError
├── InvalidInput            400  INVALID_INPUT
│   └── Unfit               409  INVALID_INPUT
├── Unauthenticated         401  UNAUTHENTICATED
├── Forbidden               403  FORBIDDEN
├── NotFound                404  <KIND>_NOT_FOUND
│   └── SessionNotFound     404  SESSION_NOT_FOUND
├── UnknownTool             404  UNKNOWN_TOOL
├── MethodNotAllowed        405  METHOD_NOT_ALLOWED
├── Conflict                409  CONFLICT
│   ├── IdempotencyConflict 409  IDEMPOTENCY_CONFLICT
│   ├── CallInProgress      409  CALL_IN_PROGRESS
│   ├── SessionBusy         409  SESSION_BUSY
│   ├── TooManyCalls        409  TOO_MANY_CALLS
│   └── OutcomeUnknown      409  OUTCOME_UNKNOWN
├── TooLarge                413  TOO_LARGE
├── UnsupportedMediaType    415  UNSUPPORTED_MEDIA_TYPE
├── RateLimited             429  RATE_LIMITED
├── Cancelled               499  CANCELLED
├── Internal                500  INTERNAL_ERROR
├── Unavailable             503  UNAVAILABLE
│   └── ModelUnavailable    503  MODEL_UNAVAILABLE
└── TimeLimitExceeded       504  TIME_LIMIT_EXCEEDED

A message is safe to show to anybody: it never holds a secret, a stack trace or
another customer's data.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar


class DeskwardError(Exception):
    """The root of the tree.

    Attributes:
        code: Stable, upper-case name for programs; the same through every door.
        status: HTTP status for doors that speak HTTP.
        message: One or two sentences for people, saying what to do.
        details: Facts for programs (field errors, the deciding policies, …).
        retry_after: Seconds to wait before trying again, where trying again helps.
        escalation_required: Whether a person has to look at it.
    """

    code: ClassVar[str] = "INTERNAL_ERROR"
    status: int = 500
    escalation_required: bool = False

    def __init__(
        self,
        message: str,
        *,
        details: dict[str, Any] | None = None,
        retry_after: int | None = None,
        escalation_required: bool | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or {}
        self.retry_after = retry_after
        self.error_code = code or self.code
        if escalation_required is not None:
            self.escalation_required = escalation_required

    def tool_envelope(self, request_id: str) -> dict[str, Any]:
        """The error as tools answer it: `success`, `error` and `metadata`."""
        return {
            "success": False,
            "error": {
                "code": self.error_code,
                "message": self.message,
                "details": self.details,
                "retry_after": self.retry_after,
                "escalation_required": self.escalation_required,
            },
            "timestamp": timestamp(),
            "request_id": request_id,
        }

    def rest_body(self, request_id: str) -> dict[str, Any]:
        """The error as REST answers it: `error`, `message`, `details` and `request_id`."""
        return {
            "error": self.error_code,
            "message": self.message,
            "detail": self.detail_text(),
            "request_id": request_id,
            "timestamp": timestamp(),
        }

    def detail_text(self) -> str | None:
        """The details in one line of text, or None where there are none."""
        parts = [f"{name}: {_inline(value)}" for name, value in self.details.items()]
        return "; ".join(parts) or None


def problem_of(type_: str, message: str, example: object = None) -> str:
    """What is wrong with a value, for people: no regular expression.

    Args:
        type_: What pydantic calls the problem.
        message: How it says it.
        example: A value of the form that is wanted.
    """
    if type_ != "string_pattern_mismatch":
        return message
    of = f", which is that of {example}" if example is not None else ""
    return f"It is not of the form that is wanted{of}"


class InvalidInput(DeskwardError):
    """The request is not of the documented form."""

    code = "INVALID_INPUT"
    status = 400


class Unfit(InvalidInput):
    """It is of the documented form, and wrong in a way that no JSON Schema can say.

    A text is not of its language, as a query's; or it does not fit what the desk holds.
    """

    status = 409


class Unauthenticated(DeskwardError):
    """No valid credential came with the request."""

    code = "UNAUTHENTICATED"
    status = 401


class Forbidden(DeskwardError):
    """The caller is known and may not do this."""

    code = "FORBIDDEN"
    status = 403


class ProofNeeded(Forbidden):
    """It is not known well enough that it is the customer; `needs` says which argument shows it."""

    code = "PROOF_NEEDED"

    def __init__(self, message: str, needs: str) -> None:
        super().__init__(message, details={"needs": needs})


class NotFound(DeskwardError):
    """There is no such record for this caller. Says the same of a record of another tenant."""

    code = "NOT_FOUND"
    status = 404

    def __init__(self, kind: str, key: str, message: str | None = None) -> None:
        """Make one.

        Args:
            message: What is said where it is not an id that finds nothing.
        """
        super().__init__(
            message or f"There is no {kind} {key!r}. Check the id and try again.",
            code=f"{kind.upper().replace(' ', '_')}_NOT_FOUND",
        )


class SessionNotFound(NotFound):
    """There is no such conversation of this caller's."""

    def __init__(self, session_id: str) -> None:
        super().__init__("session", session_id)
        self.session_id = session_id

    def rest_body(self, request_id: str) -> dict[str, Any]:
        """The body of this error over REST, which has a form of its own."""
        return {"error": "Session not found", "session_id": self.session_id}


class UnknownTool(DeskwardError):
    """No tool has that name, or the caller may not see it."""

    code = "UNKNOWN_TOOL"
    status = 404


class MethodNotAllowed(DeskwardError):
    """The address exists and does not take this HTTP method."""

    code = "METHOD_NOT_ALLOWED"
    status = 405


class Conflict(DeskwardError):
    """The request does not fit the present state of the record."""

    code = "CONFLICT"
    status = 409


class SessionEnded(DeskwardError):
    """The session was ended; another one has to be begun."""

    code = "SESSION_ENDED"
    status = 409

    def __init__(self) -> None:
        super().__init__("This session has ended. Begin another one.")


class IdempotencyConflict(Conflict):
    """The idempotency key was used before with other arguments."""

    code = "IDEMPOTENCY_CONFLICT"


class CallInProgress(Conflict):
    """The first call with this idempotency key has not ended yet."""

    code = "CALL_IN_PROGRESS"


class SessionBusy(Conflict):
    """Another message of the same session is being answered."""

    code = "SESSION_BUSY"


class TooManyCalls(Conflict):
    """A model asked for more calls in one step than are made."""

    code = "TOO_MANY_CALLS"


class OutcomeUnknown(Conflict):
    """A crash hid whether the effect happened. It is never tried again by itself."""

    code = "OUTCOME_UNKNOWN"
    escalation_required = True


class RemoteFailed(DeskwardError):
    """An outside tool answered with an error, and so did nothing."""

    code = "REMOTE_TOOL_FAILED"
    status = 502


class TooLarge(DeskwardError):
    """The body is over the limit."""

    code = "TOO_LARGE"
    status = 413


class QuotaExceeded(TooLarge):
    """Somebody has used up what they may keep."""

    code = "QUOTA_EXCEEDED"


class UnsupportedMediaType(DeskwardError):
    """The body is not JSON."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415


class RateLimited(DeskwardError):
    """More requests came in a minute than are allowed."""

    code = "RATE_LIMITED"
    status = 429

    def rest_body(self, request_id: str) -> dict[str, Any]:
        """The body of this error over REST, which has a form of its own."""
        return {
            "error": "Rate limit exceeded",
            "message": self.message,
            "retry_after": self.retry_after,
        }


class Cancelled(DeskwardError):
    """The caller took the call back, or went away, before it ended. Nobody is told; it is recorded.

    The status is nginx's for clients that have closed their request.
    """

    code = "CANCELLED"
    status = 499


class Internal(DeskwardError):
    """A fault of ours. What it was stands in the log under the request id."""

    code = "INTERNAL_ERROR"
    status = 500
    escalation_required = True


class Unavailable(DeskwardError):
    """Something that Deskward needs is away."""

    code = "UNAVAILABLE"
    status = 503


class ModelUnavailable(Unavailable):
    """No configured model could answer."""

    code = "MODEL_UNAVAILABLE"


class TimeLimitExceeded(DeskwardError):
    """The call took longer than it may."""

    code = "TIME_LIMIT_EXCEEDED"
    status = 504


def timestamp() -> str:
    """The present moment in UTC, ISO 8601 with milliseconds and a Z."""
    at = datetime.now(UTC)
    day, time = (at.year, at.month, at.day), (at.hour, at.minute, at.second)
    values = (*day, *time, at.microsecond // 1000)
    # Every call says it. Half of what `isoformat` takes, or format specifiers would.
    return "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ" % values  # noqa: UP031 in half the time of a format specifier


def iso(moment: datetime) -> str:
    """A moment in UTC, ISO 8601 with milliseconds and a Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _inline(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_inline(item) for item in value)
    if isinstance(value, dict):
        return " ".join(f"{key}={_inline(item)}" for key, item in value.items())
    return str(value)
