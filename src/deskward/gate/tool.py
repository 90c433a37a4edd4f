"""Tools: one typed function each, declared once and reachable through every door."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import docstring_parser
from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, create_model

from deskward.core.lazily import lazily
from deskward.gate.context import Context
from deskward.gate.counters import Spent
from deskward.gate.provenance import Reader, reader_of, takes_text
from deskward.gate.questions import Questions, read_questions, values_of
from deskward.gate.reconcile import Reconcile
from deskward.gate.resources import Resource
from deskward.gate.schemas import (
    JsonSchema,
    gives_object,
    holds_secret,
    inline_refs,
    with_bounds,
    without,
)
from deskward.gate.signatures import address_of, description_of, has_mark, mentions
from deskward.security.principals import Kind, Principal
from deskward.text.wishes import Wish

Function = Callable[..., Coroutine[Any, Any, Any]]
Facts = Callable[[Context, Mapping[str, Any]], Awaitable[Mapping[str, object]]]
Spends = Callable[[Mapping[str, Any], Mapping[str, Any]], Spent]
"""What a call spends, by its arguments as the tool takes them, and its record's facts."""
Possible = Callable[[Context, Mapping[str, Any]], Awaitable[object]]
"""Raises what the tool would raise of these arguments, as it takes them, as things are."""


class Risk(StrEnum):
    """What a tool can do to the world. Everything else that clients are told follows from it."""

    READ = "read"
    WRITE = "write"
    DESTRUCTIVE = "destructive"
    OUTSIDE = "outside"
    """Acts outside the database, so that a crash can leave its outcome unknown."""

    @property
    def annotations(self) -> dict[str, bool]:
        """MCP's tool annotations (specification 2025-11-25, `ToolAnnotations`)."""
        return {
            "readOnlyHint": self is Risk.READ,
            "destructiveHint": self in (Risk.DESTRUCTIVE, Risk.OUTSIDE),
            "idempotentHint": self is Risk.READ,
            "openWorldHint": self is Risk.OUTSIDE,
        }


@dataclass(frozen=True)
class Bound:
    """Marks a parameter that a customer cannot choose: it is their own id, or the call is refused.

    It is left out of the schema that a customer, or an agent on their behalf, sees.
    """


OwnCustomerId = Annotated[
    str,
    Bound(),
    Field(
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9_.-]+$",
        description="Id of the customer that the call is about.",
        examples=["user_001"],
    ),
]
"""The id of a customer; a customer's own in their own session."""


@dataclass(frozen=True, eq=False)
class Tool:
    """A capability of the desk.

    Attributes:
        name: Unique, in snake case.
        description: What it does, for models and people.
        function: `async def name(ctx, …)`.
        scope: What a caller's roles must allow.
        risk: What it can do to the world.
        method: HTTP method of its REST address.
        path: Path of its REST address, with `{parameters}`.
        arguments: The model that arguments are validated against.
        parameters: The names of all arguments.
        result: Validates and serialises what the function returns.
        bound: Parameters that are bound for customers.
        secret: Parameters whose values are never recorded.
        facts: Loads the record that the call is about, for policies.
        possible: Sees that a call can be made at all, before somebody is asked about it.
        spends: What a call of it spends, where that is more than the call itself.
        hands_over: Of a tool that gives the conversation to a person: the field of its answer that
            names what the person works on.
        stands_for: Of an outside server's: the method of MCP that it is no tool of.
        finds_tools: Of a tool that finds tools: the field of its answer that lists their names.
        reader: Finds out who wrote the texts in its answers; None where the desk wrote them all.
        writes_text: Whether a caller can have it write a text into a record.
        asks: What the customer is asked before a call of it is made on their behalf.
        wish: How a person names the deed, so that it is known to be their own wish.
        server: The outside server that it is called at, or None for our own.
        foreign: Whether that server has written its description, which every model is shown.
        tenant: The only tenant that may use it, or None for all.
        composed: Whether it works by calling other tools and changes nothing itself: each of these
            calls is judged and recorded in its own transaction, and this one holds none.
        in_turn: Whether its calls come one by one in a tenant, as those that are counted do.
        also: Method and path of further REST addresses.
        together: What JSON Schema can only say of several arguments together. It is told where
            the API is described; model APIs take no conditions at a schema's root.
        resource: What MCP clients read by an address through it.
        reconcile: How it is found out whether a call of it took effect that was cut off.
    """

    name: str
    description: str
    function: Function
    scope: str
    risk: Risk
    method: str
    path: str
    arguments: type[BaseModel]
    parameters: frozenset[str]
    result: TypeAdapter[Any]
    bound: frozenset[str]
    secret: frozenset[str]
    facts: Facts | None
    hands_over: str | None
    _schema: JsonSchema = field(repr=False)
    _bound_schema: JsonSchema = field(repr=False)
    _output_schema: JsonSchema | None = field(default=None, repr=False)
    server: str | None = None
    foreign: bool = False
    tenant: str | None = None
    reader: Reader | None = field(default=None, repr=False)
    writes_text: bool = False
    asks: Questions | None = None
    wish: Wish | None = None
    keeps_secrets: bool = True
    composed: bool = False
    in_turn: bool = False
    possible: Possible | None = None
    spends: Spends | None = None
    also: tuple[tuple[str, str], ...] = ()
    together: JsonSchema | None = field(default=None, repr=False)
    resource: Resource | None = None
    finds_tools: str | None = None
    stands_for: str | None = None
    reconcile: Reconcile | None = None

    @lazily
    def output_schema(self) -> JsonSchema:
        """JSON Schema (2020-12, without `$ref`) of its answers."""
        if self._output_schema is not None:
            return self._output_schema
        return inline_refs(self.result.json_schema(mode="serialization"))

    @property
    def addresses(self) -> tuple[tuple[str, str], ...]:
        """Method and path of all its REST addresses, the first one first."""
        return ((self.method, self.path), *self.also) if self.offered else ()

    @property
    def offered(self) -> bool:
        """Whether callers are offered it; of what is not, a door makes use (`Gate.act`)."""
        return bool(self.path)

    @property
    def counted(self) -> bool:
        """Whether its calls are counted, so that policies can limit them over a day."""
        return self.risk in (Risk.DESTRUCTIVE, Risk.OUTSIDE) or self.spends is not None

    @property
    def title(self) -> str:
        """The name as words."""
        return self.name.replace("_", " ").capitalize()

    @property
    def group(self) -> str:
        """The group that the tool belongs to, as its scope names it."""
        return self.scope.partition(":")[0]

    def input_schema(self, principal: Principal | None = None) -> JsonSchema:
        """JSON Schema (2020-12, without `$ref`) of the arguments that the principal may give."""
        return self.schema_for(principal.kind if principal is not None else None)

    def schema_for(self, kind: Kind | None) -> JsonSchema:
        """Return what `input_schema` is for principals of a kind."""
        return self._bound_schema if kind is Kind.CUSTOMER else self._schema


class ToolGroup:
    """The tools of one slice.

    >>> tools = ToolGroup("faq")
    >>> @tools.tool(scope="knowledge:read", risk=Risk.READ, rest="GET /faq/search")
    ... async def get_faq(ctx: Context, q: str) -> FaqResults:
    ...     '''Find answers in the FAQ.'''
    ...     return FaqResults(query=q, articles=[])
    """

    def __init__(
        self,
        name: str,
        *,
        questions: Path | None = None,
        wishes: Mapping[str, Wish] | None = None,
    ) -> None:
        """Make one.

        Args:
            questions: A file of what customers are asked before a call, see `questions.py`.
            wishes: Tool → how a person names its deed. Of a tool that is not there a model that
                has read others' texts makes no call without a person.
        """
        self.name = name
        self.tools: list[Tool] = []
        self._wishes = wishes or {}
        self._questions = read_questions(questions) if questions is not None else {}

    def tool(
        self,
        *,
        scope: str,
        risk: Risk,
        rest: str | None,
        facts: Facts | None = None,
        hands_over: str | None = None,
        keeps_secrets: bool = True,
        composed: bool = False,
        in_turn: bool = False,
        possible: Possible | None = None,
        spends: Spends | None = None,
        also: tuple[str, ...] = (),
        together: JsonSchema | None = None,
        resource: Resource | None = None,
        finds_tools: str | None = None,
        reconcile: Reconcile | None = None,
    ) -> Callable[[Function], Function]:
        """Declare the function below as a tool.

        Args:
            scope: The scope that a caller needs, `group:verb`.
            risk: What the tool can do to the world.
            rest: Its REST address, for example `PATCH /tickets/{ticket_id}`; None of what only a
                door does (`Gate.act`), such as taking an upload: nobody is offered it as a tool.
            facts: Loads the record that the call is about, for policies to judge by.
            hands_over: See `Tool`.
            keeps_secrets: Whether its answers may hold somebody's secrets, which no model may read.
            composed: See `Tool`.
            in_turn: See `Tool`.
            possible: See that a call that would wait for somebody can be made as things are, in its
                transaction; it raises what the tool itself would.
            spends: See `Tool`. What destroys or acts outside is counted in any case; one that
                takes an `amount` has to say what it spends.
            also: Further REST addresses, of the form of `rest`.
            together: What a JSON Schema says of several arguments together.
            resource: What MCP clients read by an address through it.
            finds_tools: See `Tool`.
            reconcile: See `Tool`.

        Raises:
            TypeError: The function is not of the form that a tool needs, or a text in its answer
                does not say who wrote it.
        """

        def declare(function: Function) -> Function:
            built = _build(function, scope, risk, rest, facts, hands_over)
            asks = self._questions.get(built.name)
            if asks is not None:
                _check_questions(built, asks)
            if built.counted and spends is None and "amount" in built.parameters:
                raise TypeError(f"tool {built.name} takes an amount: say what a call `spends`")
            if resource and not resource.single and resource.variable not in built.parameters:
                raise TypeError(f"tool {built.name} does not take {resource.variable}")
            more = tuple(address_of(built.name, address, built.parameters) for address in also)
            self.tools.append(
                replace(
                    built,
                    keeps_secrets=keeps_secrets,
                    composed=composed,
                    in_turn=in_turn,
                    possible=possible,
                    spends=spends,
                    also=more,
                    together=together,
                    resource=resource,
                    finds_tools=finds_tools,
                    reconcile=reconcile,
                    asks=asks,
                    wish=self._wishes.get(built.name),
                )
            )
            return function

        return declare


def _build(
    function: Function,
    scope: str,
    risk: Risk,
    rest: str | None,
    facts: Facts | None,
    hands_over: str | None,
) -> Tool:
    name = function.__name__
    if not inspect.iscoroutinefunction(function):
        raise TypeError(f"tool {name} must be an async function")
    doc = docstring_parser.parse(inspect.getdoc(function) or "")
    if not doc.short_description:
        raise TypeError(f"tool {name} needs a docstring: it is what models and people are told")
    hints = get_type_hints(function, include_extras=True)
    result = hints.pop("return", None)
    first, *names = inspect.signature(function).parameters
    if hints.pop(first, None) is not Context:
        raise TypeError(f"the first parameter of tool {name} must be `ctx: Context`")
    if result is None or any(parameter not in hints for parameter in names):
        raise TypeError(f"tool {name} needs a type for its result and for every parameter")

    described = {parameter.arg_name: parameter.description for parameter in doc.params}
    fields: dict[str, Any] = {}
    for parameter in names:
        default = inspect.signature(function).parameters[parameter].default
        annotation = hints[parameter]
        if text := described.get(parameter):
            annotation = Annotated[annotation, Field(description=" ".join(text.split()))]
        fields[parameter] = (annotation, ... if default is inspect.Parameter.empty else default)
    arguments = create_model(
        name, __config__=ConfigDict(extra="forbid", hide_input_in_errors=True), **fields
    )
    schema = with_bounds(inline_refs(arguments.model_json_schema()))
    schema.pop("title", None)
    bound = frozenset(n for n in names if has_mark(hints[n], Bound))
    secret = frozenset(n for n in names if mentions(hints[n], SecretStr))
    if any(holds_secret(schema["properties"][n]) for n in set(names) - secret):
        raise TypeError(f"tool {name}: a SecretStr must be a parameter, not a field inside one")
    method, path = address_of(name, rest, frozenset(names)) if rest is not None else ("", "")
    adapter: TypeAdapter[Any] = TypeAdapter(result)
    if not gives_object(adapter):
        raise TypeError(f"tool {name} must return an object: MCP's structured content is one")
    return Tool(
        name=name,
        description=description_of(doc),
        function=function,
        scope=scope,
        risk=risk,
        method=method,
        path=path,
        arguments=arguments,
        parameters=frozenset(names),
        result=adapter,
        bound=bound,
        secret=secret,
        facts=facts,
        hands_over=hands_over,
        reader=reader_of(result, f"the answer of {name}"),
        writes_text=risk is not Risk.READ and takes_text(hints[n] for n in set(names) - bound),
        _schema=schema,
        _bound_schema=without(schema, bound),
    )


def _check_questions(tool: Tool, questions: Questions) -> None:
    names = {name for name in values_of(questions) if not name.startswith("record.")}
    if unknown := names - tool.parameters:
        raise TypeError(f"tool {tool.name}: its question names {', '.join(sorted(unknown))}")
