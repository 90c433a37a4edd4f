"""Who is calling over HTTP: an API key, or, where none was ever made, anybody on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from starlette.types import Scope

from deskward.app import Desk
from deskward.core.database import Connection, now
from deskward.core.errors import Forbidden, InvalidInput, Unauthenticated, iso
from deskward.core.logging import bind
from deskward.core.rate_limit import RateLimiter
from deskward.core.setting_groups import Default, RateLimit
from deskward.customers import service as customers
from deskward.gate.call import Gate
from deskward.security.api_keys import ApiKeys
from deskward.security.principals import (
    DEFAULT_ROLES,
    SUBJECTS_OF_A_CUSTOMER,
    Kind,
    Principal,
    Proof,
)
from deskward.security.tenants import require_open

PROVED_AT = "x-user-proved-at"
KEY_PROTOCOL = "deskward.key."
"""What a key stands behind that is offered as a WebSocket's subprotocol, `deskward.key.dw_…`."""
CLOCKS_DIFFER = timedelta(minutes=1)

KEY_EXPIRES = "x-deskward-key-expires"
"""The header by which a caller learns that their key ends soon."""
_told: ContextVar[list[tuple[bytes, bytes]] | None] = ContextVar("told", default=None)

_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def telling(headers: list[tuple[bytes, bytes]]) -> None:
    """Have what is told the caller of this request put into these headers of its answer."""
    _told.set(headers)


def tell(header: tuple[bytes, bytes]) -> None:
    """Tell the caller of this request something, in a header of its answer."""
    if (headers := _told.get()) is not None and header not in headers:
        headers.append(header)


def with_offered_key(headers: Mapping[str, str], offered: Iterable[str]) -> dict[str, str]:
    """A WebSocket's headers, with a key that is offered as a subprotocol, as browsers have to."""
    found = dict(headers)
    for name in offered:
        if name.startswith(KEY_PROTOCOL):
            found["x-api-key"] = name.removeprefix(KEY_PROTOCOL)
    return found


def plain_headers(scope: Scope) -> dict[str, str]:
    """Return the request's headers by their names in lower case; of several, the first."""
    state: dict[str, Any] = scope.setdefault("state", {})
    found: dict[str, str] | None = state.get("headers")
    if found is None:
        pairs = reversed(scope["headers"])
        found = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
        state["headers"] = found
    return found


@dataclass(frozen=True)
class Callers:
    """Tells who calls over HTTP.

    Attributes:
        keys: The API keys.
        gate: Whose roles say who may speak for a customer.
        reader: Where customers are looked up.
        limiter: Counts each key's requests.
        limits: How many a key may make.
        default: Who speaks in open mode.
        services_only: Whether services call in open mode, and not customers.
    """

    keys: ApiKeys
    gate: Gate
    reader: Connection
    limiter: RateLimiter
    limits: RateLimit
    default: Default
    services_only: bool

    @classmethod
    def of(cls, desk: Desk) -> Callers:
        """Return what tells who calls this desk."""
        return cls(
            keys=desk.keys,
            gate=desk.gate,
            reader=desk.database.reader,
            limiter=desk.limiter,
            limits=desk.settings.rate_limit,
            default=desk.settings.default,
            services_only=desk.serves_one_group,
        )

    async def identify(
        self,
        headers: Mapping[str, str],
        *,
        tenant: str | None = None,
        user_id: str | None = None,
    ) -> Principal:
        """Return the verified caller.

        `Authorization: Bearer KEY` or `X-API-Key: KEY` says who calls. A service may name the
        customer for whom it speaks in `X-User-ID`, and in `X-User-Proved-At` when they last
        proved a second time that it is them. Where no key was ever made the service is open:
        then `X-User-ID`, or DEFAULT_USER_ID, says which customer speaks; a server of one group of
        tools is called by services.

        Args:
            headers: The request's, with lower-case names.
            tenant: A tenant that the request names. With a key it must be the key's.
            user_id: A customer that the request names, as X-User-ID does.

        Raises:
            Unauthenticated: No key, a bad key, or an unknown customer.
            Forbidden: The caller may not speak for that customer, or in that tenant.
            InvalidInput: The tenant or the customer's id is not of an id's form, or two customers
                are named.
            RateLimited: The key made too many requests.
        """
        principal = await self._identify(headers, tenant, user_id)
        bind(tenant=principal.tenant)
        return principal

    async def count(self, headers: Mapping[str, str]) -> None:
        """Count one more request of a caller whom these headers have identified.

        A door that takes several at once asks for each.

        Raises:
            RateLimited: It is one too many.
        """
        if (key := _key(headers)) is not None:
            await self._count(key)

    async def _count(self, key: str) -> None:
        if self.limits.enabled:
            limit = self.limits.per_key_per_minute or self.limits.per_minute
            (await self.limiter.admit(f"key:{key[:11]}", limit)).check("API key")

    async def _identify(
        self, headers: Mapping[str, str], tenant: str | None, user_id: str | None
    ) -> Principal:
        subject = headers.get("x-user-id", user_id)
        if user_id is not None and subject != user_id:
            raise InvalidInput("X-User-ID names another customer than the request. Leave one out.")
        for value in (subject, tenant):
            if value is not None and not _ID.fullmatch(value):
                raise InvalidInput(
                    "An id has 1 to 64 letters, digits, dots, dashes or underscores."
                )
        key = _key(headers)
        if key is not None:
            caller = await self.keys.verify(key)
            if caller.key is not None and (moment := self.keys.ending(caller.key)) is not None:
                tell((KEY_EXPIRES.encode(), iso(moment).encode()))
            await self._count(key)
            return await self._subject(caller, subject, tenant, _proved(headers))
        if await self.keys.exist():
            raise Unauthenticated(
                "This desk needs an API key. Send it as `Authorization: Bearer dw_…`; "
                "`deskward keys create` makes one."
            )
        tenant = tenant or self.default.tenant_id
        await require_open(self.reader, tenant)
        if subject is None and self.services_only:
            return Principal(Kind.SERVICE, "local", tenant, (DEFAULT_ROLES[Kind.SERVICE],))
        return await local_customer(self.reader, subject or self.default.user_id, tenant)

    async def _subject(
        self,
        caller: Principal,
        subject: str | None,
        tenant: str | None,
        proved: datetime | None,
    ) -> Principal:
        if tenant is not None and tenant != caller.tenant:
            raise Forbidden("The API key belongs to another tenant.")
        if subject is None or (caller.kind is Kind.CUSTOMER and subject == caller.id):
            return caller
        if not self.gate.policy.roles.may(caller, SUBJECTS_OF_A_CUSTOMER):
            raise Forbidden("This API key cannot speak for another customer. Leave X-User-ID out.")
        found = await local_customer(self.reader, subject, caller.tenant, via=caller.label)
        return replace(found, key=caller.key, proved=proved)


async def local_customer(
    reader: Connection, user_id: str, tenant: str, *, via: str | None = None
) -> Principal:
    """Return the customer of that id.

    Raises:
        Unauthenticated: The tenant has no such customer.
    """
    if not await customers.is_there(reader, tenant, user_id):
        raise Unauthenticated(
            f"There is no customer {user_id!r} in tenant {tenant!r}. Name one in X-User-ID."
        )
    return Principal(Kind.CUSTOMER, user_id, tenant, ("customer",), via=via, proof=Proof.VOUCHED)


def _proved(headers: Mapping[str, str]) -> datetime | None:
    """When a customer proved a second time that it is them, as the service says.

    Raises:
        InvalidInput: It is no moment, or one that has not come.
    """
    given = headers.get(PROVED_AT)
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        moment = datetime.max
    if moment.tzinfo is None or moment > now() + CLOCKS_DIFFER:
        raise InvalidInput(
            "X-User-Proved-At is a past moment (RFC 3339), with its offset from UTC."
        )
    return moment


def _key(headers: Mapping[str, str]) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    if scheme:
        raise Unauthenticated("Send the API key as `Authorization: Bearer dw_…`.")
    return headers.get("x-api-key")
