"""The load generator: keep-alive connections, each with one request under way at a time.

It is meant to cost little and to check every answer. It tells its own share of its core, so that
a reader sees whether it, and not the server, was the limit.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from dataclasses import dataclass, field
from typing import cast

import uvloop

from benchmarks.machine import cpu_seconds
from benchmarks.processes import CannotMeasure

END_LIMIT = 10.0
"""Seconds that answers under way may take when the measurement is over."""


@dataclass(frozen=True)
class Request:
    """What is sent, and what every answer must hold."""

    port: int
    data: bytes
    expected: bytes


@dataclass(frozen=True)
class Load:
    """How much is sent."""

    connections: int
    seconds: float
    warm_up: float


@dataclass
class Measured:
    """What one run found."""

    requests: int
    errors: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    server_cpu: float
    load_cpu: float
    first_error: str = ""


@dataclass
class _Run:
    request: Request
    stopped: bool = False
    times: list[float] = field(default_factory=list)
    errors: int = 0
    first_error: str = ""
    open: int = 0
    all_closed: asyncio.Event = field(default_factory=asyncio.Event)

    def failed(self, what: str) -> None:
        self.errors += 1
        self.first_error = self.first_error or what


def http_request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class _Connection(asyncio.Protocol):
    """One connection: sends the next request when the answer to the last is whole."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._buffer = b""
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._run.open += 1
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._run.open -= 1
        if self._run.open == 0:
            self._run.all_closed.set()
        if not self._run.stopped:
            self._run.failed(f"the server closed a connection ({exc})")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        body = self._buffer[head_end + 4 :]
        if len(body) < _length(self._buffer[:head_end]):
            return
        run = self._run
        run.times.append(time.perf_counter() - self._sent)
        if not self._buffer.startswith(b"HTTP/1.1 200 ") or run.request.expected not in body:
            run.failed(self._buffer[:500].decode(errors="replace"))
        self._buffer = b""
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        if self._run.stopped:
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(self._run.request.data)


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    return int(lower[at + 17 :].partition(b"\r\n")[0]) if at >= 0 else 0


def measure(request: Request, load: Load, pid: int) -> Measured:
    """Send for the load's time, after its warm-up, and count what came back.

    Args:
        pid: The server's process.
    """
    gc.collect()
    gc.disable()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_measure(request, load, pid))
    finally:
        gc.enable()


async def _measure(request: Request, load: Load, pid: int) -> Measured:
    run = _Run(request)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, problem: run.failed(str(problem)))
    for _ in range(load.connections):
        await loop.create_connection(lambda: _Connection(run), "127.0.0.1", request.port)
    await asyncio.sleep(load.warm_up)

    run.times.clear()
    began, cpu, own = time.perf_counter(), cpu_seconds(pid), time.process_time()
    await asyncio.sleep(load.seconds)
    seconds = time.perf_counter() - began
    server_cpu, load_cpu = cpu_seconds(pid) - cpu, time.process_time() - own
    times, run.times = sorted(run.times), []

    run.stopped = True
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(run.all_closed.wait(), END_LIMIT)
    if not times:
        raise CannotMeasure(f"no answer in {seconds:.1f} s. {run.first_error}")
    return Measured(
        requests=len(times),
        errors=run.errors,
        seconds=seconds,
        p50_ms=1000 * times[len(times) // 2],
        p95_ms=1000 * times[int(len(times) * 0.95)],
        p99_ms=1000 * times[int(len(times) * 0.99)],
        server_cpu=server_cpu,
        load_cpu=load_cpu,
        first_error=run.first_error,
    )
