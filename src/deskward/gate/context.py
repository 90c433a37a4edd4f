"""What a tool is told about its call, besides its arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from pydantic import SecretStr

from deskward.core import events
from deskward.core.ids import new_id as new_id  # whoever has a context takes it from here
from deskward.core.lazily import lazily
from deskward.core.tasks import Stop
from deskward.gate.influence import Influence
from deskward.gate.provenance import Record
from deskward.gate.readings import Reading
from deskward.gate.views import View
from deskward.security.principals import Principal

if TYPE_CHECKING:
    import sqlalchemy as sa

    from deskward.core.database import Connection
    from deskward.gate.ledger.chain import Beside

Port = TypeVar("Port")
Door = Literal["rest", "graphql", "mcp", "cli", "agent"]
Report = Callable[[float, float | None, str], None]
"""Told how much is done, of how much if that is known, and what is being done. Never waits."""


class Secrets(Protocol):
    """Where the values behind a conversation's placeholders are kept."""

    def resolve(self, text: str) -> SecretStr | None:
        """The secret that a placeholder stands for, or None where `text` is no placeholder.

        Raises:
            InvalidInput: It is a placeholder whose secret is no longer held.
        """
        ...


@dataclass(frozen=True)
class Context:
    """Who calls, through which door and in which conversation.

    A door makes one; the gate completes it with `db` and `effect_id` before the tool runs.

    Attributes:
        principal: The verified caller.
        door: The way in.
        request_id: What the caller's log and ours name the request by.
        session_id: The conversation, where there is one.
        turn_id: The turn of that conversation.
        client: The MCP client's own session, where it has one.
        secrets: The conversation's secrets, where there is one.
        influence: What an agent was told in the conversation; None where the principal calls
            directly.
        reading: Whose texts the caller has read. The gate adds to it, and keeps it by `holder`.
        unsure: Whether a model was not sure that the call is wanted. It can only ask for more care.
        confidence: From 0 to 1, how sure the desk is of what the call rests on, by its own
            measure and never by a model's word.
        doubts: What speaks against acting on it without a person, however sure the desk is.
        db: The call's transaction; of a tool that only reads, the committed state.
        approval_id: The approval that this call was made with, where it needed one.
        confirmation_id: The customer's yes that this call was made with, where it needed one.
        effect_id: Unique per effect; hand it to providers that take an idempotency key.
        carried: What a door hands to what it does (`Gate.act`) besides the arguments, such as a
            file's bytes: it is not recorded.
        waits: Whether the call may wait for a person's approval, or its customer's yes; one that
            may not is refused instead. A job that makes many calls leaves none behind.
        report: Where the caller is told how far the call is, through `progress`; None where nobody
            asked.
        stop: Of a call that acts outside: whether its caller does not want it any more.
        view: The set of tools that the caller sees; None: all that they may use. A door sees to it
            that no other one is called.
    """

    principal: Principal
    door: Door
    request_id: str = field(default_factory=new_id)
    session_id: str | None = None
    turn_id: str | None = None
    client: str = ""
    secrets: Secrets | None = None
    influence: Influence | None = None
    unsure: bool = False
    reading: Reading = field(default_factory=Reading)
    confidence: float | None = None
    doubts: tuple[str, ...] = ()
    confirmation_id: str | None = None
    approval_id: str | None = None
    effect_id: str = ""
    carried: Any = None
    waits: bool = True
    report: Report | None = None
    stop: Stop | None = None
    view: View | None = None
    _db: Connection | None = None
    _ports: Mapping[type, Any] = field(default_factory=dict)
    _beside: list[Beside] | None = None

    @classmethod
    def of(cls, principal: Principal, door: Door, request_id: str, client: str = "") -> Context:
        """Return the context of a caller who calls by themselves.

        As `Context(…)`, which sets each of its two dozen fields by a call of its own.
        """
        made = object.__new__(cls)
        made.__dict__.update(
            _USUAL,
            principal=principal,
            door=door,
            request_id=request_id,
            client=client,
            reading=Reading(),
        )
        return made

    @property
    def tenant(self) -> str:
        """The caller's tenant: every query of a tool is limited to it."""
        return self.principal.tenant

    def completed(self, **more: Any) -> Context:
        """Return the same context with what the gate adds: `_db`, `_ports`, `effect_id`.

        As `dataclasses.replace`, which takes ten times as long, and every call needs several.
        """
        made = object.__new__(Context)
        made.__dict__.update(self.__dict__, **more)
        return made

    @lazily
    def holder(self) -> Record | None:
        """By what it is remembered what the caller has read; None where nobody reads on.

        A session, or a key with whom it speaks for; of a desk without keys an MCP client.
        """
        label = self.principal.label
        if self.session_id is not None:
            return Record("session", self.session_id, label)
        if self.principal.key is not None:
            return Record("key", self.principal.key, label)
        return Record("client", self.client, label) if self.door == "mcp" else None

    @property
    def to_keep(self) -> tuple[Record, frozenset[str]] | None:
        """Who has read what that is not kept yet; None where nothing is."""
        holder, unstored = self.holder, self.reading.unstored
        return (holder, unstored) if holder is not None and unstored else None

    @property
    def by_model(self) -> bool:
        """Whether a language model decides what is called: our agent, or a client of MCP."""
        return self.principal.agent is not None or self.door == "mcp"

    @property
    def db(self) -> Connection:
        """The call's database connection."""
        assert self._db is not None, "only the gate gives a tool its database"
        return self._db

    def keep(self, table: sa.Table, **row: Any) -> None:
        """Have a row written by the commit that records this call: for tools that only read.

        They hold no transaction. What becomes of the call's record becomes of the row.
        """
        assert self._beside is not None, "what writes has a transaction of its own"
        self._beside.append((table, row))

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        """Tell the caller how far the call is, where they want to know.

        It may be said at any time, also inside a transaction: it never waits for the caller.

        Args:
            done: How much is done; more every time.
            total: How much there is to do, if that is known.
            message: What is being done, for people.
        """
        if self.report is not None:
            self.report(done, total, message)

    async def tell(
        self,
        kind: events.Kind,
        record: str,
        data: Mapping[str, Any] | None = None,
        *,
        customer_id: str | None = None,
        lane: str | None = None,
    ) -> None:
        """Tell whoever listens what the caller has done (`events.tell`)."""
        await events.tell(
            self.db,
            self.tenant,
            kind,
            record,
            data,
            customer_id=customer_id,
            by=self.principal.label,
            lane=lane,
        )

    def port(self, kind: Callable[..., Port]) -> Port:
        """The way to something outside the database, as the desk was put together."""
        assert isinstance(kind, type)  # said as a callable, because a port may be abstract
        found: Port = self._ports[kind]
        assert isinstance(found, kind)
        return found


_USUAL: Mapping[str, Any] = {
    one.name: MappingProxyType({}) if one.name == "_ports" else one.default
    for one in fields(Context)
    if one.name not in ("principal", "door", "request_id", "reading")
}
"""What a context is by default, besides what each has of its own."""
