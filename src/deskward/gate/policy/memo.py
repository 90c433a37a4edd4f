"""Decisions remembered by what the policies really read, so that a like call need not ask Cedar.

A Cedar policy names the attributes that it reads. A decision follows from these, from the tool and
from who calls; whatever else a call holds has no say in it. `reads_of` finds them in the policies'
JSON form, and where it is not sure it takes more. Why a remembered decision is exactly the one that
Cedar would make is in `docs/decisions/0009-remembered-decisions.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic_core import to_json

from deskward.security.principals import Principal

Path = tuple[str, ...]
Key = tuple[Any, ...]
T = TypeVar("T")

MOST = 4096
"""How many decisions one version of the policies remembers."""
LONGEST = 1024
"""Most bytes of what is read; a call of which more is read is not remembered."""
LEAST, GREATEST = -(2**63), 2**63 - 1
"""Cedar's whole numbers."""
DEEPEST = 16
"""How deep facts may be nested to be remembered by."""

_STATIC = frozenset({"Role", "Action", "Tenant"})
"""Types of entities that are the same for every caller of a tool with the same roles and tenant."""


@dataclass(frozen=True)
class Reads:
    """What a set of policies reads of a call.

    Attributes:
        values: Paths into the context whose values are read; the empty one is all of it.
        presences: Paths of which only is asked whether something is there.
        principal_id: Whether it matters who exactly calls, and not just with which roles.
    """

    values: tuple[Path, ...]
    presences: tuple[Path, ...]
    principal_id: bool

    def sees(self, name: str) -> bool:
        """Whether a fact of this name can have a say."""
        return any(path[:1] in ((), (name,)) for path in (*self.values, *self.presences))

    def key(self, tool: str, principal: Principal, facts: Mapping[str, Any]) -> Key | None:
        """What a decision on the call is remembered by; None where it must not be."""
        if not _is_plain(facts, DEEPEST):
            return None
        read: list[Any] = []
        for path in self.values:
            if len(path) == 1:  # as `_at`, at once: it is most of them
                found = facts.get(path[0])
                read.append((found,) if found is not None else 0)
            else:
                read.append(_at(facts, path))
        for path in self.presences:
            found = _at(facts, path)
            read.append(True if isinstance(found, tuple) else found)
        text = to_json(read)
        if len(text) > LONGEST:
            return None
        who = principal.id if self.principal_id else ""
        of_all = (principal.kind, principal.roles, principal.tenant, principal.proof)
        return tool, who, *of_all, principal.agent, principal.via, text


def _at(facts: Mapping[str, Any], path: Path) -> tuple[Any] | int | str:
    """What is at a path, in a tuple; else how far it goes: as text where no record is there."""
    at: Any = facts
    for depth, name in enumerate(path):
        if not isinstance(at, dict):
            return str(depth)
        at = at.get(name)
        if at is None:
            return depth
    return (at,)


def _is_plain(value: Any, deep: int) -> bool:
    """Whether Cedar surely takes a value, and as what it is: an unread one, too, can be refused.

    It refuses large numbers and unpaired surrogates, and reads entities and extensions out of
    objects whose names begin with `__`.
    """
    if value is None or value is True or value is False:
        return True
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, int):
        return LEAST <= value <= GREATEST
    if isinstance(value, float):
        return abs(value) < 9e14  # Cedar's decimals end a little later; not true of NaN
    if not deep:
        return False
    if isinstance(value, dict):
        return _is_plain_record(value, deep)
    return isinstance(value, list | tuple) and all(_is_plain(part, deep - 1) for part in value)


def _is_plain_record(record: Mapping[Any, Any], deep: int) -> bool:
    """The same of a record, without a call for what is plain at first sight: most of it."""
    for name, part in record.items():
        if not (isinstance(name, str) and name.isascii()) or name[:2] == "__":
            return False
        if part is True or part is False or part is None:
            continue
        kind = type(part)
        if kind is str:
            if part.isascii():
                continue
        elif kind is int:
            if LEAST <= part <= GREATEST:
                continue
        elif kind is list and not part and deep > 1:
            continue
        if not _is_plain(part, deep - 1):
            return False
    return True


@dataclass
class _Found:
    values: set[Path] = field(default_factory=set)
    presences: set[Path] = field(default_factory=set)
    principal_id: bool = False


def reads_of(policies: Iterable[Mapping[str, Any]]) -> Reads:
    """What policies in Cedar's JSON form read besides tool, roles, tenant, proof, agent and via."""
    found = _Found()
    for policy in policies:
        _walk(policy["principal"], found, in_scope=True)
        _walk(policy.get("conditions", []), found)
    if () in found.values:
        found.values, found.presences = {()}, set()
    return Reads(
        tuple(sorted(found.values)),
        tuple(sorted(found.presences - found.values)),
        found.principal_id,
    )


def _walk(node: Any, found: _Found, *, in_scope: bool = False) -> None:
    if isinstance(node, list):
        for part in node:
            _walk(part, found)
        return
    if not isinstance(node, dict):
        return
    entity = node.get("entity") if in_scope else node.get("__entity")
    if isinstance(entity, dict) and entity.get("type") not in _STATIC:
        found.principal_id = True
    for operator, body in node.items():
        if isinstance(body, str) and operator == "Var":
            _note(body, (), found)
        elif (path := _path({operator: body})) is not None:
            _note(path[0], path[1:], found, presence=operator == "has")
        elif operator in ("in", "is") and _is_principal(body):
            # Which roles and which kind it is follows from what is always part of the key.
            _walk({name: part for name, part in body.items() if name != "left"}, found)
        else:
            _walk(body, found, in_scope=in_scope)


def _note(root: str, path: Path, found: _Found, *, presence: bool = False) -> None:
    if root == "context":
        (found.presences if presence else found.values).add(path)
    elif root == "principal" and path[:1] in ((), ("id",)):
        found.principal_id = True


def _path(node: Any) -> Path | None:
    """`context.args.status`, or what a `has` asks for, as names; None where it is neither."""
    names: list[str] = []
    while isinstance(node, dict) and len(node) == 1:
        [(operator, body)] = node.items()
        if operator == "Var" and isinstance(body, str):
            return (body, *reversed(names)) if names else None
        if operator not in ((".", "has") if not names else (".",)):
            return None
        if not isinstance(body, dict) or body.keys() != {"left", "attr"}:
            return None
        names.append(body["attr"])
        node = body["left"]
    return None


def _is_principal(body: Any) -> bool:
    return isinstance(body, dict) and body.get("left") == {"Var": "principal"}


class Memo(Generic[T]):
    """The decisions that were made last."""

    def __init__(self) -> None:
        self._known: dict[Key, T] = {}

    def get(self, key: Key) -> T | None:
        """The decision, which is thereby the last one to be forgotten."""
        found = self._known.pop(key, None)
        if found is not None:
            self._known[key] = found
        return found

    def put(self, key: Key, decision: T) -> None:
        """Remember a decision; the one that was not needed for longest is forgotten."""
        if len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        self._known[key] = decision

    def clear(self) -> None:
        """Forget all."""
        self._known.clear()
