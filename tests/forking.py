"""Programs of the desk that a test starts are forks of a process that has loaded it.

A start takes three seconds of a processor, and nearly all of that is loading, the same each time;
the suite starts some hundreds. The forks run the same module with the same arguments, in processes
of their own. What a test says about loading itself, the locale or the process's own command line
is said about programs that were started anew: mark it `started_anew`.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.services.zygote import LENGTH

ROOT = Path(__file__).parents[1]
COMMAND = str(Path(sys.executable).with_name("deskward"))
OUTSIDE = ("tests.services.outside_mcp", "tests.services.many_mcp")
SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER (prctl(2)): what is left without a parent gets this process for one."""
QUIET = ("FASTMCP_LOG_LEVEL", "ERROR")
"""What FastMCP reads when it is loaded, as tests' own servers have it."""
LIMITS = tuple(getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_"))

Start = Callable[..., int]

_off = False
"""Whether the running test wants its programs started anew."""
_lock = threading.RLock()


def pytest_configure() -> None:
    """Have programs of this process forked, where they can be."""
    # What is measured in forks would be lost; other systems have other ways.
    measured = any(name.startswith("COVERAGE_") for name in os.environ)
    start = getattr(subprocess, "_fork_exec", None)
    if start is None or sys.platform != "linux" or sys.version_info >= (3, 14) or measured:
        return

    def start_or_fork(*given: Any) -> int:
        wanted = None if _off else _wanted(given)
        return start(*given) if wanted is None else _fork(wanted, given)

    pytest.MonkeyPatch().setattr(subprocess, "_fork_exec", start_or_fork)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Notice which tests want programs that load everything anew."""
    global _off
    _off = item.get_closest_marker("started_anew") is not None
    try:
        return (yield)
    finally:
        _off = False


def _wanted(given: tuple[Any, ...]) -> dict[str, Any] | None:
    """What the zygote is to do; None for a program that it cannot be."""
    words, _, closes, kept, cwd, environment, *_ = given
    session, group, *whom, before = given[15:22]
    words = [os.fsdecode(word) for word in words]
    if words[0] == COMMAND:
        words[:1] = [sys.executable, "-m", "deskward"]
    kind = {"deskward": "desk", **dict.fromkeys(OUTSIDE, "outside")}.get("".join(words[2:3]))
    folder = os.fsdecode(cwd or os.getcwd())
    if environment is None:
        variables = dict(os.environ)
    else:
        variables = dict(os.fsdecode(each).split("=", 1) for each in environment)
    if (
        words[:2] != [sys.executable, "-m"]
        or kind is None
        or (not closes or len(kept) > 1 or before is not None or not os.path.isdir(folder))
        or (group != -1 or any(each not in (None, -1) for each in whom))
        or any(_matters(*each) for each in variables.items())
        or _limits() != _zygote(kind).limits
    ):
        return None
    return {
        "kind": kind,
        "arguments": words[2:],
        "environment": variables,
        "folder": folder,
        "path": [part for part in variables.get("PYTHONPATH", "").split(os.pathsep) if part],
        "session": bool(session),
    }


def _matters(name: str, value: str) -> bool:
    """Whether Python reads a variable at its start, and would be another one."""
    if name in ("LC_ALL", "LC_CTYPE", "LANG"):
        return not value.upper().replace("-", "").endswith("UTF8")
    if name in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE"):
        return value not in (os.environ.get(name), str(ROOT))
    if name.startswith("FASTMCP_"):
        return (name, value) != QUIET
    return name.startswith(("PYTHON", "MALLOC_", "LD_"))


def _limits() -> list[tuple[int, int]]:
    return [resource.getrlimit(each) for each in LIMITS]


def _fork(wanted: dict[str, Any], given: tuple[Any, ...]) -> int:
    sys.audit("forking.fork", wanted["arguments"])
    ours = (given[6], given[9], given[11])
    streams = [number if stream == -1 else stream for number, stream in enumerate(ours)]
    with _lock:
        return _zygote(wanted["kind"]).fork(json.dumps(wanted).encode(), streams)


def _zygote(kind: str) -> _Zygote:
    with _lock:
        return _only_zygote(kind)


class _Zygote:
    """The process that forks, for all programs of a kind that this one starts."""

    def __init__(self, kind: str) -> None:
        self.limits = _limits()
        self._line, other = socket.socketpair()
        self._libc = ctypes.CDLL(None, use_errno=True)
        command = [sys.executable, "-m", "tests.services.zygote", str(other.fileno()), kind]
        kept = ("PATH", "PYTHONDONTWRITEBYTECODE")
        variables = {name: os.environ[name] for name in kept if name in os.environ}
        with other:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**variables, **dict([QUIET]), "OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
            )
        atexit.register(self._end)

    def fork(self, message: bytes, streams: list[int]) -> int:
        """Fork, and be the fork's parent; returns its process id."""
        self._be_subreaper(True)
        try:
            socket.send_fds(self._line, [len(message).to_bytes(LENGTH)], streams)
            self._line.sendall(message)
            told = self._line.recv(LENGTH)
        finally:
            self._be_subreaper(False)
        if not told:
            raise RuntimeError("the process that forks has ended; what it wrote says why")
        return int.from_bytes(told)

    def _be_subreaper(self, really: bool) -> None:
        if self._libc.prctl(SUBREAPER, int(really), 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")

    def _end(self) -> None:
        self._line.close()
        self._process.wait()


_only_zygote = cache(_Zygote)
