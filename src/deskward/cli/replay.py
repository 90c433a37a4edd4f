"""`deskward replay`: a recorded conversation once more."""

from __future__ import annotations

import json
from typing import Annotated, Any

from cyclopts import Parameter

from deskward.cli.ending import Misused
from deskward.cli.session import Json, print_json, read_settings, run


def replay(
    conversation: Annotated[str, Parameter(help="The conversation's session id.")],
    /,
    *,
    user: Annotated[
        str | None, Parameter(help="The customer whose it is. Default: DEFAULT_USER_ID.")
    ] = None,
    staff: Annotated[str | None, Parameter(help="The member of staff whose it is.")] = None,
    tenant: Annotated[str | None, Parameter(help="Default: DEFAULT_TENANT_ID.")] = None,
    model: Annotated[
        str | None,
        Parameter(help="Have this model answer anew, as MODEL names it, for example `offline`."),
    ] = None,
    policy: Annotated[
        str | None,
        Parameter(help="Decide by these policies: `active`, `files`, a folder, or a version."),
    ] = None,
    answer: Annotated[
        tuple[str, ...],
        Parameter(help="TOOL=JSON: have a tool answer this instead of what it did.", negative=()),
    ] = (),
    about: Annotated[
        bool,
        Parameter(help="Print what the conversation was about after each turn.", negative=""),
    ] = False,
    json_: Json = False,
) -> None:
    """Run a recorded conversation again, without network and without effects.

    Prints the tool calls and the first difference from the record; with --about also the records
    that were shown, what was done, what is still open, the ticket and the language. Exit code 0:
    identical, 1: it differs.

    Example: `deskward replay my-session --model offline`
    """
    changes: dict[str, Any] = {"model": model} if model else {}
    settings = read_settings(**changes)
    changed = dict(map(_changed, answer))

    async def work() -> int:
        from dataclasses import asdict

        from deskward.app import open_desk
        from deskward.cli.policy import chosen_policy
        from deskward.conversations.replay import replay as again
        from deskward.conversations.transcript import recording

        async with open_desk(settings, chat=False, as_recorded=True) as desk:
            owner = f"staff:{staff}" if staff else f"customer:{user or settings.default.user_id}"
            turns = await recording(
                desk.database.reader,
                desk.gate.ledger,
                tenant or settings.default.tenant_id,
                owner,
                conversation,
            )
            found = await again(
                desk.gate,
                turns,
                claims=desk.features.claims,
                model=desk.conversations.agent.model if model else None,
                policy=await chosen_policy(desk, policy) if policy else None,
                changed=changed,
            )
        if json_:
            print_json({"identical": found.identical, **asdict(found)})
        else:
            for line in found.replayed:
                print(line)
            for number, one in enumerate(found.dialogues if about else [], 1):
                print(f"after turn {number}: {json.dumps(one, ensure_ascii=False)}")
            print(
                f"{found.turns} turns, {len(found.replayed)} tool calls: "
                + ("identical." if found.identical else f"it differs.\n{found.divergence}")
            )
        return 0 if found.identical else 1

    run(work())


def _changed(pair: str) -> tuple[str, dict[str, Any]]:
    tool, separator, text = pair.partition("=")
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not separator or not isinstance(value, dict):
        raise Misused(f"--answer {pair!r} is not of the form TOOL={{…}}")
    return tool, value
