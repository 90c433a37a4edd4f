"""The server as a process: silence, clients that leave, proxies, workers, and two Ctrl-C."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from tests.services.server import server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("server"), pytest.mark.timeout(120)]

MESSAGE = {"session_id": "s", "message": "What is my account balance?"}


@dataclass
class SilentModel:
    """A model server that takes requests and says nothing."""

    url: str = ""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        self.asked.set()
        while await reader.read(65536):
            pass
        self.left.set()
        writer.close()


@asynccontextmanager
async def silent_model() -> AsyncIterator[SilentModel]:
    model = SilentModel()
    running = await asyncio.start_server(model.serve, "127.0.0.1", 0)
    async with running:
        port = running.sockets[0].getsockname()[1]
        model.url = f"http://127.0.0.1:{port}/v1#m,offline"
        yield model


async def test_a_silent_stream_shows_that_it_lives(tmp_path: Path) -> None:
    async with silent_model() as model:
        settings = {"MODEL": model.url, "MODEL_TIMEOUT": "1.5", "STREAM_HEARTBEAT": "0.2"}
        async with (
            server(tmp_path, **settings) as (url, _),  # type: ignore[arg-type]  # all are settings
            httpx2.AsyncClient(timeout=30) as client,
        ):
            answer = await client.post(f"{url}/api/v1/chat/stream", json=MESSAGE)
    lines = answer.text.splitlines()
    assert lines.count(": keep-alive") >= 3
    assert '"type":"done"' in answer.text


async def test_a_client_that_leaves_stops_the_model(tmp_path: Path) -> None:
    async with silent_model() as model:
        settings = {"MODEL": model.url, "STREAM_GRACE": "0", "STREAM_HEARTBEAT": "0.1"}
        async with server(tmp_path, **settings) as (url, _):  # type: ignore[arg-type]  # all are settings
            for path in ("/api/v1/chat/stream", "/api/v1/chat"):
                model.asked.clear()
                model.left.clear()
                async with httpx2.AsyncClient(timeout=30) as client:
                    body = {**MESSAGE, "session_id": path.rpartition("/")[2]}
                    call = asyncio.create_task(client.post(f"{url}{path}", json=body))
                    await asyncio.wait_for(model.asked.wait(), 20)
                    call.cancel()
                await asyncio.wait_for(model.left.wait(), 20)
                async with httpx2.AsyncClient(timeout=30) as client:
                    name = body["session_id"]
                    history = await client.get(f"{url}/api/v1/sessions/{name}/history")
                    said = history.json()["messages"]
                assert [message["role"] for message in said] == ["user"]


async def test_only_a_trusted_proxy_says_who_the_client_is(tmp_path: Path) -> None:
    for trusted, admitted in (("", 3), ("127.0.0.1", 6)):
        settings = {
            "ENABLE_RATE_LIMITING": "true",
            "RATE_LIMIT_PER_MINUTE": "3",
            "TRUSTED_PROXIES": trusted,
        }
        async with (
            server(tmp_path / f"d{trusted}", **settings) as (url, _),  # type: ignore[arg-type]  # all are settings
            httpx2.AsyncClient() as client,
        ):
            answers = [
                await client.get(
                    f"{url}/api/v1/sessions", headers={"X-Forwarded-For": f"192.0.2.{n % 2}"}
                )
                for n in range(10)
            ]
        assert sum(answer.status_code == 200 for answer in answers) == admitted


async def test_workers_share_the_work_and_are_replaced(tmp_path: Path) -> None:
    async with server(tmp_path, SERVER_WORKERS="2") as (url, pid):
        first = await workers(pid, 2)
        await chat_all(url, 20)
        await asyncio.sleep(5.5)  # a worker that dies sooner counts as not able to start
        os.kill(first[0], signal.SIGKILL)
        second = await workers(pid, 2, without=first[0])
        assert first[1] in second
        await chat_all(url, 20)
    assert not any(alive(worker) for worker in {*first, *second})


async def chat_all(url: str, count: int) -> None:
    async def chat(number: int) -> int:
        async with httpx2.AsyncClient(timeout=30) as client:  # a connection each
            body = {"session_id": f"s{number}", "message": "hello"}
            return (await client.post(f"{url}/api/v1/chat", json=body)).status_code

    assert await asyncio.gather(*map(chat, range(count))) == [200] * count


async def workers(parent: int, count: int, without: int = 0) -> list[int]:
    """The processes that a process started, once there are so many."""
    async with asyncio.timeout(30):
        while True:
            listed = await asyncio.to_thread(
                subprocess.run, ["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True
            )
            found = [int(word) for word in listed.stdout.split() if alive(int(word))]
            if len(found) == count and without not in found:
                return found
            await asyncio.sleep(0.1)


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text(encoding="utf-8")


LONG = "from deskward.entrypoints import server\nserver.DRAIN = 60.0\n"
"""What Python runs before the desk, so that a slow machine's stop is not taken for a wait."""


async def test_the_second_signal_does_not_wait(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(LONG, encoding="utf-8")
    async with (
        silent_model() as model,
        server(tmp_path, MODEL=model.url, PYTHONPATH=str(tmp_path)) as (url, pid),
        httpx2.AsyncClient(timeout=30) as client,
    ):
        call = asyncio.create_task(client.post(f"{url}/api/v1/chat", json=MESSAGE))
        await asyncio.wait_for(model.asked.wait(), 20)
        os.kill(pid, signal.SIGINT)
        await asyncio.sleep(0.5)
        assert alive(pid)
        begun = time.monotonic()
        os.kill(pid, signal.SIGINT)
        while alive(pid) and time.monotonic() - begun < 60:
            await asyncio.sleep(0.05)
        assert time.monotonic() - begun < 30  # the first one alone waits for DRAIN
        await asyncio.gather(call, return_exceptions=True)
    log = (tmp_path / "server.log").read_text(encoding="utf-8")
    assert "[1 sessions]" in log
    assert "Traceback" not in log
