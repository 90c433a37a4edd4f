"""What was just found, shared by all who look for it in the same step of the event loop."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class AtOnce(Generic[T]):
    """Remembers what was found until the event loop's next step.

    Requests that arrive together ask the same, and between them nothing can have been waited for:
    whoever looks in this step was called before it, and what was found was true after that. So it
    is as fresh as if each had looked, as long as looking itself waits for nothing.
    """

    def __init__(self) -> None:
        self._found: dict[str, T] = {}

    def get(self, name: str) -> T | None:
        """What was found by this name in this step, or None."""
        return self._found.get(name)

    def keep(self, name: str, found: T) -> None:
        """Share what was found in this step, without having waited for anything."""
        if not self._found:
            asyncio.get_running_loop().call_soon(self._found.clear)
        self._found[name] = found
