"""Resources: what MCP clients read by an address, by way of a tool that reads one of them.

So that a reading passes the gate as every call does, and shows what its caller may see.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

MOST_COMPLETED = 100
"""Values that a completion gives at the most (MCP 2025-11-25, Completion)."""
_QUERY = re.compile(r"{\?(\w+(?:,\w+)*)}\Z")
_VARIABLE = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class Resource:
    """Marks a tool as the reader of resources.

    Attributes:
        template: The form of their addresses (RFC 6570), with one variable, which is the tool's
            argument: `kb://articles/{article_id}`. Further arguments, which are texts, may stand
            in their query: `db://{collection}{?cursor}`. Without a variable it is a single
            address, as `kafka://topics`, of which the tool's whole answer is the content.
        name: What one of them is called.
        listed_by: The tool that lists those that the caller may read. It takes `prefix`, `after`
            and `limit`, and answers with `total` and `entries` in the order of their addresses,
            each with `address`, `id`, `title`, and where they are known `language`, `size` and
            `changed_at`.
        among: What it is given besides to list these alone.
        mime_type: What the field `text` of the reading tool's answer is. Where it is JSON, the
            whole answer is what is read.
        about: Fields of that answer that clients are told beside the text.
    """

    template: str
    name: str
    listed_by: str = ""
    among: Mapping[str, Any] = field(default_factory=dict)
    mime_type: str = "text/markdown"
    about: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """See that its template has one variable, or that it is one address and nothing lists it.

        Raises:
            TypeError: It is neither.
        """
        variables = len(_VARIABLE.findall(self.template))
        if variables != (1 if self.listed_by else 0):
            raise TypeError(f"{self.template!r} is neither a template with one variable nor alone")

    @property
    def single(self) -> bool:
        """Whether it is a single address."""
        return not self.listed_by

    @property
    def whole(self) -> bool:
        """Whether the tool's whole answer is what is read."""
        return self.mime_type == "application/json"

    @property
    def variable(self) -> str:
        """The name of the template's variable."""
        return str(_VARIABLE.findall(self.template)[0])

    def value_in(self, address: str) -> str | None:
        """The variable's value in an address; None where the address is not of this form."""
        path = _QUERY.sub("", self.template)
        before, _, after = path.partition(f"{{{self.variable}}}")
        if not (address.startswith(before) and address.endswith(after)):
            return None
        value = address.removeprefix(before).removesuffix(after)
        return unquote(value) if value and not set("/?#") & set(value) else None

    def arguments_in(self, address: str) -> dict[str, str] | None:
        """The tool's arguments in an address; None where the address is not of this form."""
        further = _QUERY.search(self.template)
        path, _, query = address.partition("?") if further is not None else (address, "", "")
        value = self.value_in(path)
        given = dict(parse_qsl(query, keep_blank_values=True))
        known = set(further[1].split(",")) if further is not None else set()
        if value is None or not known.issuperset(given):
            return None
        return {self.variable: value, **given}
