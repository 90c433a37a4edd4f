"""What the tools of an outside server are called here.

Names are identifiers, because policies, addresses and models' APIs take no others; servers call
tools `get-user` or `user.get`, too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

LONGEST = 64
"""Characters that models' APIs take."""
_ODD = re.compile(r"[^A-Za-z0-9_]")


def names_of(prefix: str, tools: Iterable[str]) -> dict[str, str]:
    """What tools are called here, by what their server calls them; no two alike.

    A tool whose name can stay keeps it; another that would be called like it gets a part of its
    own name's SHA-256 behind it.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for tool in sorted(tools, key=lambda name: (bool(_ODD.search(name)), name)):
        name = prefix + _ODD.sub("_", tool)
        if name in taken or len(name) > LONGEST or not name.removeprefix(prefix).strip("_"):
            mark = "_" + hashlib.sha256(tool.encode(errors="replace")).hexdigest()[:8]
            name = name[: LONGEST - len(mark)] + mark
        if name not in taken:
            taken.add(name)
            found[tool] = name
    return found
