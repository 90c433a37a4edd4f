"""`deskward keys rotate-secret`: another secret key for the desk."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from deskward.cli.ending import Misused
from deskward.cli.operators import allowed
from deskward.cli.session import Operator, noted, read_settings, run

if TYPE_CHECKING:
    from deskward.gate.rotation import Progress

NEW = "NEW_SECRET_KEY"


def rotate_secret(
    *,
    new_key_file: Annotated[
        Path | None,
        Parameter(help=f"File that holds the new SECRET_KEY. Default: the variable {NEW}."),
    ] = None,
    as_: Operator = None,
) -> None:
    """Seal all that is under the secret key anew, under another one. Stop the desk before.

    With a key that the desk keeps in DATA_DIR, the new one is made and takes its place. With
    SECRET_KEY, say the new one in NEW_SECRET_KEY or a file, and set it when this has ended. If it
    is cut off, run it again: it goes on where it stopped. Processes that still run with the old
    key can write nothing more from the moment it begins.

    Example: `deskward keys rotate-secret`
    """
    settings = read_settings()
    run(_rotate(settings, new_key_file, as_))


async def _rotate(settings: Any, new_key_file: Path | None, as_: str | None = None) -> None:
    from deskward.core.database import Database
    from deskward.features import SLICES
    from deskward.gate.rotation import rotate
    from deskward.gate.secret import read_secret
    from deskward.migrations import upgrade

    own = settings.secret_key is None
    waiting = settings.key_file.with_name("secret.key.new")
    await upgrade(settings.database_location)
    database = Database(settings.database_location)
    try:
        caller = await allowed(database.reader, settings, "rotate_secret", None, as_)
        if own and not waiting.exists():
            await read_secret(settings, database)  # that this key is the right one
        new = _made(waiting) if own else _given(new_key_file)
        if not await _done(database, new):
            with _bar() as progress:
                row = noted(settings, "rotate_secret", caller)
                more = [sealed for part in SLICES for sealed in part.sealed]
                await rotate(database, settings.key, new, progress, row, more)
    finally:
        await database.close()
    if own:
        os.replace(waiting, settings.key_file)
        print(f"Done. The new key is in {settings.key_file}; start the desk again.")
    else:
        print("Done. Set SECRET_KEY to the new key, and start the desk again.")


async def _done(database: Any, new: bytes) -> bool:
    """Whether all is under this key already, and only the file was not put in its place."""
    from deskward.gate.secret import ROW, Secret

    row = await database.reader.first(ROW)
    return (
        row is not None
        and row.coming is None
        and Secret.opened(new, row.sealed, row.generation) is not None
    )


def _made(waiting: Path) -> bytes:
    from deskward.core.settings import make_key

    if not waiting.exists():
        make_key(waiting)
    return waiting.read_bytes()


def _given(file: Path | None) -> bytes:
    from deskward.core.settings import KEY_LENGTH

    text = file.read_text("utf-8").strip() if file else os.environ.get(NEW, "")
    if len(text) < KEY_LENGTH:
        raise Misused(
            f"say the new key, of at least {KEY_LENGTH} characters, in {NEW} or --new-key-file"
        )
    return text.encode()


@contextlib.contextmanager
def _bar() -> Iterator[Progress]:
    """A progress bar on standard error, where somebody looks at it."""
    from rich.console import Console
    from rich.progress import Progress as Bars

    with Bars(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:
        task = bars.add_task("Sealing anew")
        yield lambda done, total: bars.update(task, completed=done, total=total or 1)
