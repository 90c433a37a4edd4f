"""`deskward serve`: the desk over HTTP."""

from __future__ import annotations

import gc
import sys
from typing import Annotated, Any

from cyclopts import Parameter

from deskward.cli.session import Demo, read_settings, run


def serve(
    *,
    host: Annotated[
        str | None, Parameter(help="Address to listen on. Default: SERVER_HOST.")
    ] = None,
    port: Annotated[int | None, Parameter(help="Port to listen on. Default: SERVER_PORT.")] = None,
    demo: Demo = False,
) -> None:
    """Serve REST, chat, WebSocket and MCP over HTTP until Ctrl-C.

    Example: `deskward serve --demo --port 9080`
    """
    # What is made until the server runs stays. Looking through it took a sixth of the start.
    gc.disable()
    from deskward.entrypoints.output import open_standard_streams
    from deskward.entrypoints.server import run_server
    from deskward.entrypoints.workers import run_workers, worker
    from deskward.migrations import upgrade

    open_standard_streams()
    changes: dict[str, Any] = {}
    if host is not None:
        changes["server_host"] = host
    if port is not None:
        changes["server_port"] = port
    number, listener = worker()
    settings = read_settings(serving=True, worker=max(0, number - 1), **changes)
    if settings.server.workers > 1 and listener is None:
        # Migrated once for all, and what is wrong with the database is said once.
        run(upgrade(settings.database_location))
        sys.exit(run_workers(settings, sys.argv[1:]))
    import uvloop

    run(
        run_server(settings, demo=demo, listener=listener, worker=number),
        loop_factory=uvloop.new_event_loop,
    )
