"""What a server says on its standard streams, which may be closed, full or of few letters.

Nothing here raises or waits: a server must start and stop whoever reads what it says.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
from typing import TextIO

from deskward.core.characters import printable
from deskward.core.credentials import without_credentials

STANDARD = (0, 1, 2)
"""The descriptors of standard input, output and error."""


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a line, as far as the stream takes it now; the rest is dropped.

    Args:
        text: The line, or several.
        stream: Standard output by default.
    """
    stream = stream or sys.stdout
    if stream is None:  # closed before the program started
        return
    with contextlib.suppress(OSError, ValueError):
        stream.flush()
        descriptor = stream.fileno()
        left = f"{printable(without_credentials(text))}\n".encode(
            stream.encoding or "utf-8", "replace"
        )
        while left and _takes(descriptor):
            left = left[os.write(descriptor, left[: select.PIPE_BUF]) :]


def open_standard_streams() -> None:
    """Open the standard streams that are closed, so that no other file gets their number."""
    for descriptor in STANDARD:
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def let_go() -> None:
    """Stop writing to streams that take nothing now: a write that waits for them ends.

    To be called by a signal's handler, which runs in the middle of such a write.
    """
    for descriptor in STANDARD[1:]:
        with contextlib.suppress(OSError):
            if not _takes(descriptor):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, descriptor)
                os.close(nowhere)


def _takes(descriptor: int) -> bool:
    """Whether a write would end at once; it may end with an error."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))
