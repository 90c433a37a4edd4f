"""Who works on the command line: a member of staff, or the machine's user while there is none."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from deskward.cli.ending import Misused

if TYPE_CHECKING:
    from deskward.core.database import Connection
    from deskward.security.principals import Principal
    from deskward.security.roles import Roles

AS = "DESKWARD_AS"
"""The variable that says who somebody is, where a command is not told."""
ADMITTING = frozenset({"create_key", "add_member", "change_member", "enable_member"})
"""Commands that need a tenant which is open."""
OPERATES = "operations:write"
"""The scope of whoever works on the desk itself."""


def operator() -> str:
    """The system's name for whoever runs the command, whatever the environment says it is.

    In some containers the system has none: then it is `uid-` and the number.
    """
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"


def system_user(tenant: str, *roles: str) -> Principal:
    """Whoever runs the command, recorded as the system's user that they are."""
    from deskward.security.principals import Kind, Principal, Proof

    return Principal(Kind.STAFF, operator(), tenant, roles, proof=Proof.VOUCHED, system=True)


async def acting(
    db: Connection, roles: Roles, tenant: str, as_: str | None, *otherwise: str
) -> Principal:
    """Whoever runs the command, as the member of staff that they are.

    The machine's user is the member that `shell_user` says, or else the one that they name, who
    then has no machine's user of their own. While nobody who may operate the desk is appointed, the
    machine's user is nobody's member and does what `otherwise` says.

    Raises:
        Misused: They are nobody, somebody else, or do not work here any more.
    """
    from deskward.security import members
    from deskward.security.principals import DEFAULT_ROLES, Kind, Principal, Proof

    shell = operator()
    as_ = as_ or os.environ.get(AS) or None
    found = await members.of_shell_user(db, tenant, shell)
    if as_ is not None:
        wanted = await members.find(db, tenant, Kind.STAFF, members.one_form(as_))
        if wanted is None:
            raise Misused(
                f"{as_!r} is no member of staff of tenant {tenant}: `deskward staff list`"
            )
        if found is not None and found.id != wanted.id:
            raise Misused(f"the machine's user {shell} is {found.id} here, not {wanted.id}")
        if wanted.shell_user not in (None, shell):
            raise Misused(f"{wanted.id} is the machine's user {wanted.shell_user}, not {shell}")
        found = wanted
    if found is None:
        if await is_operated(db, roles, tenant):
            raise Misused(
                "say who you are: --as ID, or `deskward staff set ID --shell-user "
                f"{shell} --as ID` once for all"
            )
        return system_user(tenant, *otherwise)
    if found.disabled_at is not None:
        raise Misused(f"{found.id} does not work here any more")
    return Principal(
        Kind.STAFF,
        found.id,
        tenant,
        found.roles or (DEFAULT_ROLES[Kind.STAFF],),
        via=system_user("").label,
        proof=Proof.VOUCHED,
    )


async def is_operated(db: Connection, roles: Roles, tenant: str) -> bool:
    """Whether the tenant has an active member of staff who may operate the desk."""
    from deskward.security import members

    found = await members.active_staff(db, tenant)
    return any(OPERATES in roles.scopes(member.roles) for member in found)


async def allowed(
    db: Connection, settings: Any, command: str, tenant: str | None, as_: str | None
) -> Principal:
    """Whoever runs a command that changes the desk itself, once policy lets them do that.

    Args:
        db: The transaction that the command writes in, where its work is one.

    Raises:
        Misused: They are nobody here, or somebody else.
        Forbidden: Policy does not let them.
        Unauthenticated: They would admit somebody to a tenant that is closed, or never was.
    """
    from deskward.features import features_of
    from deskward.gate.operations import require_let_through
    from deskward.gate.policy.engine import Policy
    from deskward.gate.policy.versions import files_of, in_slots
    from deskward.security.roles import FILE as ROLES
    from deskward.security.tenants import require_open
    from deskward.shipped import policy_files, policy_of, roles_of

    where = tenant or settings.default.tenant_id
    if command in ADMITTING:
        await require_open(db, where)
    caller = await acting(db, roles_of(settings), where, as_)
    if not caller.system:  # as long as nobody is appointed, the machine's user is
        features = features_of(settings)
        try:
            policy = policy_of(settings, features, features.tools)
            if version := (await in_slots(db)).get("active"):
                files = await files_of(db, version)
                policy = Policy(files, features.tools, roles=policy.files[ROLES])
        except ValueError:  # there must be a way back: then those that ship count
            policy = Policy(policy_files(None, features), features.tools)
        require_let_through(policy, caller, command)
    return caller
