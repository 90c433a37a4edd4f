"""What the providers' protocols share on the wire: the event stream, tool arguments, failures."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from time import monotonic
from typing import Any

import httpx2
from pydantic_core import from_json

from deskward.core.errors import ModelUnavailable

CONNECT_TIMEOUT = 5.0
"""Seconds that a connection to a provider may take."""

_MAX_LINE = 4_000_000


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
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _MAX_LINE:
                raise not_protocol(model)
            for line in lines:
                if not line.startswith(b"data:"):
                    continue
                data = line[5:].strip()
                # Read on to the end: only then can the connection be used again.
                if data == b"[DONE]":
                    continue
                event = from_json(data)
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


def tool_arguments(model: str, tool: str, text: str, *, truncated: bool) -> dict[str, Any]:
    """The arguments of a tool call from their JSON text; none where the text is empty.

    Raises:
        ModelUnavailable: The text is not a JSON object.
    """
    if not text.strip():
        return {}
    try:
        arguments = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        if truncated:
            raise ModelUnavailable(
                f"{model} reached the token limit (MODEL_MAX_TOKENS) inside a tool call."
            ) from error
        raise ModelUnavailable(
            f"{model} sent arguments for the tool {tool[:64]!r} that are not JSON."
        ) from error
    if not isinstance(arguments, dict):
        raise ModelUnavailable(
            f"{model} sent arguments for the tool {tool[:64]!r} that are not a JSON object."
        )
    return arguments


def not_protocol(model: str) -> ModelUnavailable:
    """The error for an answer that is not of the provider's protocol."""
    return ModelUnavailable(f"{model} sent something that is not of its protocol.")


def unavailable(model: str, error: Exception) -> ModelUnavailable:
    """The error that stands for one of an SDK or of HTTP. Holds neither keys nor bodies."""
    response = getattr(error, "response", None)
    if response is not None:
        return _refused(model, response.status_code, response.headers.get("retry-after", ""))
    causes = (error, error.__cause__)
    if any(isinstance(cause, TimeoutError | httpx2.TimeoutException) for cause in causes):
        return ModelUnavailable(f"{model} did not answer in time.")
    return ModelUnavailable(f"{model} cannot be reached, or broke off its answer.")


def _refused(model: str, status: int, retry_after: str) -> ModelUnavailable:
    if status in (401, 403):
        reason = "refused the key"
    elif status == 404:
        reason = "is not known at its address"
    elif status == 429:
        reason = "is over its rate limit or quota"
    elif status >= 500:
        reason = "has a fault"
    else:
        reason = "did not accept the request"
    return ModelUnavailable(
        f"{model} {reason} (HTTP {status}).",
        retry_after=int(retry_after) if retry_after.isdecimal() else None,
    )
