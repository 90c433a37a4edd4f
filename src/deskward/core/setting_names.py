"""What settings are called: each field of a group by its alias, in upper case a variable."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import AliasGenerator, BaseModel, ConfigDict
from pydantic.fields import FieldInfo

Names = Mapping[str, tuple[str | None, str]]
"""What each setting is called → its group, where it has one, and its field there."""


def prefixed(prefix: str) -> ConfigDict:
    """The form of a group whose settings are called by this prefix and the field's name.

    A field that is called otherwise says so by its `validation_alias`.
    """
    return ConfigDict(alias_generator=AliasGenerator(validation_alias=lambda field: prefix + field))


class Group(BaseModel):
    """Settings that belong together."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


@cache
def names(settings: type[BaseModel]) -> Names:
    """What each setting is called → its group, where it has one, and its field there."""
    found: dict[str, tuple[str | None, str]] = {}
    for name, field in settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Group):
            for inner, part in field.annotation.model_fields.items():
                found[str(part.validation_alias)] = (name, inner)
        else:
            found[name] = (None, name)
    return found


def fields(settings: type[BaseModel]) -> dict[str, FieldInfo]:
    """What each setting is called → its field."""
    found = {}
    for name, (group, field) in names(settings).items():
        part = settings.model_fields[group].annotation if group else settings
        assert part is not None
        found[name] = part.model_fields[field]
    return found


def nested(known: Names, flat: Mapping[str, Any]) -> dict[str, Any]:
    """Values by the settings' names, as the groups want them."""
    found: dict[str, Any] = {}
    for name, value in flat.items():
        group = known[name][0] if name in known else None
        if group is None:
            found[name] = value
        else:
            found.setdefault(group, {})[name] = value
    return found
