"""A server stops at SIGTERM and at Ctrl-C, whatever becomes of what it says."""

import asyncio
import contextlib
import fcntl
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from deskward.entrypoints.output import say
from tests.demo_file import lay_demo
from tests.rounds import rounds
from tests.services.programs import free_port

pytestmark = [pytest.mark.xdist_group("server"), pytest.mark.timeout(180)]

LIMIT = 60.0
"""Seconds that a server may take to start, and to stop; much longer than it does."""

Output = Callable[[], contextlib.AbstractContextManager[int]]


@contextlib.contextmanager
def closed_pipe() -> Iterator[int]:
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@contextlib.contextmanager
def full_pipe() -> Iterator[int]:
    """A pipe that somebody holds open and nobody reads."""
    reading, writing = os.pipe()
    flags = fcntl.fcntl(writing, fcntl.F_GETFL)
    fcntl.fcntl(writing, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b" " * 4096)
    fcntl.fcntl(writing, fcntl.F_SETFL, flags)
    yield writing
    os.close(reading)
    os.close(writing)


@contextlib.contextmanager
def full_disk() -> Iterator[int]:
    with open("/dev/full", "wb") as device:
        yield device.fileno()


@contextlib.contextmanager
def ascii_only() -> Iterator[int]:
    with open(os.devnull, "wb") as device:
        yield device.fileno()


@contextlib.contextmanager
def closed() -> Iterator[int]:
    yield -1


OUTPUTS: tuple[Output, ...] = (closed_pipe, full_pipe, full_disk, ascii_only, closed)


@contextlib.contextmanager
def serving(
    folder: Path, output: Output, count: int, program: str = "serve"
) -> Iterator[tuple[subprocess.Popen, str]]:
    """A server whose standard output is such a one; yields it once it answers, with its URL."""
    lay_demo(folder)
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(folder),
        "DOMAINS": "bank,shop",
        "SERVER_PORT": str(port),
        "MCP_SERVER_PORT": str(port),
        "SERVER_WORKERS": str(count),
        "LOG_LEVEL": "WARNING",
        "EMBEDDINGS": "off",  # it starts with a copy of the database, and makes no vectors
        "PYTHONIOENCODING": "ascii" if output is ascii_only else "utf-8",
    }
    arguments = {"serve": ["--demo"], "mcp": ["--transport", "http"]}[program]
    command = [sys.executable, "-m", "deskward", program, *arguments]
    if output is closed:
        command = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    with output() as stdout, (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=None if stdout < 0 else stdout,
            stderr=stderr,
            env=environment,
            cwd=folder,
        )
        try:
            until_it_answers(process, f"http://127.0.0.1:{port}", folder)
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


def until_it_answers(process: subprocess.Popen, url: str, folder: Path) -> None:
    deadline = time.monotonic() + LIMIT
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(httpx2.HTTPError):
            httpx2.get(f"{url}/health")
            return
        time.sleep(0.05)
    raise RuntimeError(
        f"the server did not start: {(folder / 'stderr').read_text(encoding='utf-8')}"
    )


def stops(folder: Path, output: Output, number: int, count: int, program: str = "serve") -> None:
    with serving(folder, output, count, program) as (process, url):
        process.send_signal(number)
        assert process.wait(LIMIT) == 0
        assert not answers(url)  # no worker is left behind either
    said = (folder / "stderr").read_text(encoding="utf-8")
    assert "Traceback" not in said
    assert "Exception ignored" not in said


KINDS = {"one process": ("serve", 1), "two workers": ("serve", 2), "MCP": ("mcp", 1)}
SIGNALS = (signal.SIGTERM, signal.SIGINT)
EVERY = list(itertools.product(OUTPUTS, KINDS, SIGNALS))


def is_usual(at: int) -> bool:
    """Whether a case is usually tried: every output and every kind with both signals.

    Two of the six of each output: one process, which is the cheapest, and one of the dearer kinds.
    """
    output, rest = divmod(at, len(KINDS) * len(SIGNALS))
    kind, number = divmod(rest, len(SIGNALS))
    return (
        number == output % 2
        if kind == 0
        else (kind == 1 + output // 2 % 2) and number != output % 2
    )


@pytest.mark.slow
@pytest.mark.started_anew
@pytest.mark.parametrize(
    ("output", "kind", "number"),
    [
        pytest.param(*case, id=f"{case[0].__name__}-{case[1]}-{case[2].name}")
        for at, case in enumerate(EVERY)
        if rounds(is_usual(at), True)
    ],
)
def test_it_stops_whatever_its_output_does(
    tmp_path: Path, output: Output, kind: str, number: int
) -> None:
    program, count = KINDS[kind]
    stops(tmp_path, output, number, count, program)


@pytest.mark.slow
@pytest.mark.started_anew
def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    with serving(tmp_path, ascii_only, 2) as (process, url):
        process.kill()
        deadline = time.monotonic() + LIMIT
        while answers(url):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        httpx2.get(f"{url}/health")
    except httpx2.TransportError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.started_anew
def test_it_stops_in_the_middle_of_a_line_that_nobody_reads(tmp_path: Path) -> None:
    """Its log goes to a pipe that is full: the loop itself waits in a write."""
    lay_demo(tmp_path)
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(tmp_path),
        "DOMAINS": "bank,shop",
        "EMBEDDINGS": "off",
        "SERVER_PORT": str(port),
    }
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    process = subprocess.Popen(
        [sys.executable, "-m", "deskward", "serve", "--demo"],
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=writing,
        env=environment,
        cwd=tmp_path,
    )
    os.set_blocking(reading, False)
    try:
        deadline = time.monotonic() + LIMIT
        with contextlib.suppress(httpx2.ReadTimeout):  # that is when the loop waits
            while time.monotonic() < deadline:
                with contextlib.suppress(httpx2.ConnectError):
                    httpx2.get(f"http://127.0.0.1:{port}/api/v1/sessions", timeout=3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) == 0
    finally:
        process.kill()
        process.wait()
        os.close(reading)
        os.close(writing)


def test_what_is_said_stays_as_far_as_the_letters_go(tmp_path: Path) -> None:
    path = tmp_path / "said"
    with path.open("w", encoding="ascii") as stream:
        say("• Grüße", stream)
    assert path.read_text(encoding="utf-8") == "? Gr??e\n"


@pytest.mark.slow
@pytest.mark.started_anew
async def test_one_ctrl_c_is_one_for_the_workers_too(tmp_path: Path) -> None:
    """The first one leaves turns their time, so it must not reach a worker twice."""
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        asked.set()
        while await reader.read(65536):
            pass
        writer.close()

    model = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with model:
        address = f"http://127.0.0.1:{model.sockets[0].getsockname()[1]}/v1#m"
        (tmp_path / ".env").write_text(f"MODEL={address}\n", encoding="utf-8")
        with contextlib.ExitStack() as stack:
            process, url = await asyncio.to_thread(
                stack.enter_context, serving(tmp_path, ascii_only, 2)
            )
            async with httpx2.AsyncClient(timeout=LIMIT) as client:
                body = {"session_id": "s", "message": "What is my account balance?"}
                call = asyncio.create_task(client.post(f"{url}/api/v1/chat", json=body))
                await asyncio.wait_for(asked.wait(), LIMIT)
                process.send_signal(signal.SIGINT)
                await asyncio.sleep(1)
                assert process.poll() is None
                process.send_signal(signal.SIGINT)
                assert await asyncio.to_thread(process.wait, LIMIT) == 0
                await asyncio.gather(call, return_exceptions=True)
