"""Reading documents: one child process, used again and again, and replaced when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass
from typing import Any

from deskward.knowledge.formats.blocks import Broken
from deskward.knowledge.formats.chunks import Chunk
from deskward.knowledge.formats.reading import Read

LONGEST_ANSWER = 256 * 1024 * 1024
"""Bytes of what a child answers about one document at the most."""
RENEWED = 2_000
"""Documents after which a child is replaced, so that it does not keep what libraries lose."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one document may cost.

    Attributes:
        size: Bytes of the document.
        memory: Megabytes of the child's address space.
        seconds: Of processor time; of time by the clock twice as many.
    """

    size: int = 32_000_000
    memory: int = 1_000
    seconds: int = 20


class Parser:
    """Reads documents, one at a time."""

    def __init__(self, limits: Limits | None = None) -> None:
        """Make one; the child is started with the first document."""
        self.limits = limits or Limits()
        self._lock = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None
        self._served = 0

    async def read(self, form: str, path: str, data: bytes) -> Read:
        """What a document says.

        Raises:
            Broken: It cannot be read, or costs too much; says why.
        """
        if len(data) > self.limits.size:
            raise too_large(len(data), self.limits.size)
        async with self._lock:
            try:
                async with asyncio.timeout(2 * self.limits.seconds):
                    answer = await self._asked(form, path, data)
            except TimeoutError:
                await self._end()
                problem = f"it was not read within {2 * self.limits.seconds} seconds"
                raise Broken(problem) from None
            except BaseException:
                await self._end()  # its answer to this one may still come
                raise
        if "broken" in answer:
            raise Broken(answer["broken"])
        chunks = [Chunk(tuple(headings), text) for headings, text in answer["chunks"]]
        return Read(answer["title"], answer["language"], answer["told"], chunks)

    async def aclose(self) -> None:
        """End the child."""
        async with self._lock:
            await self._end()

    async def _asked(self, form: str, path: str, data: bytes) -> dict[str, Any]:
        child = await self._ready()
        assert child.stdin is not None
        assert child.stdout is not None
        asked = json.dumps({"form": form, "path": path, "size": len(data)}).encode() + b"\n"
        try:
            child.stdin.write(asked)
            child.stdin.write(data)
            await child.stdin.drain()
            line = await child.stdout.readline()
        except (ConnectionError, BrokenPipeError):
            line = b""
        except ValueError:
            await self._end()
            raise Broken("it has more text than is kept of one document") from None
        if not line.endswith(b"\n"):
            raise Broken(self._why(await self._end()))
        self._served += 1
        answer: dict[str, Any] = json.loads(line)
        if answer.pop("ends", False):
            await self._end()
        return answer

    async def _ready(self) -> asyncio.subprocess.Process:
        if self._child is not None and self._served >= RENEWED:
            await self._end()
        # One that is out of memory ends by itself, behind its answer.
        child = self._child
        if child is not None and (child.returncode is not None or _at_end(child)):
            await self._end()
        if self._child is None:
            self._served = 0
            self._child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "deskward.knowledge.parsing.child"),
                *(str(self.limits.memory), str(self.limits.seconds)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=LONGEST_ANSWER,
                env=_environment(),
                start_new_session=True,  # Ctrl-C in a terminal is the parent's affair
            )
        return self._child

    async def _end(self) -> int | None:
        """End the child, if there is one; gives how it ended."""
        child, self._child = self._child, None
        if child is None:
            return None
        # What has died by itself says more than being killed would.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await child.wait()
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        transport = getattr(child, "_transport", None)
        code = await child.wait()
        if transport is not None:
            transport.close()
        return code

    def _why(self, code: int | None) -> str:
        if code in (-signal.SIGXCPU, -signal.SIGKILL):
            return f"it takes more than {self.limits.seconds} seconds of a processor to be read"
        if code in (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGTRAP):
            return (
                f"reading it needs more than {self.limits.memory} MB of memory, or meets a fault "
                f"of the library that reads it ({signal.Signals(-code).name})"
            )
        return (
            f"reading it needs more than {self.limits.memory} MB of memory, or meets a fault (it "
            f"ended with {code})"
        )


def _at_end(child: asyncio.subprocess.Process) -> bool:
    return child.stdout is not None and child.stdout.at_eof()


def too_large(size: int, most: int) -> Broken:
    """That a document is over the limit, in words."""
    said = f"{size / 1_000_000:,.1f} MB"
    return Broken(f"it has {said}; up to {most / 1_000_000:,.0f} MB are read (KNOWLEDGE_MAX_MB)")


def _environment() -> dict[str, str]:
    """Nothing of ours: no secret, no proxy; where Python finds its packages."""
    kept = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "COVERAGE_PROCESS_START")
    found = {name: os.environ[name] for name in kept if name in os.environ}
    return {**found, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "MALLOC_ARENA_MAX": "2"}
