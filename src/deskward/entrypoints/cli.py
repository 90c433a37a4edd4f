"""The command line. Heavy imports happen inside the commands, so that `--help` is quick."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from deskward import __version__
from deskward.entrypoints.cli_approvals import approvals
from deskward.entrypoints.cli_config import config
from deskward.entrypoints.cli_eval import evaluate
from deskward.entrypoints.cli_hub import hub
from deskward.entrypoints.cli_keys import keys
from deskward.entrypoints.cli_ledger import ledger
from deskward.entrypoints.cli_policy import policy
from deskward.entrypoints.cli_replay import replay

app = App(
    name="deskward",
    version=__version__,
    help="A customer-support desk run by an AI agent, in which every action passes one gate.\n\n"
    "Start with `deskward serve --demo`, or talk to the desk at once with `deskward chat`. "
    "Settings come from environment variables or a `.env` file; see the README.",
)
app.command(keys)
app.command(config)
app.command(hub)
app.command(approvals)
app.command(evaluate)
app.command(ledger)
app.command(policy)
app.command(replay)

User = Annotated[str | None, Parameter(help="The customer who speaks. Default: DEFAULT_USER_ID.")]
Staff = Annotated[
    str | None, Parameter(help="The member of staff who calls, instead of a customer.")
]
Tenant = Annotated[str | None, Parameter(help="The tenant. Default: DEFAULT_TENANT_ID.")]
Url = Annotated[
    str | None,
    Parameter(
        help="Address of a running desk, for example http://127.0.0.1:9080. Default: none is "
        "needed, the database is opened directly."
    ),
]
Key = Annotated[str | None, Parameter(help="API key for --url.", env_var="DESKWARD_API_KEY")]


@app.command
def serve(
    *,
    host: Annotated[
        str | None, Parameter(help="Address to listen on. Default: SERVER_HOST.")
    ] = None,
    port: Annotated[int | None, Parameter(help="Port to listen on. Default: SERVER_PORT.")] = None,
    demo: Annotated[bool, Parameter(help="Load demo data into an empty database.")] = False,
) -> None:
    """Serve REST, chat, WebSocket and MCP over HTTP until Ctrl-C."""
    from deskward.entrypoints.server import run_server
    from deskward.entrypoints.workers import run_workers, worker

    changes: dict[str, Any] = {}
    if host is not None:
        changes["server_host"] = host
    if port is not None:
        changes["server_port"] = port
    number, listener = worker()
    settings = read_settings(log_to_file=True, worker=max(0, number - 1), **changes)
    if settings.server_workers > 1 and listener is None:
        sys.exit(run_workers(settings, sys.argv[1:]))
    import uvloop

    run(
        run_server(settings, demo=demo, listener=listener, quiet=number > 1),
        loop_factory=uvloop.new_event_loop,
    )


@app.command
def chat(
    *,
    once: Annotated[
        str | None, Parameter(help="Send this one message, print the answer, end.")
    ] = None,
    user: User = None,
    tenant: Tenant = None,
    session: Annotated[str | None, Parameter(help="Go on with this session.")] = None,
    json_: Annotated[
        bool, Parameter(name="--json", help="With --once: print the answer and its events as JSON.")
    ] = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Talk to the desk as a customer.

    Inside: `user user_002` switches the customer, `reset` starts a new conversation, `quit` ends.
    """
    from deskward.entrypoints.cli_chat import ChatOptions, run_chat

    options = ChatOptions(
        once=once, user=user, tenant=tenant, session=session, json=json_, url=url, key=key
    )
    run(run_chat(read_settings(), options))


@app.command
def call(
    tool: str,
    *arguments: str,
    user: User = None,
    staff: Staff = None,
    role: Annotated[
        tuple[str, ...],
        Parameter(help="With --staff: their role, or several. Default: support.", negative=()),
    ] = (),
    tenant: Tenant = None,
    idempotency_key: Annotated[
        str | None, Parameter(help="Repeating the call with this key gives its first answer.")
    ] = None,
) -> None:
    """Call one tool through the gate and print its answer as JSON.

    An argument is `name=value`; a value that is JSON (a number, an object, …) is taken as such
    where the tool wants it: `deskward call update_ticket ticket_id=T1001 'update={"status":"open"}'
    --staff anna`. Exit code 0: done, 3: waits for approval, 1: refused or failed.

    Parameters
    ----------
    tool
        The tool's name; `deskward tools` lists them.

    Arguments:
        The tool's arguments.
    """
    from deskward.entrypoints.cli_tools import call_tool

    run(call_tool(read_settings(), tool, arguments, user, staff, tenant, idempotency_key, role))


@app.command
def handle(
    *tickets: str,
    staff: Annotated[
        str | None, Parameter(help="The member of staff who asks. Default: the system's user.")
    ] = None,
    tenant: Tenant = None,
    json_: Annotated[bool, Parameter(name="--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Handle tickets: by policy, each is resolved, a person is asked, or it is handed over.

    It is summarized and answered from the FAQ first; what was done is told with the reason:
    `deskward handle T901 T902`. Replies that wait for a person are in `deskward approvals list`;
    somebody else has to approve them. Exit code 1: a ticket could not be handled.

    Parameters
    ----------
    tickets
        The tickets' ids.
    """
    from deskward.entrypoints.cli_tools import handle_tickets

    run(handle_tickets(read_settings(), tickets, staff, tenant, as_json=json_))


@app.command
def tools(
    *,
    user: User = None,
    staff: Staff = None,
    tenant: Tenant = None,
    json_: Annotated[
        bool, Parameter(name="--json", help="Print names and schemas as JSON.")
    ] = False,
) -> None:
    """List the tools that a caller may use."""
    from deskward.entrypoints.cli_tools import list_tools

    run(list_tools(read_settings(), user, staff, tenant, as_json=json_))


@app.command
def mcp(
    group: Annotated[
        str | None,
        Parameter(help="Serve this group of tools only, for example `complaints`."),
    ] = None,
    /,
    *,
    transport: Annotated[
        Literal["stdio", "http"],
        Parameter(help="`stdio`, for clients that start the server, or streamable HTTP."),
    ] = "stdio",
    host: Annotated[
        str | None, Parameter(help="Address to listen on. Default: MCP_SERVER_HOST.")
    ] = None,
    port: Annotated[
        int | None, Parameter(help="Port to listen on. Default: MCP_SERVER_PORT.")
    ] = None,
    user: User = None,
    staff: Staff = None,
    tenant: Tenant = None,
) -> None:
    """Serve the tools over MCP, all of them or one group.

    `deskward mcp` on standard input and output, as one customer. `deskward mcp complaints
    --transport http --port 8000` is a server of its own, to be named in another desk's
    MCP_SERVER_URL; without API keys it serves this machine only, and its callers are services.
    """
    from deskward.app import GROUPS

    names = [known.name for known in GROUPS]
    if group is not None and group not in names:
        sys.exit(f"deskward: there is no group {group!r}. There are {', '.join(names)}.")
    if transport == "http":
        _mcp_over_http(group, host, port)
        return
    from deskward.entrypoints.cli_tools import local_desk
    from deskward.entrypoints.mcp_stdio import serve_stdio

    async def serve_mcp() -> None:
        async with local_desk(read_settings(), user, staff, tenant, only=group) as (desk, caller):
            await serve_stdio(desk, caller)

    run(serve_mcp())


def _mcp_over_http(group: str | None, host: str | None, port: int | None) -> None:
    import uvloop

    from deskward.entrypoints.cli_tools import is_new
    from deskward.entrypoints.server import run_server

    settings = read_settings()
    settings.server_host = host or settings.mcp_server_host
    settings.server_port = settings.mcp_server_port if port is None else port
    run(
        run_server(settings, demo=is_new(settings), only=group or "all"),
        loop_factory=uvloop.new_event_loop,
    )


def read_settings(*, log_to_file: bool = False, worker: int = 0, **changes: Any) -> Any:
    """The settings, with logging set up; a wrong one ends the command with what is wrong."""
    from pydantic import ValidationError

    from deskward.core.logging import configure_logging
    from deskward.core.settings import Settings

    try:
        settings = Settings(**changes)
        _ = settings.database
    except ValidationError as error:
        sys.exit(f"deskward: a setting is not valid: {problems_of(error)}")
    except ValueError as error:
        sys.exit(f"deskward: {error}")
    try:
        configure_logging(settings, to_file=log_to_file, worker=worker)
    except OSError as error:
        sys.exit(f"deskward: {error}")
    return settings


def problems_of(error: Any) -> str:
    """What is wrong with which settings, without their values, which may be secret."""
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])).upper()}: {problem['msg']}"
        for problem in error.errors(include_input=False)
    )


def run(
    work: Coroutine[Any, Any, int | None],
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """Run a command's coroutine; errors become one line, Ctrl-C ends quietly."""
    from deskward.core.errors import DeskwardError

    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            code = runner.run(work)
    except KeyboardInterrupt:
        sys.exit(130)
    except DeskwardError as error:
        sys.exit(f"deskward: {error.message}")
    except (ValueError, OSError) as error:
        sys.exit(f"deskward: {error}")
    if code:
        sys.exit(code)


def operator() -> str:
    """The name of whoever runs the command.

    Raises:
        ValueError: The system has no name for them, as in some containers.
    """
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise ValueError(
            "the system does not know your name; say it with --staff or USER"
        ) from None


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def main() -> None:
    """Run the command line."""
    app()
