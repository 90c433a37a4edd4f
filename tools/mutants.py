"""Takes out each defence, one at a time, and shows that a test turns red without it.

    python tools/mutants.py [WORD…]     only those whose name has one of the words

`tests/mutants/*.yaml` lists the defences: what is taken out of which file, and the test that is to
fail then. The sources are copied first; nothing in the working tree is changed. Exits with 1 where
a defence survives, and with 2 where a list does not fit the sources.
"""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
LISTS = ROOT / "tests" / "mutants"
PACKAGE = Path("src") / "deskward"
AT_ONCE = 2
LIMIT = 180
"""Seconds that one test may take."""
FAILED = 1
"""What pytest exits with when a test failed; anything else is no proof."""


@dataclass(frozen=True)
class Mutant:
    """A defence that is taken out.

    Attributes:
        name: What it defends.
        file: Where it is, within the package.
        take: The text that is taken out; it is there once.
        put: What is there instead.
        test: The test that fails without it, as pytest names it.
    """

    name: str
    file: str
    take: str
    put: str
    test: str

    @property
    def problem(self) -> str | None:
        """Why it does not fit the sources, or None."""
        source = ROOT / PACKAGE / self.file
        if not source.is_file():
            return f"there is no {self.file}"
        found = source.read_text(encoding="utf-8").count(self.take)
        if found != 1:
            return f"{self.take!r} is {found} times in {self.file}"
        if self.take == self.put:
            return "nothing is taken out"
        if not (ROOT / self.test.partition("::")[0]).exists():
            return f"there is no test {self.test}"
        return None


def all_mutants() -> list[Mutant]:
    """The listed defences."""
    return [
        Mutant(**entry)
        for path in sorted(LISTS.glob("*.yaml"))
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


def run(mutant: Mutant, folder: Path) -> str | None:
    """Run the mutant's test without the defence; gives what is wrong, or None where it is red.

    Args:
        folder: A copy of the sources, which is put right again.
    """
    path = folder / PACKAGE / mutant.file
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace(mutant.take, mutant.put), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-n", "0", "-q", "-x", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(  # noqa: S603 our own tests
            [*command, mutant.test],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{mutant.test} did not end within {LIMIT} s"
    finally:
        path.write_text(whole, encoding="utf-8")
    if done.returncode == FAILED:
        return None
    if done.returncode == 0:
        return f"survives: {mutant.test} passes without it"
    return f"{mutant.test} could not be run:\n{done.stdout[-800:]}{done.stderr[-400:]}"


def results(mutants: list[Mutant]) -> Iterator[tuple[Mutant, str | None]]:
    """Run all, some at once; gives each with what is wrong."""
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(AT_ONCE) as threads:
        free: queue.Queue[Path] = queue.Queue()
        for number in range(AT_ONCE):
            copy = Path(temporary) / str(number)
            shutil.copytree(
                ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__")
            )
            free.put(copy)

        def one(mutant: Mutant) -> str | None:
            folder = free.get()
            try:
                return run(mutant, folder)
            finally:
                free.put(folder)

        yield from zip(mutants, threads.map(one, mutants), strict=True)


def main(words: list[str]) -> int:
    """Run the mutants; see the module."""
    mutants = [m for m in all_mutants() if not words or any(word in m.name for word in words)]
    if unfit := [f"{m.name}: {m.problem}" for m in mutants if m.problem]:
        print("\n".join(unfit), file=sys.stderr)
        return 2
    alive = 0
    for number, (mutant, problem) in enumerate(results(mutants), 1):
        alive += problem is not None
        print(f"{number:3}/{len(mutants)}  {problem or 'red'}  {mutant.name}", flush=True)
    print(f"{len(mutants) - alive} of {len(mutants)} defences turn a test red when they are out.")
    return 1 if alive or not mutants else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
