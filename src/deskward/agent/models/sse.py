"""What the providers' protocols share on the wire: the event stream, tool arguments, failures."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncGenerator, Container, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx2

from deskward.agent.models.faults import Fleeting, NoAnswer
from deskward.agent.texts import clean, is_finite, parsed
from deskward.core.errors import ModelUnavailable

LONGEST_WAIT = 3
"""Seconds of a wait that a provider asks for, after which it is asked again within one turn."""
CONNECT_TIMEOUT = 5.0
"""Seconds that a connection to a provider may take."""

_MAX_LINE = 4_000_000
_OF_THE_REQUEST = frozenset({400, 413, 414, 422, 431})
"""HTTP statuses that speak of one request and not of the provider."""
_LONGEST = 10**9
"""Seconds; what is more than that is the same."""


def timeouts(seconds: float) -> httpx2.Timeout:
    """The time-outs of a provider's client: `seconds` between pieces, less to connect."""
    return httpx2.Timeout(seconds, connect=min(seconds, CONNECT_TIMEOUT))


async def read_events(
    response: httpx2.Response, model: str, seconds: float
) -> AsyncGenerator[dict[str, Any], None]:
    """The JSON objects of a stream of server-sent events, up to its end; then close it.

    Both protocols put each event's JSON on one `data:` line, so lines are read and not events.

    Args:
        response: The open stream.
        model: The model's name, for messages.
        seconds: How long the next event may take. Pings and comments do not count as events.

    Raises:
        ModelUnavailable: The stream broke, stalled, or holds something else than JSON objects.
    """
    rest = b""
    heard = monotonic()
    try:
        async for chunk in response.aiter_bytes():
            # All three ends of lines; the empty lines that this makes of "\r\n" mean nothing.
            *lines, rest = (rest + chunk.replace(b"\r", b"\n")).split(b"\n")
            if len(rest) > _MAX_LINE:
                raise not_protocol(model)
            for line in lines:
                if not line.startswith(b"data:"):
                    continue
                data = line[5:].strip()
                # Read on to the end: only then can the connection be used again.
                if data == b"[DONE]":
                    continue
                event = parsed(data)
                if not isinstance(event, dict):
                    raise not_protocol(model)
                if event.get("type") == "ping":
                    continue
                yield event
                heard = monotonic()
            if monotonic() - heard > seconds:
                raise TimeoutError
    except ValueError as error:
        raise not_protocol(model) from error
    except (httpx2.HTTPError, httpx2.StreamError, TimeoutError) as error:
        raise unavailable(model, error) from error
    finally:
        await response.aclose()


def tool_arguments(
    model: str, tool: str, given: str | dict[str, Any], *, truncated: bool
) -> dict[str, Any]:
    """The arguments of a tool call from their JSON text; none where it is empty or `null`.

    Args:
        given: The text; of some servers the object itself.
        truncated: Whether the answer ended at the token limit.

    Raises:
        NoAnswer: The text is not a JSON object.
    """
    if isinstance(given, str) and not given.strip():
        return {}
    try:
        arguments = parsed(given) if isinstance(given, str) else given
        if not is_finite(arguments):
            raise ValueError("JSON has finite numbers only")
    except ValueError as error:
        if truncated:
            raise NoAnswer(
                f"{model} reached the token limit (MODEL_MAX_TOKENS) inside a tool call."
            ) from error
        raise NoAnswer(
            f"{model} sent arguments for the tool {tool[:64]!r} that are not JSON."
        ) from error
    if arguments is None:
        return {}
    if not isinstance(arguments, dict):
        raise NoAnswer(
            f"{model} sent arguments for the tool {tool[:64]!r} that are not a JSON object."
        )
    return dict(clean(arguments))


def own_id(wanted: Any, taken: Container[str]) -> str:
    """The id of a tool call: the server's own if it is one and no other call has it."""
    if isinstance(wanted, str) and wanted and wanted not in taken:
        return str(clean(wanted))
    return f"call_{uuid4().hex}"


def not_protocol(model: str) -> ModelUnavailable:
    """The error for an answer that is not of the provider's protocol."""
    return ModelUnavailable(f"{model} sent something that is not of its protocol.")


def unavailable(model: str, error: Exception) -> ModelUnavailable:
    """The error that stands for one of an SDK or of HTTP. Holds neither keys nor bodies."""
    response = getattr(error, "response", None)
    if response is not None:
        return _refused(model, response.status_code, retry_after(response.headers))
    causes = (error, error.__cause__)
    if any(isinstance(cause, TimeoutError | httpx2.TimeoutException) for cause in causes):
        return ModelUnavailable(f"{model} did not answer in time.")
    return Fleeting(f"{model} cannot be reached, or broke off its answer.")


def retry_after(headers: Mapping[str, str]) -> int | None:
    """The whole seconds that a provider asks to be left alone for; None where it says nothing.

    Retry-After holds seconds, with some servers a fraction of them, or a date.
    """
    milliseconds, seconds = headers.get("retry-after-ms", ""), headers.get("retry-after", "")
    for text, divisor in ((milliseconds, 1000), (seconds, 1)):
        with suppress(ValueError, OverflowError):
            return max(0, math.ceil(min(float(text) / divisor, _LONGEST)))
    with suppress(ValueError, OverflowError):
        moment = parsedate_to_datetime(seconds)
        return max(0, math.ceil(min(moment.timestamp() - time.time(), _LONGEST)))
    return None


async def waits_shortly(response: httpx2.Response) -> None:
    """Keep an SDK from a wait that a provider asks for, if it is too long for a customer.

    The SDKs sleep through up to a minute, in which nobody knows that the model is busy.
    """
    if (retry_after(response.headers) or 0) > LONGEST_WAIT:
        response.headers["x-should-retry"] = "false"


def _refused(model: str, status: int, wait: int | None) -> ModelUnavailable:
    kind: type[ModelUnavailable] = ModelUnavailable
    if status in (401, 403):
        reason = "refused the key"
    elif status == 404:
        reason = "is not known at its address"
    elif status == 429:
        reason = "is over its rate limit or quota"
    elif status >= 500:
        reason, kind = "has a fault", ModelUnavailable if wait else Fleeting
    else:
        reason = "did not accept the request"
        kind = NoAnswer if status in _OF_THE_REQUEST else ModelUnavailable
    return kind(f"{model} {reason} (HTTP {status}).", retry_after=wait)
