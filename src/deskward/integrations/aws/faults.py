"""What AWS, or the library that speaks to it, says is wrong, in our words."""

from __future__ import annotations

import logging

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    SSLError,
)

from deskward.core.errors import (
    Conflict,
    DeskwardError,
    Forbidden,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Unavailable,
)

log = logging.getLogger(__name__)

_KEY = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_EXISTS = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
_NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError, SSLError)


def told(error: Exception, what: str, *, acts: bool, seconds: int) -> Exception:
    """What is told of a fault.

    Args:
        what: What was asked for or done to.
        acts: Whether it would have changed anything there.
        seconds: How long AWS was waited for.
    """
    if isinstance(error, DeskwardError):
        return error
    if isinstance(error, ClientError):
        return _answered(error, what, acts=acts)
    if isinstance(error, ParamValidationError):
        return InvalidInput(f"AWS does not take this: {str(error)[:300]}")
    if not isinstance(error, BotoCoreError | OSError | TimeoutError):
        return error
    log.warning("AWS: %s", error)
    if acts and not isinstance(error, _NEVER_SENT):
        return _unclear()
    return Unavailable(
        f"AWS does not answer within {seconds} seconds. Nothing was done; try again later.",
        retry_after=seconds,
    )


def _answered(error: ClientError, what: str, *, acts: bool) -> DeskwardError:
    found = error.response.get("Error", {})
    code, message = found.get("Code", ""), found.get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    log.warning("AWS: %s", error)
    if code in _KEY:
        return Unavailable(
            "AWS does not take the desk's key. An operator has to look at AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY.",
            escalation_required=True,
        )
    if status == 404 or "NotFound" in code:
        return NotFound("object", what, f"There is nothing at AWS that is called {what!r}.")
    if status in (401, 403):
        return Forbidden("AWS does not let the desk's key do this. An operator has to allow it.")
    if code in _EXISTS or status in (409, 412):
        return Conflict(
            f"There is something called {what!r} already. Say `replace` if it is to be replaced."
        )
    if status == 429 or "Throttl" in code or code == "SlowDown":
        return RateLimited("AWS is asked for too much. Try again later.", retry_after=30)
    if status >= 500 or not status:
        return _unclear() if acts else Unavailable("AWS has a fault. Try again.", retry_after=30)
    return InvalidInput(f"AWS does not take this: {message[:300] or code}")


def _unclear() -> OutcomeUnknown:
    return OutcomeUnknown(
        "AWS was asked to do this and did not say that it is done. Whether it took effect is not "
        "known. A person has to look before it is tried again."
    )
