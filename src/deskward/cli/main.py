"""The list of commands. Heavy imports happen inside the commands, so that `--help` is quick."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import App, Parameter

from deskward import __version__
from deskward.cli.approvals import approvals
from deskward.cli.articles import articles
from deskward.cli.call import call
from deskward.cli.chat import chat
from deskward.cli.collect import collect
from deskward.cli.config import config
from deskward.cli.customers import customers
from deskward.cli.effects import effects
from deskward.cli.ending import ending, words_of
from deskward.cli.escalation import escalation
from deskward.cli.evaluate import evaluate
from deskward.cli.files import files
from deskward.cli.handle import handle
from deskward.cli.hub import hub
from deskward.cli.incidents import incidents
from deskward.cli.jobs import jobs
from deskward.cli.kb import kb
from deskward.cli.keys import keys
from deskward.cli.ledger import ledger
from deskward.cli.mail import mail
from deskward.cli.mcp import mcp
from deskward.cli.notices import notices
from deskward.cli.policy import policy
from deskward.cli.printing import print_any_text
from deskward.cli.products import products
from deskward.cli.query import query
from deskward.cli.queues import queues
from deskward.cli.replay import replay
from deskward.cli.serve import serve
from deskward.cli.skills import skills
from deskward.cli.staff import staff
from deskward.cli.suite import suite
from deskward.cli.tenants import tenants
from deskward.cli.tickets import tickets
from deskward.cli.tools import tools
from deskward.cli.webhooks import webhooks
from deskward.cli.workflow import workflow

COMMANDS = (
    serve,
    chat,
    call,
    handle,
    tools,
    mcp,
    tenants,
    staff,
    customers,
    keys,
    config,
    hub,
    effects,
    approvals,
    articles,
    kb,
    jobs,
    mail,
    files,
    evaluate,
    ledger,
    policy,
    replay,
    tickets,
    webhooks,
    notices,
    workflow,
    escalation,
    queues,
    query,
    suite,
    collect,
    products,
    incidents,
    skills,
)

app = App(
    name="deskward",
    version=__version__,
    help="A customer-support desk run by an AI agent, in which every action passes one gate.\n\n"
    "Start with `deskward serve --demo`, or talk to the desk at once with `deskward chat --demo`. "
    "Settings come from environment variables or a `.env` file; see the README.\n\n"
    "Exit codes: 0 done, 1 refused or failed, 2 wrong command line, 3 waits for approval, "
    "130 Ctrl-C.",
    default_parameter=Parameter(negative=()),
)
for command in COMMANDS:
    app.command(command)


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line: these words, or the program's own."""
    print_any_text()
    with ending():
        app(words_of(sys.argv[1:] if words is None else words))
