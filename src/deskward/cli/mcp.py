"""`deskward mcp`: the tools over MCP."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from deskward.cli.ending import Misused
from deskward.cli.session import Demo, Staff, Tenant, User, local_desk, read_settings, run


def mcp(
    group: Annotated[
        str | None,
        Parameter(
            help="Serve this group of tools only, for example `complaints`; `support` is those of "
            "troubleshooting, knowledge and escalation, for support engineers in their editor, and "
            "`database` those over the desk's records. "
            "Or a set of tools of MCP_VIEWS_FILE, which over HTTP `deskward serve` serves."
        ),
    ] = None,
    /,
    *,
    transport: Annotated[
        Literal["stdio", "http", "ws"],
        Parameter(
            help="`stdio`, for clients that start the server, or streamable HTTP at `/mcp` and "
            "WebSocket at `/mcp/ws`, which are served together."
        ),
    ] = "stdio",
    host: Annotated[
        str | None,
        Parameter(help="Address to listen on. Default: MCP_SERVER_HOST, or the group's own."),
    ] = None,
    port: Annotated[
        int | None,
        Parameter(help="Port to listen on. Default: MCP_SERVER_PORT, or the group's own."),
    ] = None,
    user: User = None,
    staff: Staff = None,
    tenant: Tenant = None,
    demo: Demo = False,
) -> None:
    """Serve the tools over MCP, all of them or a group.

    `deskward mcp` on standard input and output, as one customer. `deskward mcp complaints
    --transport http --port 8000` is a server of its own, to be named in another desk's
    MCP_SERVER_URL; without API keys it serves this machine only, and its callers are services.

    Example: `deskward mcp support --staff anna`
    """
    from deskward.features import BUNDLES, all_features

    names = [*BUNDLES, *(known.name for known in all_features().groups)]
    view = group if group is not None and group not in names else None
    if view is not None and read_settings().mcp_server.views_file is None:
        raise Misused(f"there is no group {group!r}; there are {', '.join(names)}")
    if view is not None and transport != "stdio":
        way = "/ws" if transport == "ws" else ""
        raise Misused(f"`deskward serve` serves {view} there, at /mcp/v/{view}{way}")
    if transport != "stdio":
        _mcp_over_http(group, host, port, demo=demo)
        return
    from deskward.entrypoints.mcp.stdio import serve_stdio

    async def serve_mcp() -> None:
        only = group if view is None else None
        opened = local_desk(read_settings(), user, staff, tenant, demo=demo, only=only)
        async with opened as (desk, caller):
            shown = desk.views.get(view) if view is not None else None
            if view is not None and shown is None:
                there = ", ".join([*names, *desk.views])
                raise Misused(f"there is no group {view!r}; there are {there}")
            if shown is not None and not shown.admits(caller, desk.gate.policy.roles):
                raise Misused(f"{view} is for {', '.join(sorted(shown.roles))}, not for the caller")
            await serve_stdio(desk, caller, shown)

    run(serve_mcp())


def _mcp_over_http(group: str | None, host: str | None, port: int | None, *, demo: bool) -> None:
    import uvloop

    from deskward.entrypoints.output import open_standard_streams
    from deskward.entrypoints.server import run_server

    open_standard_streams()
    settings = read_settings(serving=True, to_file=False)
    named = {"kafka": settings.kafka, "aws": settings.aws, "database": settings.db_mcp}
    own = named.get(group or "")
    usual = own.mcp_port if own is not None else settings.mcp_server.port
    settings.server.host = host or (own and own.mcp_host) or settings.mcp_server.host
    settings.server.port = usual if port is None else port
    run(
        run_server(settings, demo=demo, only=group or "all"),
        loop_factory=uvloop.new_event_loop,
    )
