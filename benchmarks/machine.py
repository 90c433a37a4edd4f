"""The machine: which cores are used, what it is, and what a process has cost on it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cores:
    """Where things run: the measured server on one core, everything else on another."""

    server: int
    load: int


def choose_cores() -> Cores:
    """The first and the last core that this process may use."""
    allowed = sorted(os.sched_getaffinity(0))
    return Cores(allowed[0], allowed[-1])


def cpu_seconds(pid: int) -> float:
    """The CPU time of a process and all its threads, user and system, since it started."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def peak_memory(pid: int) -> float:
    """The largest resident size of a process up to now, in MB."""
    return _megabytes(pid, "VmHWM:")


def memory(pid: int) -> float:
    """The resident size of a process, in MB."""
    return _megabytes(pid, "VmRSS:")


def _megabytes(pid: int, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return 0.0


def describe(folder: Path, packages: Iterable[str]) -> dict[str, Any]:
    """What a reader has to know of the machine to judge the figures.

    Args:
        folder: Where the measured database is kept.
        packages: The distributions whose versions count.
    """
    cores = choose_cores()
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "server_core": cores.server,
        "load_core": cores.load,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "disk": _file_system(folder),
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 2),
        "packages": {name: installed(name) for name in packages},
    }


def installed(package: str) -> str:
    """The installed version of a distribution."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(folder: Path) -> str:
    """The kind of file system that a folder is on: a commit to `tmpfs` costs no disk flush."""
    best, kind = "", "unknown"
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, mount, found, *_ = line.split()
        if len(mount) > len(best) and folder.resolve().is_relative_to(mount):
            best, kind = mount, found
    return kind
