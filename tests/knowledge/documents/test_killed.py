"""`kill -9` in the middle of a sync, twenty times: nothing is missing, and nothing is twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import sys
from collections import Counter
from pathlib import Path
from typing import IO, Any

import pytest

from deskward.app import open_desk
from deskward.knowledge.documents import changes
from deskward.knowledge.feeding import Feeder
from tests.conftest import caller, settings_in
from tests.knowledge.documents.conftest import CHIEF, settled, texts_of

KILLS = 20
DOCUMENTS = 3_000
KEY = "k" * 32

pytestmark = [
    *(pytest.mark.slow, pytest.mark.xdist_group("crash"), pytest.mark.timeout(600)),
    pytest.mark.started_anew,  # how far a sync comes between two kills is as it was measured
]


def _row(data: Path, statement: str) -> Any:
    link = sqlite3.connect(data / "deskward.db", timeout=20)
    try:
        with link:
            return link.execute(statement).fetchone()
    finally:
        link.close()


async def _killed(data: Path, chance: random.Random, said: IO[bytes]) -> bool:
    """Sync in a process that is killed while it does; whether it was before its end."""
    before = _row(data, "SELECT done, begun_at FROM knowledge_sources")
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deskward", "kb", "sync"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=said,
        cwd=data,
        env={"EMBEDDINGS": "off", "PATH": os.environ["PATH"], "DATA_DIR": str(data),
             "SECRET_KEY": KEY, "LOG_TO_FILE": "false"},
    )  # fmt: skip
    # Until it has written something: what is killed is a sync, and no start.
    while child.returncode is None:
        done, begun = _row(data, "SELECT done, begun_at FROM knowledge_sources")
        if done and begun != before[1]:
            break
        await asyncio.sleep(0.02)
    await asyncio.sleep(chance.random() * 0.15)
    killed = child.returncode is None
    if killed:
        os.kill(child.pid, signal.SIGKILL)
    await child.wait()
    # Instead of waiting until the lease of the dead process is over.
    _row(data, "UPDATE jobs SET due_at = '2020-01-01 00:00:00.000000' WHERE status = 'running'")
    return killed


async def test_a_sync_that_is_killed_twenty_times_is_whole_in_the_end(
    tmp_path: Path, offline: Any
) -> None:
    docs, data = tmp_path / "docs", tmp_path / "data"
    for number in range(DOCUMENTS):
        file = docs / f"{number % 30}" / f"{number}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            f"# Page {number}\n\nWord {number}.\n\n## More\n\nText {number}.\n", "utf-8"
        )
    settings = settings_in(data, secret_key=KEY, embeddings="off")
    async with open_desk(settings, model=offline) as desk:
        named = {"name": "docs", "kind": "folder", "location": str(docs)}
        added = await caller(desk)("add_source", CHIEF, **named)
    chance = random.Random(11)
    for _ in range(KILLS):
        with (data / "said.txt").open("wb") as said:
            killed = await _killed(data, chance, said)
        assert killed, (data / "said.txt").read_text("utf-8")[-2_000:]
    done, total = _row(data, "SELECT done, total FROM knowledge_sources")
    assert 0 < done < total
    async with open_desk(settings, model=offline) as desk:
        call = caller(desk)
        source = await settled(desk, call, added.value["source_id"])
        assert (source["state"], source["ready"], source["failed"]) == ("ready", DOCUMENTS, 0)
        texts = await texts_of(desk)
        wanted = [f"{word} {n}." for n in range(DOCUMENTS) for word in ("Word", "Text")]
        assert Counter(texts.values()) == Counter(wanted)
        feeder = desk.gate.port(Feeder)
        feeder.begins_at = 0.0
        async with asyncio.timeout(120):
            while await desk.database.reader.first(changes.select().limit(1)) is not None:
                desk.jobs.wake()
                await asyncio.sleep(0.1)
        assert await feeder.index.ids("default") == texts.keys()
