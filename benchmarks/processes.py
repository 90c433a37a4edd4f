"""Starts what is measured in processes of their own, and ends them."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.machine import Cores

ROOT = Path(__file__).parent.parent
START_LIMIT = 30.0
"""Seconds that a server may take until it accepts connections."""


class CannotMeasure(Exception):
    """Something that is needed for a measurement is missing or does not work."""


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """A process's environment: little of ours, so that no setting of the user's has a say."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    ours = {name: os.environ[name] for name in kept if name in os.environ}
    # Measured is the code beside these benchmarks, whatever else is installed.
    path = os.pathsep.join((str(ROOT), str(ROOT / "src")))
    return {**ours, "PYTHONPATH": path, "NO_COLOR": "1", **extra}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def serving(
    name: str,
    arguments: list[str],
    *,
    port: int,
    core: int,
    folder: Path,
    variables: Mapping[str, str] | None = None,
    python: Path | None = None,
) -> Iterator[int]:
    """Run `python -m ARGUMENTS` on one core until the block ends; gives its process id.

    Args:
        name: What its log file is called.
        port: Where it will listen on loopback.
        folder: Its working directory; the log goes there, too.
        variables: What is added to its environment.
        python: Its interpreter; ours by default.

    Raises:
        CannotMeasure: It ended, or does not listen in time.
    """
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python or sys.executable, "-m", *arguments],
            cwd=folder,
            env=environment(variables or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
    try:
        _wait_for(process, name, port, log)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], name: str, port: int, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    said = log.read_text(errors="replace", encoding="utf-8")[-800:].strip()
    raise CannotMeasure(f"{name} did not start. It said:\n{said}")


def desk_command(folder: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> str:
    """What a `deskward` command says of the database in a folder.

    Args:
        folder: Where its data is.
        arguments: Its command line.
        variables: Settings besides that.

    Raises:
        CannotMeasure: The command failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", "deskward", *arguments],
        cwd=folder,
        env=environment({"DATA_DIR": str(folder / "data"), **(variables or {})}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-400:]
        raise CannotMeasure(f"`deskward {' '.join(arguments)}` failed: {said}")
    return done.stdout.strip()


def key_of_a_customer(folder: Path, variables: Mapping[str, str] | None = None) -> str:
    """A new key of the demo's first customer, who is made first: nobody else gets one.

    Args:
        folder: Where the desk's data is.
        variables: Settings besides that.
    """
    desk_command(folder, "tools", "--demo", variables=variables)
    make_key = ("keys", "create", "--kind", "customer", "--subject", "user_001")
    return desk_command(folder, *make_key, variables=variables)


class Desk(NamedTuple):
    """A running desk."""

    pid: int
    port: int
    key: str


def desk_settings(folder: Path, port: int) -> dict[str, str]:
    """The settings that are the same wherever a desk is measured."""
    return {
        "DATA_DIR": str(folder / "data"),
        "SERVER_PORT": str(port),
        "LOG_LEVEL": "WARNING",
        "MODEL": "offline",
        # Else a new desk makes the vectors of its articles meanwhile, with all of its core.
        "EMBEDDINGS": "off",
    }


@contextlib.contextmanager
def serving_desk(
    module: str, folder: Path, cores: Cores, variables: Mapping[str, str] | None = None
) -> Iterator[Desk]:
    """Run Deskward with its demo data and a customer's key until the block ends.

    Args:
        module: `deskward`, or a module that takes the same arguments.
        folder: For its database and log.
        variables: Settings besides those that are always the same.
    """
    print("starting deskward …", file=sys.stderr)
    key = key_of_a_customer(folder, variables)
    port = free_port()
    settings = {**desk_settings(folder, port), **(variables or {})}
    with serving(
        "deskward",
        [module, "serve", "--demo"],
        port=port,
        core=cores.server,
        folder=folder,
        variables=settings,
    ) as pid:
        yield Desk(pid, port, key)
