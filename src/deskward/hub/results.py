"""What an outside tool's result is to us."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from deskward.core.answers import BLOCKS
from deskward.core.errors import OutcomeUnknown, RemoteFailed

if TYPE_CHECKING:
    from mcp.types import CallToolResult

_STATUS = {"_NOT_FOUND": 404, "INVALID_INPUT": 400, "CONFLICT": 409, "FORBIDDEN": 403}
"""HTTP status by the end of the error's code, for servers that answer with our envelope."""

MOST_DATA = 2_000_000
"""Bytes of all that is no text in a result, as JSON: each call's answer is kept in the ledger."""

_CODE = re.compile(r"[A-Z_]{1,40}")


def content(result: CallToolResult) -> dict[str, Any]:
    """A result's structured content, or its text as `{"text": …}`.

    What is no text (pictures, sound, resources, links) is added as `mcp_content`: a list of the
    protocol's content blocks.

    Raises:
        RemoteFailed: It is an error.
    """
    structured = result.structured_content
    text = "\n".join(block.text for block in result.content if block.type == "text")
    if not result.is_error:
        found = dict(structured) if isinstance(structured, dict) else {}
        found.pop(BLOCKS, None)  # only what the protocol's own types describe goes on as a block
        blocks = _blocks(result)
        if not found and (text or not blocks):
            found = {"text": text}
        return {**found, BLOCKS: blocks} if blocks else found
    error = _desk_error(structured) or _desk_error(_json(text)) or {}
    code, message = error.get("code"), error.get("message", text) or "The tool failed."
    if code == OutcomeUnknown.code:
        raise OutcomeUnknown(message[:500])
    # The ledger keeps it in the clear: it is a name, and no place for a text.
    named = isinstance(code, str) and _CODE.fullmatch(code)
    failed = RemoteFailed(message[:500], code=code if named else None)
    failed.status = next((s for end, s in _STATUS.items() if failed.error_code.endswith(end)), 502)
    raise failed


def _blocks(result: CallToolResult) -> list[dict[str, Any]]:
    """What of a result is no text; of what is too large only that it was there."""
    found, left = [], MOST_DATA
    for block in result.content:
        if block.type == "text":
            continue
        told = block.model_dump(mode="json", by_alias=True, exclude_none=True)
        size = len(to_json(told))
        if size > left:
            words = f"[{block.type} of {size:,} bytes, too large to pass on]"
            told = {"type": "text", "text": words}
        else:
            left -= size
        found.append(told)
    return found


def _desk_error(envelope: Any) -> dict[str, Any] | None:
    """The error of the tools' error envelope; None where it is something else."""
    error = envelope.get("error") if isinstance(envelope, dict) else None
    return error if isinstance(error, dict) and isinstance(error.get("message"), str) else None


def _json(text: str) -> Any:
    with contextlib.suppress(ValueError):
        return from_json(text)
    return None
