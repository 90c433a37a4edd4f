"""The part `ingest`: 5,000 pages of Markdown read from a folder, and one that changed."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import Cores
from benchmarks.plan import Plan
from benchmarks.processes import ROOT, CannotMeasure
from benchmarks.report import Notes, Section, Table, Text

PACKAGES = ("deskward", "markdown-it-py", "sqlalchemy")
PAGE = 4_000
"""Characters of a page, about."""

_SECTION = re.compile(r"^(?=#{1,3} )", re.MULTILINE)


def pages(folder: Path, count: int) -> int:
    """Write pages made of the sections of this project's own documents; gives their bytes."""
    texts = [file.read_text("utf-8") for file in sorted((ROOT / "docs").rglob("*.md"))]
    sections = [part for text in texts for part in _SECTION.split(text) if len(part) > 200]
    chance = random.Random(5)
    size = 0
    for number in range(count):
        page = f"# Page {number}\n\n"
        while len(page) < PAGE:
            page += chance.choice(sections).strip() + "\n\n"
        file = folder / f"chapter-{number % 50}" / f"page-{number}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        size += file.write_text(page, encoding="utf-8")
    return size


def run(folder: Path, cores: Cores, plan: Plan) -> dict[str, Any]:
    """Read the pages in a process of its own, whose memory is looked at.

    Raises:
        CannotMeasure: It ended with an error.
    """
    size = pages(folder / "pages", plan.pages)
    words = [sys.executable, "-m", "benchmarks.ingest", str(folder), str(plan.pages)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotMeasure(done.stderr[-2_000:])
    return {"size": size, **json.loads(done.stdout.splitlines()[-1])}


def section(result: dict[str, Any]) -> Section:
    """What the report says of it."""
    rows: list[list[str | float]] = [
        [
            "pages a second, read, written down and indexed",
            round(result["pages"] / result["first"], 1),
        ],
        ["seconds of a processor, the desk's", round(result["processor"][0], 1)],
        ["seconds of a processor, of the child that reads", round(result["processor"][1], 1)],
        ["most memory of the desk, MB", round(result["memory"])],
        ["most memory of the child that reads, MB", round(result["child"])],
        ["nothing changed: seconds until the sync is over", round(result["same"], 3)],
        ["one page changed: seconds until the sync is over", round(result["changed"], 3)],
        ["… of which of a processor", round(result["worked"], 3)],
    ]
    return Section(
        "Reading documents",
        [
            Text(
                f"A folder of {result['pages']:,} pages of Markdown "
                f"({result['size'] / 1e6:.1f} MB, {result['passages']:,} passages), made of this "
                "project's own documents."
            ),
            Table(["", "figure"], rows),
            Notes(["With SQLite and the embedded index, without vectors."]),
        ],
    )


async def _measured(folder: Path, count: int) -> dict[str, Any]:
    from deskward.app import open_desk
    from deskward.core.settings import Settings
    from deskward.gate.context import Context
    from deskward.knowledge.documents import changes
    from deskward.knowledge.feeding import Feeder
    from deskward.knowledge.syncing import Syncs
    from deskward.security.principals import Kind, Principal

    chief = Principal(Kind.STAFF, "carla", "default", ("support-3",))
    settings = Settings.alone(data_dir=folder / "data", log_to_file=False, embeddings="off")
    async with open_desk(settings, chat=False) as desk:

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            outcome = await desk.gate.call(tool, arguments, Context(chief, "cli"))
            if outcome.error is not None:
                raise outcome.error
            value: dict[str, Any] = outcome.value
            return value

        desk.gate.port(Feeder).begins_at = 0.0

        async def settled(source_id: str, begun: float, pause: float = 0.02) -> float:
            """Seconds until all is read, and in the index."""
            while True:
                desk.jobs.wake()
                shown = await call("get_source", source_id=source_id)
                left = await desk.database.reader.first(changes.select().limit(1))
                if not shown["wanted"] and shown["state"] == "ready" and left is None:
                    return time.perf_counter() - begun
                await asyncio.sleep(pause)

        where = {"kind": "folder", "location": str(folder / "pages")}
        begun = time.perf_counter()
        source_id = (await call("add_source", name="pages", **where))["source_id"]
        first = await settled(source_id, begun, 0.3)
        child = _peak(desk.gate.port(Syncs).parser)
        begun = time.perf_counter()
        await call("sync_source", source_id=source_id)
        same = await settled(source_id, begun)
        page = folder / "pages" / "chapter-7" / "page-7.md"
        page.write_text(page.read_text("utf-8") + "\nOne sentence more.\n", encoding="utf-8")
        begun = time.perf_counter()
        await call("sync_source", source_id=source_id)
        worked = time.process_time()
        changed = await settled(source_id, begun)
        worked = time.process_time() - worked
        shown = await call("get_source", source_id=source_id)
    if shown["ready"] != count:
        raise CannotMeasure(f"{shown['ready']} of {count} pages were read")
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000
    return {
        "pages": count,
        "passages": shown["passages"],
        "first": first,
        "same": same,
        "changed": changed,
        "worked": worked,
        "processor": [one.ru_utime + one.ru_stime for one in spent],
        "memory": own,
        "child": child,
    }


def _peak(parser: Any) -> float:
    """Megabytes that the child which reads has had at the most."""
    status = Path(f"/proc/{parser._child.pid}/status").read_text("utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1_000


if __name__ == "__main__":
    if len(sys.argv) == 2:  # by hand: how many pages
        import tempfile

        with tempfile.TemporaryDirectory() as made:
            pages(Path(made) / "pages", int(sys.argv[1]))
            print(json.dumps(asyncio.run(_measured(Path(made), int(sys.argv[1])))))
    else:
        os.umask(0o077)
        print(json.dumps(asyncio.run(_measured(Path(sys.argv[1]), int(sys.argv[2])))))
