"""How a command ends: with an exit code and, where something is wrong, one line that says what.

0: done. 1: refused or failed. 2: the command line is wrong. 3: the call waits for approval.
130: ended by Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

MISUSED = 2
PENDING = 3
INTERRUPTED = 130


class Misused(Exception):
    """The command line is not of the form that `--help` shows."""


@contextlib.contextmanager
def ending() -> Iterator[None]:
    """What ends the block ends the program: quietly, or with one line and an exit code.

    A fault of our own still shows its traceback.
    """
    try:
        with _printed():
            yield
    except BrokenPipeError:
        pass  # whoever reads has read enough, as in `deskward tools | head -1`
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Misused as error:
        print(f"deskward: {error}", file=sys.stderr)
        sys.exit(MISUSED)
    except Exception as error:
        if (line := in_one_line(error)) is None:
            raise
        sys.exit(f"deskward: {line}")
    finally:
        _let_go(sys.stdout)


@contextlib.contextmanager
def _printed() -> Iterator[None]:
    """Have what the block printed leave the program, also where the block ends it."""
    try:
        yield
    finally:
        if sys.stdout is not None:  # it is None where it was closed before the program started
            sys.stdout.flush()


def in_one_line(error: BaseException) -> str | None:
    """What went wrong, in one line; None for what only its traceback can tell."""
    from pydantic import ValidationError
    from sqlalchemy.exc import DBAPIError

    from deskward.core.credentials import without_credentials
    from deskward.core.errors import DeskwardError

    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    line: str
    match error:
        case DeskwardError():
            line = error.message
        case ValidationError():
            line = problems_of(error)
        case DBAPIError():
            line = f"the database failed: {error.orig}"
        case OSError(strerror=str(reason)):
            line = f"{error.filename}: {reason}" if error.filename else reason
        case ValueError() | OSError():
            line = str(error)
        case _:
            return None
    return " ".join(without_credentials(line).split())


def problems_of(error: Any) -> str:
    """What is wrong with which settings, without their values, which may be secret."""
    # A setting's own name is the last part; before it stands its group.
    known_as = slice(-1, None) if error.title == "Settings" else slice(None)
    found = []
    for problem in error.errors(include_input=False, include_url=False):
        name = ".".join(map(str, problem["loc"][known_as])).upper()
        found.append(": ".join(filter(None, (name, problem["msg"].removeprefix("Value error, ")))))
    return "; ".join(found)


def words_of(arguments: Sequence[str]) -> list[str]:
    """The words of a command line, which are UTF-8 whatever the locale says.

    Raises:
        Misused: One is not.
    """
    try:
        return [os.fsencode(word).decode() for word in arguments]
    except UnicodeError:
        raise Misused("the command line holds bytes that are no UTF-8") from None


def _let_go(stream: TextIO | None) -> None:
    """Flush a stream; where nobody takes that, forget it, so that the interpreter need not try."""
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
