"""Parts that a bare `pip install deskward` leaves out, and what to say where one is missing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal

Extra = Literal[
    "anthropic", "aws", "folders", "graphql", "imap", "kafka", "openai", "postgres", "redis", "smtp"
]


class MissingExtra(ValueError):
    """A setting wants a part that is not installed."""

    def __init__(self, extra: Extra, wanted_by: str) -> None:
        super().__init__(
            f"{wanted_by} needs a part that is not installed. Bring it with: "
            f'pip install "deskward[{extra}]"'
        )


@contextlib.contextmanager
def extra(name: Extra, wanted_by: str) -> Iterator[None]:
    """Import, in the block, what only an extra brings.

    Args:
        name: The extra, as in pyproject.toml.
        wanted_by: The setting for whose sake it is imported.

    Raises:
        MissingExtra: It is not installed; the message has the command that brings it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "deskward":
            raise
        raise MissingExtra(name, wanted_by) from error
