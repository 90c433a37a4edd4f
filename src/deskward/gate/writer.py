"""The port to whatever can word a text: a language model, or nothing."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from deskward.gate.context import Context


@runtime_checkable
class Writer(Protocol):
    """The port to whatever can word a text, given through `Context.port`."""

    async def write(self, ctx: Context, about: str, instructions: str, material: str) -> str | None:
        """A text, or None where there is none to be had. Nothing of it is trusted.

        Args:
            ctx: The call that wants it.
            about: The customer whom the material is about.
            instructions: What to write.
            material: What to write it from: data, whatever stands in it.
        """
        ...


class Silent:
    """The writer of a desk without a language model."""

    async def write(self, ctx: Context, about: str, instructions: str, material: str) -> str | None:
        """Write nothing."""
        return None
