"""Errors as A2A 1.0 says them: a code of JSON-RPC, a status of HTTP, and a reason for programs."""

from __future__ import annotations

from typing import Any

from deskward.core.errors import DeskwardError

DOMAIN = "a2a-protocol.org"
"""Whose reasons those of the protocol are; the others are the desk's."""
OWN_DOMAIN = "deskward"
REFUSED = -32000
"""The code of what the protocol has none for."""

Data = dict[str, Any]
Kind = tuple[int, int, str]

KINDS: dict[str, Kind] = {
    "TASK_NOT_FOUND": (-32001, 404, "NOT_FOUND"),
    "TASK_NOT_CANCELABLE": (-32002, 400, "FAILED_PRECONDITION"),
    "PUSH_NOTIFICATION_NOT_SUPPORTED": (-32003, 400, "FAILED_PRECONDITION"),
    "UNSUPPORTED_OPERATION": (-32004, 400, "FAILED_PRECONDITION"),
    "CONTENT_TYPE_NOT_SUPPORTED": (-32005, 400, "INVALID_ARGUMENT"),
    "VERSION_NOT_SUPPORTED": (-32009, 400, "FAILED_PRECONDITION"),
    "PARSE_ERROR": (-32700, 400, "INVALID_ARGUMENT"),
    "INVALID_REQUEST": (-32600, 400, "INVALID_ARGUMENT"),
    "METHOD_NOT_FOUND": (-32601, 404, "NOT_FOUND"),
    "INVALID_PARAMS": (-32602, 400, "INVALID_ARGUMENT"),
    "INTERNAL_ERROR": (-32603, 500, "INTERNAL"),
}
"""Reason → code, HTTP status and status of `google.rpc.Code` (specification, section 5.4)."""

_OURS = {
    "INVALID_INPUT": "INVALID_PARAMS",
    "IDEMPOTENCY_CONFLICT": "INVALID_PARAMS",
    "SESSION_ENDED": "UNSUPPORTED_OPERATION",
    "CONFLICT": "UNSUPPORTED_OPERATION",
    "CONFIRMATION_VOID": "UNSUPPORTED_OPERATION",
    "INTERNAL_ERROR": "INTERNAL_ERROR",
}
"""The desk's errors that the protocol has a name for."""
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    409: "ABORTED",
    413: "OUT_OF_RANGE",
    415: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_BY_HTTP = frozenset({401, 403, 405, 413, 415, 429, 503})
"""What a JSON-RPC client is told by the HTTP status as well: it is of the transport."""


class Problem(Exception):
    """An error of the protocol's."""

    def __init__(self, reason: str, message: str, kind: Kind | None = None, **facts: str) -> None:
        """Make one.

        Args:
            reason: Its name, for programs.
            message: What is wrong and what to do, for people.
            kind: Of one that the protocol does not name.
            facts: More for programs.
        """
        super().__init__(message)
        self.reason, self.message, self.facts = reason, message, facts
        self.code, self.http, self.status = kind or KINDS[reason]
        self.domain = DOMAIN if kind is None else OWN_DOMAIN

    @classmethod
    def of(cls, error: DeskwardError) -> Problem:
        """One of the desk's errors as the protocol says it."""
        reason = _OURS.get(error.error_code)
        if reason is not None:
            return cls(reason, error.message)
        status = _STATUS.get(error.status, "INTERNAL")
        return cls(error.error_code, error.message, (REFUSED, error.status, status))

    def _details(self, request_id: str) -> list[Data]:
        facts = {**self.facts, "requestId": request_id}
        kind = "type.googleapis.com/google.rpc.ErrorInfo"
        info = {"@type": kind, "reason": self.reason, "domain": self.domain, "metadata": facts}
        return [info]

    def rpc(self, call_id: str | float | None, request_id: str) -> Data:
        """As a response of JSON-RPC 2.0 (specification, section 9.5)."""
        error = {"code": self.code, "message": self.message, "data": self._details(request_id)}
        return {"jsonrpc": "2.0", "id": call_id, "error": error}

    def rest(self, request_id: str) -> Data:
        """As a body of HTTP+JSON (AIP-193; specification, section 11.6)."""
        error = {"code": self.http, "status": self.status, "message": self.message}
        return {"error": error | {"details": self._details(request_id)}}

    @property
    def rpc_http(self) -> int:
        """The HTTP status of the JSON-RPC response."""
        return self.http if self.http in _BY_HTTP else 200
