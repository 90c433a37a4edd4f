"""Roles: which scopes they give, and the tier of staff that they stand for.

They are data (`policies/roles.yaml`), so that an operator changes them without touching code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from deskward.security.principals import Principal

SHIPPED = Path(__file__).parent.parent / "policies"
FILE = "roles.yaml"


class Role(BaseModel):
    """What a role gives.

    Attributes:
        scopes: `group:verb`; a tool names one scope.
        extends: A role all of whose scopes this one has too.
        tier: How far up a member of staff is; 0 for those who are none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    scopes: frozenset[str] = frozenset()
    extends: str | None = None
    tier: int = Field(0, ge=0, le=9)


_FORM = TypeAdapter(dict[str, Role])


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
        try:
            return cls(_FORM.validate_python(yaml.safe_load(text)))
        except yaml.YAMLError as error:
            raise ValueError(f"{FILE} is not valid YAML: {error}") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise ValueError(f"{FILE}: {where}: {first['msg']}") from None

    @classmethod
    def load(cls, folder: Path | None = None) -> Roles:
        """Read them from a folder of policies, or those that ship where it has none.

        Raises:
            ValueError: See `parse`.
        """
        file = (folder or SHIPPED) / FILE
        return cls.parse((file if file.exists() else SHIPPED / FILE).read_text(encoding="utf-8"))

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
