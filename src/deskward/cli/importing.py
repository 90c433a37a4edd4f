"""Files of records taken over through the gate, some lines in each transaction."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, TypeVar

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.core.line_batches import FileLine, LineBatch
    from deskward.core.line_files import Report
    from deskward.security.principals import Principal


One = TypeVar("One", bound="FileLine")
GROWN = 4
"""How many times as much there is when the database is to see how its tables have grown."""
FIRST_LINES = 1_000
"""After how many lines it does so first."""


async def import_file(
    desk: Desk,
    caller: Principal,
    file: Path,
    tool: str,
    parts: Callable[[BinaryIO], Iterable[list[One]]],
    batch_of: Callable[[Sequence[One]], LineBatch[One, Any]],
    *,
    dry: bool,
) -> int:
    """Take a file over; gives the command's exit code: 1 where a line was refused.

    Args:
        tool: What takes some lines over.
        parts: What reads the file, some lines at a time.
        batch_of: Makes a batch of some lines.

    Raises:
        DeskwardError: The file is not read, or the caller may not.
    """
    from deskward.cli.progress import progress_bars

    total = {"created": 0, "changed": 0, "unchanged": 0, "refused": 0}
    size = _size(file)
    taker = _Taker(desk, caller, tool, batch_of)
    lines, next_look = 0, FIRST_LINES
    with file.open("rb") as opened, progress_bars() as show:
        for found in parts(opened):
            async for counts, reports in taker.take(found):
                for what in total:
                    total[what] += counts[what]
                for report in reports:
                    _print(report, dry=dry)
            lines += len(found)
            if lines >= next_look and not dry:
                await desk.database.analyze()
                next_look = lines * GROWN
            if size > 1 and opened.seekable():
                show("lines", min(1.0, opened.tell() / size))
    told = ", ".join(f"{count} {what}" for what, count in total.items())
    print(f"{'Would be: ' if dry else ''}{told}.")
    return 1 if total["refused"] else 0


def _size(file: Path) -> int:
    return file.stat().st_size or 1


class _Taker(Generic[One]):
    """Takes lines over, through the gate; fewer at a time where they take too long together."""

    def __init__(
        self,
        desk: Desk,
        caller: Principal,
        tool: str,
        batch_of: Callable[[Sequence[One]], LineBatch[One, Any]],
    ) -> None:
        self._desk = desk
        self._caller = caller
        self._tool = tool
        self._batch_of = batch_of
        self._most: int | None = None

    async def take(
        self, found: Sequence[One]
    ) -> AsyncIterator[tuple[Mapping[str, int], Sequence[Report]]]:
        """Take lines over; yields what came of some at a time.

        Raises:
            DeskwardError: Some could not be taken over. Those before are.
        """
        from deskward.core.errors import TimeLimitExceeded

        at = 0
        while at < len(found):
            some = found[at : at + (self._most or len(found))]
            batch = self._batch_of(some)
            try:
                counts = await self._taken(some, batch)
            except TimeLimitExceeded:
                # Nothing of it was kept. Of a dry run something was: what it has seen.
                if batch.dry or len(some) == 1:
                    raise
                self._most = len(some) // 2
                continue
            at += len(some)
            yield counts, batch.reports

    async def _taken(self, some: Sequence[One], batch: LineBatch[One, Any]) -> Mapping[str, int]:
        from deskward.gate.context import Context

        said = "\n".join(map(str, some))
        arguments = {
            "first": some[0].number,
            "last": some[-1].number,
            "sha256": hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest(),
            "dry_run": batch.dry,
        }
        context = Context(self._caller, "cli", carried=batch)
        outcome = await self._desk.gate.act(self._tool, arguments, context)
        if outcome.error is not None:
            raise outcome.error
        counts: dict[str, int] = outcome.value
        return counts


def _print(report: Report, *, dry: bool) -> None:
    told = ": ".join(filter(None, (report.record, report.told)))
    if report.what == "refused":
        print(f"line {report.line}: refused: {told}", file=sys.stdout if dry else sys.stderr)
    elif dry:
        print(f"line {report.line}: {report.what}: {told}")
