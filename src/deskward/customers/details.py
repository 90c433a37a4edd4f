"""What is told of a customer, in the forms in which it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from deskward.core.custom_fields import CustomFields, Value
from deskward.core.errors import Unfit
from deskward.customers.addresses import keyed
from deskward.customers.models import EMAIL, PHONE, Details, folded_name
from deskward.customers.normal import language_key, zone_key

STANDARD = "standard"
"""The tier of whom nobody gave another one."""


@dataclass
class Checked:
    """Details in the forms in which they are kept.

    Attributes:
        columns: Values of the columns of the customer's row, without `fields`.
        lists: Kind of address → one form → address as it was given; of kinds that were told.
        verified: The one forms of mail addresses that are known to be theirs.
        external: System and id, or None where nothing was told.
        fields: Values of declared fields; None takes one away.
    """

    columns: dict[str, Any]
    lists: dict[str, dict[str, str]]
    verified: set[str]
    external: list[tuple[str, str]] | None
    fields: dict[str, Value | None] = field(default_factory=dict)


def checked(details: Details, declared: CustomFields) -> Checked:
    """What was told, in the forms in which it is kept.

    Raises:
        Unfit: Something is not of its form.
    """
    told = details.model_fields_set
    columns = _columns(details)
    lists: dict[str, dict[str, str]] = {}
    for kind, given in ((EMAIL, details.emails), (PHONE, details.phones)):
        if f"{kind}s" in told:
            lists[kind] = keyed(kind, given or ())
            columns[kind] = next(iter(lists[kind].values()), None)
    verified = set(keyed(EMAIL, details.verified or ()))
    if verified - lists.get(EMAIL, {}).keys():
        raise Unfit("What is verified is one of the mail addresses that are given with it.")
    external = [(one.system, one.id) for one in details.external_ids or ()]
    return Checked(
        columns,
        lists,
        verified,
        list(dict.fromkeys(external)) if "external_ids" in told else None,
        declared.checked(details.fields or {}),
    )


def _columns(details: Details) -> dict[str, Any]:
    names = ("name", "address", "tier", "language", "time_zone", "tags")
    found = {name: getattr(details, name) for name in names if name in details.model_fields_set}
    if details.name is not None:
        found["folded"] = folded_name(details.name)
    else:
        found.pop("name", None)  # a customer always has one
    if "tier" in found:
        found["tier"] = details.tier or STANDARD
    if details.language is not None:
        found["language"] = language_key(details.language)
    if details.time_zone is not None:
        found["time_zone"] = zone_key(details.time_zone)
    if "tags" in found:
        plain = (tag.strip() for tag in details.tags or ())
        found["tags"] = list({tag.casefold(): tag for tag in plain}.values())
    return found
