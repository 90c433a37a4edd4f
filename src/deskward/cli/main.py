"""The list of commands. Heavy imports happen inside the commands, so that `--help` is quick."""

from __future__ import annotations

from cyclopts import App

from deskward import __version__
from deskward.cli.approvals import approvals
from deskward.cli.call import call
from deskward.cli.chat import chat
from deskward.cli.config import config
from deskward.cli.evaluate import evaluate
from deskward.cli.handle import handle
from deskward.cli.hub import hub
from deskward.cli.keys import keys
from deskward.cli.ledger import ledger
from deskward.cli.mcp import mcp
from deskward.cli.policy import policy
from deskward.cli.replay import replay
from deskward.cli.serve import serve
from deskward.cli.tools import tools

COMMANDS = (
    serve,
    chat,
    call,
    handle,
    tools,
    mcp,
    keys,
    config,
    hub,
    approvals,
    evaluate,
    ledger,
    policy,
    replay,
)

app = App(
    name="deskward",
    version=__version__,
    help="A customer-support desk run by an AI agent, in which every action passes one gate.\n\n"
    "Start with `deskward serve --demo`, or talk to the desk at once with `deskward chat`. "
    "Settings come from environment variables or a `.env` file; see the README.",
)
for command in COMMANDS:
    app.command(command)


def main() -> None:
    """Run the command line."""
    app()
