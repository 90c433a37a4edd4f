"""Addresses as the log may have them: without a customer's id, which a log could not forget."""

from __future__ import annotations

import re
from collections.abc import Iterable

from deskward.gate.tool import Tool

CUSTOMER = frozenset({"customer_id", "user_id"})
"""How parameters that name a customer are called."""

_SLASHES = re.compile("/{2,}")
_PARAMETER = re.compile(r"{(\w+)(:\w+)?}")


class LogPaths:
    """Knows which part of an address is whose id.

    A tool's address hides what is bound to the customer. A route that was written by hand hides
    every parameter, so that none can be forgotten.
    """

    def __init__(self, by_hand: Iterable[str], tools: Iterable[Tool]) -> None:
        """Learn the addresses.

        Args:
            by_hand: Paths of routes that are no tool's, with `{parameters}`.
            tools: All tools.

        Raises:
            TypeError: A tool has a customer's id in its address, and does not bind it.
        """
        hidden: dict[str, str] = {}
        for path in by_hand:
            hidden |= _hidden(path, None)
        for tool in tools:
            for _, path in tool.addresses:
                names = {found[1] for found in _PARAMETER.finditer(path)}
                if unbound := names & CUSTOMER - tool.bound:
                    raise TypeError(
                        f"tool {tool.name}: {unbound.pop()} in {path} must be an OwnCustomerId: "
                        "otherwise any customer could name it, and the log would keep it"
                    )
                hidden |= _hidden(path, tool.bound)
        self._hidden = [(re.compile(p, re.DOTALL), shown) for p, shown in sorted(hidden.items())]

    def __call__(self, path: str) -> str:
        """Return the path with each id replaced by its parameter's name."""
        path = _SLASHES.sub("/", path)  # as they were meant: a base URL may end in one, too
        for pattern, shown in self._hidden:
            path = pattern.sub(shown, path, count=1)
        return path


def _hidden(path: str, names: Iterable[str] | None) -> dict[str, str]:
    """Pattern → replacement of each parameter of a path; of all where `names` is None."""
    hidden = {}
    for found in _PARAMETER.finditer(path):
        if names is None or found[1] in names:
            before = "".join(
                "[^/]+" if _PARAMETER.fullmatch(part) else re.escape(part)
                for part in re.split(r"({[^{}]+})", path[: found.start()])
            )
            hidden[f"^({before}){'.+' if found[2] else '[^/]+'}"] = rf"\1{{{found[1]}}}"
    return hidden
