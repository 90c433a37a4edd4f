"""Three processes of a server, of which one is killed every second.

Nothing safe fails, nothing is done twice, and what is unknown afterwards is settled by asking.
HUB_SECONDS=60 makes it last a minute.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from deskward.app import Desk
from deskward.core.settings import Settings
from deskward.gate.context import Context
from deskward.gate.ledger.verify import verify
from deskward.gate.outcome import Outcome
from deskward.gate.reconcile import Reconcile
from deskward.gate.reconciling import reconcile
from deskward.hub import pins
from tests.conftest import CUSTOMER, STAFF
from tests.hub.test_many import desk_of, until
from tests.services.mcp_file import Running, running, write

SECONDS = int(os.environ.get("HUB_SECONDS", "12"))
HOW = Reconcile(
    tool="look_up",
    ask={"what": "call.arguments.what"},
    done="answer.times > 0",
    not_done="error.message.contains('nothing was done as ' + call.arguments.what)",
    after=1,
)
pytestmark = [
    pytest.mark.xdist_group("hub"),
    pytest.mark.slow,
    pytest.mark.timeout(300 + 3 * SECONDS),
]


async def accept(desk: Desk, tool: str, how: Reconcile | None = None) -> None:
    (pin,) = [pin for pin in await pins.pins(desk.database.reader) if pin.name == tool]
    async with desk.database.transaction() as db:
        await pins.accept(
            *(db, "s", tool, pin.offered, "anna"),
            reads=how is None,
            audience=pins.CUSTOMERS,
            reconcile=how,
        )
    await until(lambda: desk.gate.tools[f"s__{tool}"].group == "remote_customers")


async def act(desk: Desk, what: str) -> Outcome:
    context = Context(CUSTOMER, "rest")
    return await desk.gate.call("s__act", {"what": what}, context, idempotency_key=f"key-{what}")


def code(outcome: Outcome) -> str:
    return outcome.error.error_code if outcome.error else outcome.status


class Load:
    """Calls without an end, and what came of them."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.stop = desk, asyncio.Event()
        self.safe: Counter[str] = Counter()
        self.unsafe: dict[str, str] = {}

    async def read(self) -> None:
        while not self.stop.is_set():
            outcome = await self.desk.gate.call("s__who", {}, Context(CUSTOMER, "rest"))
            self.safe[code(outcome)] += 1

    async def act(self, name: str) -> None:
        count = 0
        while not self.stop.is_set():
            count += 1
            what = f"{name}-{count}"
            self.unsafe[what] = code(await act(self.desk, what))

    async def kill(self, pid_files: list[Path]) -> int:
        killed = 0
        for second in range(SECONDS):
            await asyncio.sleep(1)
            os.kill(int(pid_files[second % len(pid_files)].read_text("utf-8")), signal.SIGKILL)
            killed += 1
        self.stop.set()
        return killed


async def test_one_of_three_is_killed_every_second(
    sqlite_settings: Settings, offline: Any, tmp_path: Path
) -> None:
    record = tmp_path / "acted"
    pid_files = [tmp_path / f"pid-{number}" for number in range(3)]
    with ExitStack() as stack:
        servers: list[Running] = []
        for file in pid_files:
            servers += stack.enter_context(running("http", ACTED=str(record), PID_FILE=str(file)))
        urls = [server.url for server in servers]
        entry = {"url": urls[0], "deskward": {"replicas": urls[1:], "timeout": 5}}
        told = write(tmp_path / "mcp.json", {"s": entry})
        async with desk_of(sqlite_settings, told, offline) as desk:
            assert desk.hub is not None
            links = desk.hub.servers["s"].replicas.connections
            await until(lambda: all(link.fit for link in links) and "s__who" in desk.gate.tools)
            await accept(desk, "who")
            await accept(desk, "look_up")
            await accept(desk, "act", HOW)
            load = Load(desk)
            actors = (load.act(name) for name in ("a", "b", "c", "d"))
            readers = (load.read(), load.read())
            killed, *_ = await asyncio.gather(load.kill(pid_files), *readers, *actors)
            await until(lambda: all(link.fit for link in links))
            await asyncio.sleep(HOW.after)
            await check(desk, load, record, killed)


async def check(desk: Desk, load: Load, record: Path, killed: int | None) -> None:
    ends = Counter(load.unsafe.values())
    unknown = {what for what, end in load.unsafe.items() if end == "OUTCOME_UNKNOWN"}
    acted = Counter(record.read_text(encoding="utf-8").split())
    assert set(load.safe) == {"ok"}, load.safe
    assert set(ends) <= {"ok", "OUTCOME_UNKNOWN"}, ends
    assert unknown, "no process died in the middle of a call"
    assert {what for what, end in load.unsafe.items() if end == "ok"} <= acted.keys()
    assert acted.keys() <= load.unsafe.keys()
    assert set(acted.values()) == {1}, "something was done twice"

    settled = [one async for one in reconcile(desk.gate, STAFF, most=100_000)]
    said = Counter(one.outcome for one in settled)
    assert len(settled) == len(unknown)
    assert said == Counter("done" if what in acted else "not-done" for what in unknown)
    # What was done is told to whoever repeats it, and what was not is done then: each once.
    again = {what: await act(desk, what) for what in sorted(unknown)}
    for what, outcome in again.items():
        assert code(outcome) == "ok"
        assert ("settled" in outcome.value) == (what in acted), outcome.value
    acted = Counter(record.read_text(encoding="utf-8").split())
    assert acted == Counter(load.unsafe.keys())
    assert (await verify(desk.database)).findings == []
    print(f"{killed} killed; safe {dict(load.safe)}; unsafe {dict(ends)}; settled {dict(said)}")
