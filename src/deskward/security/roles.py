"""Roles: which scopes they give, and the tier of staff that they stand for.

They are data (`policies/roles.yaml`, and such a file of each slice), so that an operator changes
them without touching code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from deskward.security.principals import DEFAULT_ROLES, Kind, Principal

FILE = "roles.yaml"


class Role(BaseModel):
    """What a role gives.

    Attributes:
        scopes: `group:verb`; a tool names one scope.
        extends: A role all of whose scopes this one has too.
        tier: How far up a member of staff is; 0 for those who are none.
        kind: The kind of caller that it is for. Unset: that of the role that it extends, staff
            where it has a tier, or any that is no customer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    scopes: frozenset[str] = frozenset()
    extends: str | None = None
    tier: int = Field(0, ge=0, le=9)
    kind: Kind | None = None


_FORM = TypeAdapter(dict[str, Role])


def merged(texts: Sequence[str]) -> str:
    """Several files of roles as one: a role has the scopes of all of them together.

    Raises:
        ValueError: One is not of the form, or two do not agree on what a role extends, or its tier.
    """
    if len(texts) == 1:
        return texts[0]
    whole: dict[str, dict[str, Any]] = {}
    for text in texts:
        for name, role in _parsed(text).items():
            told = role.model_dump(mode="json", exclude_unset=True)
            known = whole.setdefault(name, {})
            scopes = {*known.get("scopes", ()), *told.pop("scopes", ())}
            if unlike := {key for key in told.keys() & known.keys() if told[key] != known[key]}:
                raise ValueError(f"{FILE}: two files do not agree on {name}.{min(unlike)}")
            known |= {**told, "scopes": sorted(scopes)}
    return yaml.dump(whole, Dumper=yaml.CSafeDumper, sort_keys=False)


@lru_cache(maxsize=64)
def _parsed(text: str) -> Mapping[str, Role]:
    try:
        return _FORM.validate_python(yaml.load(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError as error:
        raise ValueError(f"{FILE} is not valid YAML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"{FILE}: {where}: {first['msg']}") from None


class Roles:
    """The roles of a desk."""

    def __init__(self, roles: Mapping[str, Role]) -> None:
        """Put them together.

        Raises:
            ValueError: A role extends one that does not exist, or itself.
        """
        self._roles = dict(roles)
        self._lines = {name: self._line(name) for name in roles}
        self._scopes: dict[tuple[str, ...], frozenset[str]] = {}

    @classmethod
    def parse(cls, text: str) -> Roles:
        """Read them from YAML.

        Raises:
            ValueError: The text is no YAML, or not of the form; says where.
        """
        return cls(_parsed(text))

    @property
    def names(self) -> list[str]:
        """The names of all roles."""
        return list(self._roles)

    @property
    def all_scopes(self) -> frozenset[str]:
        """Every scope that some role gives."""
        return frozenset().union(*(role.scopes for role in self._roles.values()))

    def scopes(self, names: tuple[str, ...]) -> frozenset[str]:
        """All that these roles give together; an unknown role gives nothing."""
        found = self._scopes.get(names)
        if found is None:
            lines = self.with_extended(names)
            found = frozenset().union(*(self._roles[name].scopes for name in lines))
            self._scopes[names] = found
        return found

    def tier(self, names: Iterable[str]) -> int:
        """The highest tier of these roles."""
        return max((self._roles[name].tier for name in self.with_extended(names)), default=0)

    def with_extended(self, names: Iterable[str]) -> list[str]:
        """These roles and all that they extend, each once."""
        return list(dict.fromkeys(role for name in names for role in self._lines.get(name, ())))

    def fits(self, name: str, kind: Kind) -> bool:
        """Whether a caller of that kind may have the role."""
        line = self._lines[name]
        told = next((self._roles[one].kind for one in line if self._roles[one].kind), None)
        if told is None:
            usual = [one for one in Kind if DEFAULT_ROLES[one] in line]
            told = usual[0] if usual else Kind.STAFF if self.tier([name]) else None
        return kind is told if told else kind is not Kind.CUSTOMER

    def may(self, principal: Principal, scope: str) -> bool:
        """Whether the principal's roles give the scope."""
        return scope in self.scopes(principal.roles)

    def _line(self, name: str) -> list[str]:
        line: list[str] = []
        at: str | None = name
        while at is not None:
            if at in line:
                raise ValueError(f"{FILE}: the role {name!r} extends itself")
            if at not in self._roles:
                raise ValueError(f"{FILE}: {line[-1]!r} extends {at!r}, which is no role")
            line.append(at)
            at = self._roles[at].extends
        return line
