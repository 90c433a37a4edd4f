"""The child process that reads documents: `python -m deskward.knowledge.parsing.child`.

On its standard input come documents, each as a line of JSON (`form`, `path`, `size`) and so many
bytes; for each it answers one line of JSON. It has no more memory and processor time than it was
given, opens no further files, and ends with its parent.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any, BinaryIO

LATER = 10
"""How much this process stands back behind whatever else wants a processor (`nice`)."""
OUT_OF_MEMORY = "it needs more memory to be read than it may have"


def limit(memory: int) -> None:
    """Take limits upon this process that it cannot lift: its memory, and that it writes no files.

    Args:
        memory: Bytes of address space.
    """
    # Whoever waits for an answer comes before a manual that is read.
    os.nice(LATER)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def allow(seconds: int) -> None:
    """Let this process have so many seconds of processor time more; then the kernel ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + 1 + seconds
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (until, most))


def serve(source: BinaryIO, answers: BinaryIO, seconds: int) -> None:
    """Read documents until there are no more."""
    while line := source.readline():
        try:
            asked = json.loads(line)
            data = source.read(asked["size"])
            allow(seconds)
            written = json.dumps(_answer(asked["form"], asked["path"], data), ensure_ascii=False)
            answer = written.encode("utf-8", "replace")
            lives = True
        except MemoryError:
            # What is left of the memory is in pieces: another child goes on.
            answer, lives = json.dumps({"broken": OUT_OF_MEMORY, "ends": True}).encode(), False
        answers.write(answer + b"\n")
        answers.flush()
        if not lives:
            return


def _answer(form: str, path: str, data: bytes) -> dict[str, Any]:
    from deskward.knowledge.formats.blocks import Broken
    from deskward.knowledge.formats.reading import read

    try:
        found = read(form, path, data)
    except Broken as error:
        return {"broken": str(error)}
    except MemoryError:
        raise
    except RecursionError:
        return {"broken": "its parts are inside each other too often to be read"}
    except Exception as error:  # a library's, about what only this document has
        return {"broken": f"it could not be read ({type(error).__name__}: {error})"[:400]}
    chunks = [[list(chunk.headings), chunk.text] for chunk in found.chunks]
    named = {"title": found.title, "language": found.language, "told": found.told}
    return {**named, "chunks": chunks}


def main() -> None:
    """Serve, under the limits that the arguments say: megabytes, and seconds a document."""
    memory, seconds = (int(word) for word in sys.argv[1:3])
    # Before the limits: what every document needs is there when memory is scarce.
    import deskward.knowledge.formats.reading as _reading

    assert _reading
    limit(memory * 1_000_000)
    serve(sys.stdin.buffer, sys.stdout.buffer, seconds)


if __name__ == "__main__":
    main()
