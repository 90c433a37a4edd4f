"""Views: a chosen set of tools under an address of its own, for one audience.

They are also called virtual servers. A tool that is not in one is unknown there, and so are its
resources; what may be done with those that are in it, the policies say as everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from deskward.security.principals import Principal
from deskward.security.roles import Roles

MOST = 100
"""Views of a desk."""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")

Pattern = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}\*?$")]


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    tools: Annotated[list[Pattern], Field(min_length=1, max_length=500)]
    roles: Annotated[list[str], Field(min_length=1)]
    tenants: list[str] | None = None


_FORM = TypeAdapter(dict[str, _Told])


@dataclass(frozen=True)
class View:
    """A chosen set of tools.

    Attributes:
        name: In its address.
        names: Of its tools.
        beginnings: Of the names of further ones, such as all of one outside server's.
        roles: Who may use it: those who have one of these roles, or one that extends it.
        tenants: Whose callers may; None: all.
    """

    name: str
    names: frozenset[str]
    beginnings: tuple[str, ...]
    roles: frozenset[str]
    tenants: frozenset[str] | None = None

    def holds(self, tool: str) -> bool:
        """Whether a tool is in it."""
        return tool in self.names or tool.startswith(self.beginnings)

    def admits(self, principal: Principal, roles: Roles) -> bool:
        """Whether it is for this caller."""
        if self.tenants is not None and principal.tenant not in self.tenants:
            return False
        return not self.roles.isdisjoint(roles.with_extended(principal.roles))


def read_views(
    file: Path, tools: Iterable[str], roles: Iterable[str], taken: Iterable[str]
) -> Mapping[str, View]:
    """The views of a file, by name.

    Args:
        file: YAML: name → `tools` (names, or the beginning of some and `*`), `roles`, `tenants`.
        tools: The names of the desk's own; those of outside servers have two underscores in them,
            and may come later.
        roles: The names of the roles that there are.
        taken: Names that mean something else where views are named.

    Raises:
        ValueError: It cannot be read, or is not right; says what and where.
    """
    try:
        told = _FORM.validate_python(yaml.safe_load(file.read_text("utf-8")))
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise ValueError(f"{file} is no YAML: {str(error).partition(chr(10))[0]}") from None
    except RecursionError:
        raise ValueError(f"{file} is nested too deeply") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ValueError(f"{file}: {where}: {first['msg']}") from None
    if len(told) > MOST:
        raise ValueError(f"{file}: {len(told)} servers; at most {MOST} are taken")
    own, known, taken = set(tools), set(roles), set(taken)
    return {
        name: _view(f"{file}: {name}", name, one, own, known, taken) for name, one in told.items()
    }


def _view(
    where: str, name: str, told: _Told, tools: set[str], roles: set[str], taken: set[str]
) -> View:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{where}: a name has small Latin letters, digits and `-`, at most 32")
    if name in taken:
        raise ValueError(f"{where}: there is a group of tools of this name; take another one")
    if unknown := sorted(set(told.roles) - roles):
        raise ValueError(f"{where}: there is no role {unknown[0]!r}")
    names = frozenset(one for one in told.tools if not one.endswith("*"))
    beginnings = tuple(one[:-1] for one in told.tools if one.endswith("*"))
    for one in sorted(names):
        if one not in tools and "__" not in one:
            raise ValueError(f"{where}: there is no tool {one!r}")
    for one in beginnings:
        if "__" not in one and not any(tool.startswith(one) for tool in tools):
            raise ValueError(f"{where}: no tool's name begins with {one!r}")
    tenants = frozenset(told.tenants) if told.tenants is not None else None
    return View(name, names, beginnings, frozenset(told.roles), tenants)
