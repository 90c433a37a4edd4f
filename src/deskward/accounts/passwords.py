"""Changing a password: who may, which ones are taken, and what ends with the old one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from pydantic import SecretStr

from deskward.accounts import service
from deskward.core.database import Connection, now
from deskward.core.errors import ProofNeeded, RateLimited
from deskward.core.rate_limit import RateLimiter
from deskward.customers import service as customers
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.sessions import Sessions
from deskward.security.key_rows import any_exist, end_keys
from deskward.security.passwords import check_new, hash_password, verify_password
from deskward.security.principals import Kind, Principal

HOUR = 3600.0


@dataclass(frozen=True)
class PasswordRules:
    """What an operator sets.

    Attributes:
        proof: How long a second proof counts.
        tries: How often somebody may try in any hour.
    """

    proof: timedelta
    tries: int


async def change(ctx: Context, user_id: str, new: SecretStr, current: SecretStr | None) -> None:
    """Change an account's password, and end its owner's other sessions and keys.

    All that is slow by design comes before the first statement, so that others write meanwhile.

    Raises:
        RateLimited: It was tried too often.
        ProofNeeded: Neither the present password nor a fresh second proof was given.
        WeakPassword: The new one is easily guessed.
        NotFound: The tenant has no such account.
    """
    rules = ctx.port(PasswordRules)
    reader = ctx.port(Gate).database.reader
    account = await service.get(reader, ctx.tenant, user_id)
    await _count(ctx, user_id, rules.tries)
    if current is not None:
        if not await verify_password(account.password_hash, current):
            raise ProofNeeded("That is not the present password.", "current_password")
    elif not await _is_fresh(reader, ctx.principal, rules.proof):
        raise ProofNeeded("The present password is needed to change it.", "current_password")
    owner = await customers.get(reader, ctx.tenant, user_id)
    known = (owner.name, owner.email, owner.phone, owner.address)
    check_new(new, [user_id, *filter(None, known)])
    hashed = await hash_password(new)
    before = account.password_hash
    await service.set_password_hash(ctx.db, ctx.tenant, user_id, hashed, before=before)
    await end_keys(ctx.db, ctx.tenant, Kind.CUSTOMER, user_id, but=ctx.principal.key)
    whose = f"{Kind.CUSTOMER.value}:{user_id}"
    sessions = ctx.port(Sessions)
    await sessions.end(ctx.db, ctx.tenant, whose, but=ctx.session_id)


async def _count(ctx: Context, user_id: str, tries: int) -> None:
    whose = f"password:{ctx.tenant}:{user_id}"
    standing = await ctx.port(RateLimiter).admit(whose, tries, HOUR)
    if not standing.admitted:
        raise RateLimited(
            "The password was tried to be changed too often. Try again later.",
            retry_after=max(1, math.ceil(standing.seconds)),
        )


async def _is_fresh(db: Connection, principal: Principal, minutes: timedelta) -> bool:
    """Whether somebody has just proved a second time who they are.

    Nobody can at an open desk, which has no keys, serves this machine only and is for trying it.
    """
    if principal.proved is not None:
        return now() - principal.proved <= minutes
    return principal.key is None and not await any_exist(db)
