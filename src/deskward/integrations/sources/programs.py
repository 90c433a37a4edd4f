"""Running `git` and `svn`: in an environment of their own, with limits of time and size."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from deskward.knowledge.origins import Unreachable

SILENCE = 60.0
"""Seconds for which a program that speaks with a server may say nothing."""
WHOLE = 3600.0
"""Seconds that it may take in all."""
LARGEST = 4_000_000_000
"""Bytes that it may bring."""
LOOKS = 1.0
"""Seconds between looks at how much there is."""
MOST_SAID = 64 * 1024 * 1024
"""Bytes of output that are kept."""

_SECRET = re.compile(r"://[^/@\s]{1,2000}@")


def found(name: str) -> str:
    """The path of a program.

    Raises:
        Unreachable: It is not installed.
    """
    path = shutil.which(name)
    if path is None:
        raise Unreachable(f"The program `{name}` is not installed on this machine.")
    return path


def surroundings(home: Path, **more: str) -> dict[str, str]:
    """An environment with nothing of the desk's: no secret, no proxy, no settings of users."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        **more,
    }


class Failed(Exception):
    """A program ended with an error; the message is what it said last."""


async def run(
    words: Sequence[str],
    environment: Mapping[str, str],
    *,
    silence: float | None = None,
    given: bytes = b"",
    grows: Path | None = None,
) -> bytes:
    """Run a program; gives what it writes.

    Args:
        silence: Seconds for which it may write nothing at all, if not `SILENCE`.
        given: Its standard input.
        grows: The folder that it fills.

    Raises:
        Failed: It ended with an error.
        Unreachable: It took too long, or brought too much.
    """
    child = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
        start_new_session=True,
    )
    watched = _Watched(child, SILENCE if silence is None else silence, grows)
    try:
        async with asyncio.timeout(WHOLE):
            output, said = await watched.finish(given)
    except TimeoutError:
        raise Unreachable(f"It took more than {WHOLE / 60:g} minutes.") from None
    finally:
        await _kill(child)
    if child.returncode:
        raise Failed(_last(said))
    return output


class _Watched:
    """A program of which is known when it last wrote something."""

    def __init__(
        self, child: asyncio.subprocess.Process, silence: float, grows: Path | None
    ) -> None:
        self._child = child
        self._silence = silence
        self._grows = grows
        self._heard = asyncio.get_running_loop().time()

    async def finish(self, given: bytes) -> tuple[bytes, bytes]:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        assert self._child.stderr is not None
        with contextlib.suppress(ConnectionError):
            self._child.stdin.write(given)
            self._child.stdin.close()
        reading = asyncio.gather(
            self._read(self._child.stdout), self._read(self._child.stderr), self._child.wait()
        )
        try:
            while not reading.done():
                await asyncio.wait([reading], timeout=LOOKS)
                await self._check()
            output, said, _ = await reading
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await reading
        return output, said

    async def _read(self, stream: asyncio.StreamReader) -> bytes:
        kept = bytearray()
        while piece := await stream.read(65536):
            self._heard = asyncio.get_running_loop().time()
            kept += piece
            if len(kept) > MOST_SAID:
                raise Unreachable("It lists more than is read.")
        return bytes(kept)

    async def _check(self) -> None:
        if asyncio.get_running_loop().time() - self._heard > self._silence:
            raise Unreachable(f"Its server did not answer for {self._silence:g} seconds.")
        if self._grows is not None:
            size = await asyncio.to_thread(_size, self._grows)
            if size > LARGEST:
                raise Unreachable(f"It is larger than {LARGEST // 1_000_000_000} GB.")


async def _kill(child: asyncio.subprocess.Process) -> None:
    """End a program with all that it started."""
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, 9)
    await child.wait()


def _size(folder: Path) -> int:
    total = 0
    for where, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(where, name)).st_size
    return total


def _last(said: bytes) -> str:
    """What a program said last, on one line, without passwords."""
    lines = said.decode("utf-8", "replace").replace("\r", "\n").split("\n")
    told = [line.strip() for line in lines if line.strip() and not line.startswith("hint:")]
    marked = [line for line in told if line.startswith(("fatal:", "error:", "svn:", "ERROR:"))]
    return _SECRET.sub("://", " ".join((marked or told)[-2:]))[:300]
