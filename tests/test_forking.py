"""Programs that are forked do what programs do that were started anew."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deskward import __version__
from tests import forking

COMMAND = [sys.executable, "-m", "deskward"]

pytestmark = pytest.mark.slow


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Which processes were forked."""
    found: list[int] = []
    fork = forking._Zygote.fork

    def noted(*given):
        found.append(fork(*given))
        return found[-1]

    monkeypatch.setattr(forking._Zygote, "fork", noted)
    return found


def run(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(folder), **more}
    return subprocess.run(
        [*COMMAND, *words], env=environment, cwd=folder, capture_output=True, text=True
    )


@pytest.mark.parametrize("words", [("--version",), ("nonsense",), ("tools", "--nonsense")])
def test_a_fork_says_and_returns_what_a_program_does(
    words: tuple[str, ...], tmp_path: Path, forked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    fork = run(tmp_path, *words)
    assert len(forked) == 1
    monkeypatch.setattr(forking, "_off", True)
    anew = run(tmp_path, *words)
    assert len(forked) == 1
    assert (fork.returncode, fork.stdout, fork.stderr) == (
        anew.returncode,
        anew.stdout,
        anew.stderr,
    )


async def test_a_fork_is_a_child_that_can_be_waited_for(tmp_path: Path, forked: list[int]) -> None:
    async def chat() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(*COMMAND, "chat", "--demo"),
            env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "EMBEDDINGS": "off"},
            cwd=tmp_path,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )

    first, second = await chat(), await chat()
    assert forked == [first.pid, second.pid]
    assert os.getsid(first.pid) == first.pid
    first.send_signal(signal.SIGKILL)
    assert await first.wait() == -signal.SIGKILL
    said, _ = await second.communicate(b"")
    assert (second.returncode, b"Traceback" in said) == (0, False)


def test_what_python_reads_at_its_start_makes_it_start(tmp_path: Path, forked: list[int]) -> None:
    assert __version__ in run(tmp_path, "--version", PYTHONIOENCODING="ascii").stdout
    assert __version__ in run(tmp_path, "--version", LC_ALL="C").stdout
    assert not forked


@pytest.mark.started_anew
def test_a_test_may_ask_for_programs_that_are_started(tmp_path: Path, forked: list[int]) -> None:
    assert __version__ in run(tmp_path, "--version").stdout
    assert not forked
