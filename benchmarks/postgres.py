"""A PostgreSQL server in a scratch folder, to be stopped under the desk and started again."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.processes import CannotMeasure, free_port


class Postgres:
    """A server on a free port of this machine."""

    def __init__(self, programs: Path, folder: Path, options: str = "") -> None:
        self._programs = programs
        self._options = options
        self._folder = folder
        self._port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    @property
    def version(self) -> str:
        """What it says it is."""
        return self._run("postgres", "--version").strip()

    def create(self) -> None:
        """Make its files.

        Raises:
            CannotMeasure: `initdb` failed.
        """
        options = ("-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        self._run("initdb", "-D", str(self._data), *options)

    def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            CannotMeasure: It does not start.
        """
        options = (
            f"-c listen_addresses=127.0.0.1 -c port={self._port}"
            f" -c unix_socket_directories={self._folder} -c max_connections=100"
            f" {self._options}"
        )
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", str(self._data), "-l", log, "-w", "-o", options, "start")

    def stop(self) -> None:
        """Stop it at once, as a crash would: open connections are cut."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, program: str, *arguments: str) -> str:
        # It refuses to run as root; Debian's package has made this user.
        user = "postgres" if os.geteuid() == 0 else None
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            capture_output=True,
            text=True,
            cwd="/",
            stdin=subprocess.DEVNULL,
            user=user,
            check=False,
        )
        if done.returncode:
            raise CannotMeasure(f"{program} failed: {(done.stderr or done.stdout)[-300:]}")
        return done.stdout


@contextlib.contextmanager
def postgres(options: str = "") -> Iterator[Postgres]:
    """Run a server until the block ends.

    Args:
        options: Further ones of its command line.

    Raises:
        CannotMeasure: Its programs are not installed, or it does not start.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    on_path = shutil.which("initdb")
    if not found and not on_path:
        raise CannotMeasure("PostgreSQL's server programs are not installed (Debian: postgresql)")
    programs = found[0].parent if found else Path(on_path or "").resolve().parent
    with tempfile.TemporaryDirectory(prefix="deskward-pg-") as folder:
        if os.geteuid() == 0:
            try:
                shutil.chown(folder, "postgres", "postgres")
            except LookupError as error:
                raise CannotMeasure("PostgreSQL does not run as root, and has no user") from error
        server = Postgres(programs, Path(folder), options)
        server.create()
        server.start()
        try:
            yield server
        finally:
            with contextlib.suppress(CannotMeasure):  # stopped already
                server.stop()
