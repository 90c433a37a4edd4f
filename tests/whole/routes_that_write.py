"""Every route that writes, for `test_every_write`, with the row that it leaves."""

from deskward.entrypoints.a2a.addresses import PATHS as A2A

CALL = "the row of each tool's call"
TURN = "turn"
ANSWER = "confirmation"
READS = None

ROUTES: dict[tuple[str, str], str | None] = {
    ("POST", "/api/v1/chat"): TURN,
    ("POST", "/api/v1/chat/stream"): TURN,
    ("POST", "/api/chat"): TURN,
    ("POST", "/agui"): TURN,
    ("POST", "/api/reset"): "begin_session",
    ("POST", "/api/v1/files"): "upload_file",
    ("POST", "/api/v1/knowledge/documents"): "upload_document",
    ("POST", "/hooks/knowledge/{source_id}"): "sync_source",
    ("POST", "/hooks/alerts/{source_id}"): "take_alerts",
    ("POST", "/api/v1/collected"): "take_collected",
    ("DELETE", "/api/v1/sessions/{session_id:path}"): "delete_session",
    ("POST", "/api/v1/sessions/{session_id:path}/confirmations/{confirmation_id}"): ANSWER,
    ("POST", "/api/v1/confirmations/{confirmation_id}"): ANSWER,
    ("POST", "/api/v1/chat/received"): "receive_news",
    ("PUT", "/api/user/{user_id}"): READS,
    ("ANY", "/mcp"): CALL,
    **dict.fromkeys((("ANY", path) for path in A2A), READS),
    ("ANY", "/a2a"): TURN,
    ("ANY", "/a2a/v1/message:send"): TURN,
    ("ANY", "/a2a/v1/message:stream"): TURN,
    ("ANY", "/a2a/v1/tasks/{id}"): "call_off_questions",
    ("WEBSOCKET", "/mcp/ws"): CALL,
    ("ANY", "/graphql"): CALL,
    ("WEBSOCKET", "/graphql"): CALL,
    ("WEBSOCKET", "/ws/{user_id}"): "that of its frame's kind, below",
    ("ANY", "/tools/{tool}"): CALL,
}
"""Every route that is no tool's and takes more than GET → the row that it leaves."""
