"""Files of records taken over through the gate, some lines in each transaction."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.core.line_batches import FileLine, LineBatch
    from deskward.core.line_files import Report
    from deskward.security.principals import Principal


One = TypeVar("One", bound="FileLine")


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
    with file.open("rb") as opened, progress_bars() as show:
        for found in parts(opened):
            batch = batch_of(found)
            counts = await _take(desk, caller, tool, found, batch)
            for what in total:
                total[what] += counts[what]
            for report in batch.reports:
                _print(report, dry=dry)
            if size > 1 and opened.seekable():
                show("lines", min(1.0, opened.tell() / size))
    told = ", ".join(f"{count} {what}" for what, count in total.items())
    print(f"{'Would be: ' if dry else ''}{told}.")
    return 1 if total["refused"] else 0


def _size(file: Path) -> int:
    return file.stat().st_size or 1


async def _take(
    desk: Desk, caller: Principal, tool: str, found: Sequence[FileLine], batch: LineBatch[Any, Any]
) -> dict[str, int]:
    """Have some lines taken over, through the gate."""
    from deskward.gate.context import Context

    said = "\n".join(map(str, found))
    arguments = {
        "first": found[0].number,
        "last": found[-1].number,
        "sha256": hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest(),
        "dry_run": batch.dry,
    }
    outcome = await desk.gate.act(tool, arguments, Context(caller, "cli", carried=batch))
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
