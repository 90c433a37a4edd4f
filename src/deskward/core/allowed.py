"""What of an outside system each tenant may use: the names that the operator has listed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from deskward.core.errors import Forbidden
from deskward.core.setting_values import by_tenant

_ENTRY = re.compile(r"[\w./-]+\*?")


@dataclass(frozen=True)
class Allowed:
    """Which names each tenant may use.

    Attributes:
        setting: What they are listed in, for whoever is refused.
    """

    setting: str
    _names: Mapping[str, tuple[str, ...]]

    @classmethod
    def parse(cls, setting: str, text: str, default_tenant: str) -> Allowed:
        """Read a list: `customer-queries, shop=orders, shop=shop-*`.

        Args:
            default_tenant: Whose the entries without a tenant are.
        """
        names: dict[str, list[str]] = {}
        for tenant, name in by_tenant(text):
            names.setdefault(tenant or default_tenant, []).append(name)
        return cls(setting, {tenant: tuple(listed) for tenant, listed in names.items()})

    def of(self, tenant: str) -> tuple[str, ...]:
        """What is listed for a tenant, as it is listed: `*` at the end stands for any ending."""
        return self._names.get(tenant, ())

    def permits(self, tenant: str, name: str) -> bool:
        """Whether a tenant may use what is called so."""
        return any(
            name.startswith(entry[:-1]) if entry.endswith("*") else name == entry
            for entry in self.of(tenant)
        )

    def check(self, tenant: str, kind: str, name: str) -> None:
        """See that a tenant may use what is called so.

        Args:
            kind: What it is, in words: a topic, a bucket.

        Raises:
            Forbidden: It may not.
        """
        if not self.permits(tenant, name):
            listed = ", ".join(self.of(tenant)) or "none"
            raise Forbidden(
                f"The {kind} {name!r} is not among those that may be used here: {self.setting} "
                f"lists {listed}. An operator has to list it there.",
                details={"setting": self.setting},
            )

    def among(self, tenant: str, names: Iterable[str]) -> list[str]:
        """Those of some names that a tenant may use, in order."""
        return sorted(name for name in names if self.permits(tenant, name))


def check_listed(value: str) -> str:
    """A list of this form, of a setting.

    Raises:
        ValueError: It has an entry of another form.
    """
    for _tenant, name in by_tenant(value):
        if not _ENTRY.fullmatch(name):
            raise ValueError(
                "its entries are names, separated by commas, each with `tenant=` in front where it "
                "is not the default tenant's; `*` may stand at the end of a name's beginning"
            )
    return value


Listed = Annotated[str, AfterValidator(check_listed)]
