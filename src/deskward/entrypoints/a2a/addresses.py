"""Where A2A is served."""

RPC, REST = "/a2a", "/a2a/v1"
CARD, KEY_SET = "/.well-known/agent-card.json", "/.well-known/jwks.json"
PATHS = (
    *(RPC, CARD, KEY_SET),
    *(f"{REST}/message:send", f"{REST}/message:stream", f"{REST}/extendedAgentCard"),
    *(f"{REST}/tasks", f"{REST}/tasks/{{id}}"),
    f"{REST}/tasks/{{id}}/pushNotificationConfigs",
    f"{REST}/tasks/{{id}}/pushNotificationConfigs/{{config}}",
)
