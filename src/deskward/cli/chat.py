"""`deskward chat`: a conversation in the terminal."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from deskward.cli.ending import Misused
from deskward.cli.session import Demo, Key, Tenant, Url, User, read_settings, run


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
    demo: Demo = False,
) -> None:
    """Talk to the desk as a customer.

    Inside: `user user_002` switches the customer, `reset` starts a new conversation, `quit` ends.

    Example: `deskward chat --demo --once "What is my account balance?"`
    """
    from deskward.cli.terminal import run_chat
    from deskward.cli.ways import ChatOptions

    if demo and url:
        raise Misused("--demo is for a desk on this machine, not for --url")
    options = ChatOptions(once, user, tenant, session, json_, url, key, demo)
    run(run_chat(read_settings(), options))
