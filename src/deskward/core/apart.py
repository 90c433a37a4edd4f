"""Work on what others have written, whose cost nobody knows, in a process of its own.

A thread cannot be stopped, and what a library does in one step holds the interpreter's lock, so
that the event loop stands still meanwhile. A process has limits of memory and of processor time,
and is ended when its time is over. Starting one costs some tenths of a second: what is small is
done where one stands.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

from deskward.core.errors import TimeLimitExceeded

SMALL = 20_000
"""What is done where one stands, in steps: some hundredths of a second."""
LIMIT = 5.0
"""Seconds that work may take, its turn included."""
AT_ONCE = 2
"""Processes at the same time."""
MEMORY = 1_000
"""Megabytes that such a process may have."""
TOO_MUCH, FAILED = 3, 4
"""How such a process ends that had no memory left, and one whose work went wrong by itself."""
_LONGEST = 16 * 1024 * 1024
_places: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


async def apart(
    work: Callable[[Any], Any], given: Any, steps: int, *, limit: float | None = None
) -> Any:
    """What some work gives.

    Args:
        work: A function of a module. What it is given and gives is JSON.
        given: What it is given.
        steps: About how many steps it may need, at the worst.
        limit: Seconds, if not `LIMIT`.

    Raises:
        TimeLimitExceeded: It took too long, or too much memory.
        RuntimeError: The work went wrong by itself.
    """
    if steps <= SMALL:
        return work(given)
    seconds = LIMIT if limit is None else limit
    place = _places.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE))
    try:
        async with asyncio.timeout(seconds), place:
            code, told = await _told(work, json.dumps(given).encode("ascii"), seconds)
    except TimeoutError:
        raise TimeLimitExceeded("It could not be looked at in time.") from None
    if code == FAILED:
        raise RuntimeError(f"{work.__qualname__} failed: {told.decode('utf-8', 'replace')}")
    if code != 0:  # the kernel has ended it, or it had no memory or stack left
        raise TimeLimitExceeded("Looking at it costs more than it may.")
    return json.loads(told)


async def _told(
    work: Callable[[Any], Any], given: bytes, seconds: float
) -> tuple[int | None, bytes]:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", __name__, f"{work.__module__}:{work.__qualname__}"),
        str(int(seconds) + 1),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_LONGEST,
        env=_environment(),
        start_new_session=True,  # Ctrl-C in a terminal is the parent's affair
    )
    try:
        told, _ = await child.communicate(given)
        return child.returncode, told
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await asyncio.shield(child.wait())


def _environment() -> dict[str, str]:
    """Nothing of ours: no secret, no proxy; where Python finds its packages."""
    kept = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
    found = {name: os.environ[name] for name in kept if name in os.environ}
    return {**found, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "MALLOC_ARENA_MAX": "2"}


def main() -> None:
    """Do one piece of work: `python -m deskward.core.apart module:function seconds`."""
    import resource  # only such a process limits itself

    name, _, function = sys.argv[1].partition(":")
    seconds = int(sys.argv[2])
    work = getattr(import_module(name), function)
    os.nice(5)  # whoever waits for an answer of the desk comes first
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY * 1_000_000, MEMORY * 1_000_000))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        told = json.dumps(work(json.loads(sys.stdin.buffer.read())))
    except (MemoryError, RecursionError):
        sys.exit(TOO_MUCH)
    except Exception as error:  # whoever waits for it says so, with its kind, not what it was given
        print(type(error).__name__, flush=True)
        sys.exit(FAILED)
    print(told, end="", flush=True)


if __name__ == "__main__":
    main()
