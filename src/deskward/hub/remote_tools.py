"""From a tool that an outside server lists to a `Tool` that passes the gate like our own."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, TypeGuard

from pydantic import (
    BaseModel,
    ConfigDict,
    TypeAdapter,
    ValidationInfo,
    create_model,
    model_validator,
)
from pydantic_core import from_json

from deskward.core.bounded import Check, check_of
from deskward.core.errors import OutcomeUnknown
from deskward.core.patternless import patternless
from deskward.core.tasks import Stopped
from deskward.core.written import Written
from deskward.gate.context import Context
from deskward.gate.provenance import reader_of
from deskward.gate.reconcile import Reconcile
from deskward.gate.schemas import JsonSchema, without
from deskward.gate.tool import Facts, Function, Risk, Tool
from deskward.hub.besides import stands_for

OWNERS = frozenset({"customer_id", "user_id"})
"""Parameters that are bound to the verified customer, whoever's tool it is."""

PLACE = re.compile(r"{(\w+)}")
"""A parameter in a path."""
MAX_DESCRIPTION = 4_000
LONGEST_NAME = 24
"""Characters of the name of a parameter that a built-in tool does not have."""

_SCOPES = {
    # (for customers, reads)
    (False, True): "remote:read",
    (False, False): "remote:write",
    (True, True): "remote_customers:read",
    (True, False): "remote_customers:write",
}


class JsonArguments(BaseModel):
    """Arguments that a JSON Schema describes."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    check: ClassVar[Check]
    properties: ClassVar[Mapping[str, Any]]

    @model_validator(mode="before")
    @classmethod
    def _fits(cls, data: Any, info: ValidationInfo) -> Any:
        if info.mode == "python":  # from a door whose arguments are all text
            data = {name: cls._typed(name, value) for name, value in data.items()}
        for name in data.keys() - cls.properties.keys():
            raise ValueError(f"{str(name)[:64]} is no parameter of this tool")
        if problem := cls.check(data):
            raise ValueError(problem)
        return data

    @classmethod
    def _typed(cls, name: str, value: Any) -> Any:
        """A text as what the schema wants, where it wants no text."""
        kinds = set(_kinds(cls.properties.get(name)))
        if isinstance(value, str) and not kinds & {"string", None}:
            with contextlib.suppress(ValueError):
                return from_json(value)
        return value


def remote_tool(
    listed: Mapping[str, Any],
    function: Function,
    *,
    name: str,
    server: str,
    tenant: str,
    twin: Tool | None,
    facts: Facts | None,
    reads: bool = False,
    for_customers: bool = False,
    hands_over: str | None = None,
    reconcile: Reconcile | None = None,
) -> Tool:
    """A tool that calls an outside one.

    Args:
        listed: As `tools/list` shows it.
        function: Makes the call.
        name: What it is called here.
        server: The server's name.
        tenant: The tenant whose server it is.
        twin: A built-in tool that it takes the place of, whose scope it inherits.
        facts: Loads the record that a call is about.
        reads: Whether a person has said that it only reads; a twin's risk is that of the tool whose
            place it takes.
        for_customers: Whether a person has accepted it for customers, too.
        hands_over: See `Tool`.
        reconcile: See `Tool`.

    Raises:
        ValueError: The server's description of it cannot be used; says why.
    """
    schema = dict(listed.get("inputSchema") or {"type": "object"})
    schema.setdefault("properties", {})
    check = check_of(schema)
    if not (name.isidentifier() and name.isascii() and len(name) <= 64):
        raise ValueError("its name has other characters than letters, digits and underscores")
    if twin is not None:
        reads = twin.risk is Risk.READ
    arguments = create_model(name, __base__=JsonArguments)
    arguments.check = staticmethod(check)
    arguments.properties = schema["properties"]
    bound = OWNERS & schema["properties"].keys()
    if twin is not None and facts is None and not twin.bound <= bound:
        raise ValueError(f"it lacks {', '.join(twin.bound - bound)}, so that it knows no limits")
    shown = _as_ours(schema, twin.input_schema()) if twin is not None else schema
    addresses = _addresses(name, twin, frozenset(schema["properties"]))
    return Tool(
        name=name,
        description=twin.description
        if twin
        else str(listed.get("description") or name)[:MAX_DESCRIPTION],
        function=function,
        scope=twin.scope if twin else _SCOPES[for_customers, reads],
        # By a person's word, and never by its server's (`readOnlyHint`).
        risk=Risk.READ if reads else Risk.OUTSIDE,
        method=addresses[0][0],
        path=addresses[0][1],
        also=addresses[1:],
        arguments=arguments,
        parameters=frozenset(schema["properties"]),
        result=TypeAdapter(dict[str, Any]),
        bound=bound,
        secret=frozenset(),
        facts=facts,
        hands_over=hands_over,
        server=server,
        tenant=tenant,
        reader=reader_of(Annotated[dict[str, Any], Written(by="outside")], name),
        writes_text=True,
        foreign=twin is None,
        stands_for=stands_for(str(listed["name"])),
        reconcile=reconcile,
        _schema=shown,
        _bound_schema=without(shown, bound),
        _output_schema=_output(listed, twin),
    )


def _addresses(
    name: str, twin: Tool | None, parameters: frozenset[str]
) -> tuple[tuple[str, str], ...]:
    """Method and path of a tool's REST addresses: those of its twin first, if it can be there."""
    own = ("POST", f"/tools/{name}")
    if twin is None:
        return (own,)
    inherited = (a for a in twin.addresses if parameters.issuperset(PLACE.findall(a[1])))
    return (*inherited, own)


def _kinds(schema: Any) -> Iterator[str | None]:
    """The types that a parameter's schema allows; None where it does not say."""
    parts = schema.get("anyOf", [schema]) if isinstance(schema, Mapping) else [schema]
    for part in parts:
        named = part.get("type") if isinstance(part, Mapping) else None
        yield from named if isinstance(named, list) else [named]


def answer_check(listed: Mapping[str, Any]) -> Check | None:
    """What checks a tool's answers, where its server says how they are built.

    Raises:
        ValueError: See `check_of`.
    """
    schema = listed.get("outputSchema")
    return check_of(schema) if _is_object(schema) else None


def _is_object(schema: Any) -> TypeGuard[JsonSchema]:
    return isinstance(schema, dict) and schema.get("type") == "object"


def _output(listed: Mapping[str, Any], twin: Tool | None) -> JsonSchema:
    schema = listed.get("outputSchema")
    if _is_object(schema):  # whoever calls us may check it by what we show
        shown: JsonSchema = patternless(schema) if twin is None else _wordless(schema)
        return shown
    return {"type": "object", "additionalProperties": True}


def _as_ours(schema: JsonSchema, ours: JsonSchema) -> JsonSchema:
    """A twin's schema in our words: its server's texts are no part of what a model is shown.

    Of a parameter that the built-in tool does not have only name and type are told, where the
    server cannot do without it.

    Raises:
        ValueError: The name of such a parameter could say something.
    """
    known, required = ours.get("properties", {}), schema.get("required", [])
    shown: JsonSchema = {}
    for name, part in schema["properties"].items():
        if name in known:
            shown[name] = known[name]
        elif name in required:
            if not name.isidentifier() or len(name) > LONGEST_NAME:
                raise ValueError("a parameter's name has other characters than an identifier's")
            shown[name] = _wordless(part)
    needed = [name for name in required if name in shown]
    return {**_wordless(schema), "properties": shown, "required": needed}


_WORDLESS = frozenset(
    {"type", "properties", "required", "items", "additionalProperties", "anyOf", "oneOf", "allOf"}
)
"""What of a JSON Schema says how an answer is built, and can say nothing else."""


def _wordless(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    found: JsonSchema = {}
    for word, part in schema.items():
        if word not in _WORDLESS:
            continue
        if word == "properties":
            found[word] = {
                name: _wordless(each) for name, each in part.items() if str(name).isidentifier()
            }
        elif word == "required":
            found[word] = [name for name in part if str(name).isidentifier()]
        elif isinstance(part, list):
            found[word] = [_wordless(each) for each in part]
        else:
            found[word] = _wordless(part)
    return found


def calls(call: Any, name: str, *, safe: bool, check: Check | None = None) -> Function:
    """The function of a remote tool.

    Args:
        check: Of its answers; one that does not fit is none.
    """

    async def remote(ctx: Context, **arguments: Any) -> dict[str, Any]:
        report = ctx.progress if ctx.report is not None else None
        if safe or ctx.stop is None:
            key = None if safe else ctx.effect_id
            read: dict[str, Any] = await call(
                name, arguments, safe=safe, key=key, check=check, report=report
            )
            return read
        try:
            with ctx.stop.stops():
                done: dict[str, Any] = await call(
                    name, arguments, safe=False, key=ctx.effect_id, check=check, report=report
                )
        except Stopped:
            raise OutcomeUnknown(
                "The call was cancelled and its server was told so; whether it took effect is not "
                "known. A person has to look before it is tried again."
            ) from None
        return done

    return remote
