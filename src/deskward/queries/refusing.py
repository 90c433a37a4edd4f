"""How a statement is refused, apart from the parser, which is loaded when there is one to read."""

from __future__ import annotations

from typing import NoReturn

from deskward.core.errors import Unfit


def refuse(what: str) -> NoReturn:
    """Refuse a statement, and say what to do.

    Raises:
        Unfit: Always.
    """
    raise Unfit(f"{what} Write one plain SELECT; `list_query_tables` shows of what.")
