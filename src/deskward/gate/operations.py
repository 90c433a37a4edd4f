"""What is done to the desk itself on its command line, judged by the same policies as tools."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from deskward.core.database import now
from deskward.core.errors import Forbidden
from deskward.gate.context import Context
from deskward.gate.facts import facts_of
from deskward.gate.judging import refusal
from deskward.gate.policy.engine import Policy, Verdict
from deskward.gate.tool import Risk, ToolGroup
from deskward.security.principals import Principal

operations = ToolGroup("operations")

Command = Annotated[str, Field(pattern="^[a-z_]{1,64}$")]


class LetThrough(BaseModel):
    """That a command may do its work."""

    command: Command


@operations.tool(scope="operations:write", risk=Risk.WRITE, rest=None)
async def operate(_ctx: Context, command: Command) -> LetThrough:
    """Operate the desk: what a command of the command line does is done by the command.

    Args:
        command: What it does, as the ledger names it, for example `create_key`.
    """
    return LetThrough(command=command)


def require_let_through(policy: Policy, principal: Principal, command: str) -> None:
    """See that policy lets somebody do what a command does.

    Raises:
        Forbidden: It does not.
    """
    [tool] = [one for one in operations.tools if one.name == "operate"]
    arguments: dict[str, Any] = {"command": command}
    facts = facts_of(tool, Context(principal, "cli"), arguments, None, now())
    if not policy.may_use(tool, principal):
        raise Forbidden(
            f"{principal.id} may not operate this desk. Somebody of the role `operator` may.",
            details={"policies": [f"scope:{tool.scope}"]},
        )
    decision = policy.judge(tool, principal, facts)
    if decision.verdict is not Verdict.ALLOW:
        raise refusal(decision, principal)
