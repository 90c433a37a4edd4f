"""What policies know of a call: everything that a verdict depends on, as plain JSON.

The ledger keeps the facts of every call, so that a verdict can be explained, and asked again under
other policies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from deskward.gate.context import Context
from deskward.gate.influence import Influence
from deskward.gate.tool import Risk, Tool
from deskward.security.principals import Kind, Principal

CUSTOMERS = ("customer_id", "user_id")
"""Parameters that name the customer whom a call is about."""

_NOTHING = Influence()


def facts_of(
    tool: Tool,
    context: Context,
    arguments: Mapping[str, Any],
    record: Mapping[str, Any] | None,
    moment: datetime,
    *,
    given: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The facts of one call.

    Args:
        arguments: As the tool takes them, as JSON, without secrets.
        record: The record that the call is about.
        moment: Now, in the desk's time zone.
        given: The arguments as the caller gave them; by default `arguments`.
    """
    influence = context.influence or _NOTHING
    taint = context.reading.sources
    about = about_whom(context.principal, arguments, record)
    facts: dict[str, Any] = {
        "door": context.door,
        "args": dict(arguments),
        "taint": sorted(taint),
        "tainted": bool(taint),
        "own_words": context.influence is not None
        and _own_words(context, tool, given or arguments, record or {}),
        "unsure": context.unsure or (tool.wish is not None and influence.is_against(tool.wish)),
        "about_known": about is not None and _expected(about, context.principal, influence),
        "weekday": moment.isoweekday(),
        "minute": moment.hour * 60 + moment.minute,
        "doubts": sorted(context.doubts),
    }
    if context.confirmation_id is not None:
        facts["confirmed"] = True
    if record is not None:
        facts["record"] = dict(record)
    if about is not None:
        facts["about"] = about
    if context.confidence is not None:
        facts["confidence"] = context.confidence
    return facts


def about_whom(
    principal: Principal, arguments: Mapping[str, Any], record: Mapping[str, Any] | None
) -> str | None:
    """The customer whom a call is about, where it is about one."""
    if record is not None and isinstance(record.get("owner"), str):
        return str(record["owner"])
    for name in CUSTOMERS:
        if isinstance(arguments.get(name), str):
            return str(arguments[name])
    return principal.id if principal.kind is Kind.CUSTOMER else None


def _own_words(
    context: Context, tool: Tool, given: Mapping[str, Any], record: Mapping[str, Any]
) -> bool:
    """Whether its principal has asked for a call: what is read by its arguments, a deed by name."""
    influence = context.influence or _NOTHING
    chosen = {name: given[name] for name in given.keys() - tool.bound}
    if tool.risk is Risk.READ:
        return influence.own_words(chosen)
    if tool.wish is not None and tool.wish.answers:
        return influence.answered(tool.wish, chosen, record)
    if tool.wish is not None:
        chosen = influence.unknown(tool.wish, chosen, record)
    strict = context.principal.kind is Kind.CUSTOMER
    return tool.wish is not None and influence.wished(
        tool.wish,
        chosen,
        tool=tool.name,
        strict=strict,
        currency=str(record.get("currency") or ""),
        others=frozenset(_not_chosen(chosen, _choices(tool))),
    )


def _not_chosen(given: Mapping[str, Any], choices: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """What could have been given instead of each argument that is one of a set."""
    for name, value in given.items():
        if isinstance(value, Mapping):
            yield from _not_chosen(value, choices)
        elif isinstance(value, str):
            yield from choices.get(name, frozenset()) - {value}


@lru_cache(maxsize=512)
def _choices(tool: Tool) -> Mapping[str, frozenset[str]]:
    """The arguments that are one of a set of words, at any depth: name → the words."""
    return dict(_choices_in(tool.input_schema()))


def _choices_in(schema: Any, name: str = "") -> Iterator[tuple[str, frozenset[str]]]:
    if isinstance(schema, list):
        for part in schema:
            yield from _choices_in(part, name)
    elif isinstance(schema, dict):
        if isinstance(words := schema.get("enum"), list):
            yield name, frozenset(word for word in words if isinstance(word, str))
        for word in ("anyOf", "oneOf", "allOf", "items"):
            yield from _choices_in(schema.get(word), name)
        for named, part in schema.get("properties", {}).items():
            yield from _choices_in(part, named)


def _expected(about: str, principal: Principal, influence: Influence) -> bool:
    is_self = principal.kind is Kind.CUSTOMER and about == principal.id
    return is_self or about in influence.subjects
