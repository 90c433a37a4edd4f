"""Takes out each defence, one at a time, and shows that a test turns red without it.

    python tools/mutants.py [WORD…]     only those whose name or list has one of the words

`tests/mutants/*.yaml` lists the defences: what is taken out of which file, and the test that fails
then. Nothing in the working tree is changed, however this ends: the sources are copied, and the
tests import the copy. First all the tests must pass with every defence in place. Exits with 1 where
a defence survives or the time was over, and with 2 where a list does not fit the sources.
"""

from __future__ import annotations

import argparse
import compileall
import importlib.util
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
LISTS = ROOT / "tests" / "mutants"
PACKAGE = Path("src") / "deskward"
AT_ONCE = 2
LIMIT = 60
"""Seconds that the test of one defence may take."""
WITHIN = 30 * 60
"""Seconds that all may take; what has not run by then counts as surviving."""
PYTEST = (
    *("-m", "pytest", "-n", "0", "-q", "-x", "--no-header"),
    # Loading it takes a second, and a quarter of most tests' time.
    *("-p", "no:cacheprovider", "-p", "no:schemathesis"),
)
_FAILED = re.compile(r"^\d+ failed\b|, \d+ failed\b", re.MULTILINE)
"""What pytest ends with when a test failed. An error in what prepares a test is no proof."""


@dataclass(frozen=True)
class Mutant:
    """A defence that is taken out.

    Attributes:
        name: What it defends.
        file: Where it is, within the package.
        take: The text that is taken out; it is there once.
        put: What is there instead.
        test: The test that fails without it, as pytest names it.
        list: The list that it is in.
    """

    name: str
    file: str
    take: str
    put: str
    test: str
    list: str

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
        file, _, test = self.test.partition("::")
        named = f"def {test.partition('[')[0]}("
        if not test or not (ROOT / file).is_file() or named not in (ROOT / file).read_text("utf-8"):
            return f"there is no test {self.test}"
        return None


def all_mutants() -> list[Mutant]:
    """The listed defences."""
    return [
        Mutant(**entry, list=path.stem)
        for path in sorted(LISTS.glob("*.yaml"))
        for entry in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    ]


class Runs:
    """Runs tests against copies of the sources.

    Attributes:
        until: When no more is to run, on the clock of `time.monotonic`.
    """

    def __init__(self, folder: Path, until: float) -> None:
        self.until = until
        self._running: set[subprocess.Popen[str]] = set()
        self._free: queue.Queue[Path] = queue.Queue()
        first = folder / "0" / "src"
        shutil.copytree(ROOT / "src", first, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(first, quiet=2)
        self._free.put(first.parent)
        for number in range(1, AT_ONCE):
            shutil.copytree(first, folder / str(number) / "src")
            self._free.put(folder / str(number))

    def without(self, mutant: Mutant) -> str | None:
        """Run a mutant's test without the defence; what is wrong, or None where it is red."""
        if time.monotonic() > self.until:
            return "NOT SHOWN, the time was over before it ran"
        folder = self._free.get()
        path = folder / PACKAGE / mutant.file
        whole = path.read_text(encoding="utf-8")
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
        path.write_text(whole.replace(mutant.take, mutant.put), encoding="utf-8")
        try:
            code, told = self._run(folder, [mutant.test], LIMIT)
        except subprocess.TimeoutExpired as error:
            return f"NOT SHOWN, {mutant.test} did not end within {error.timeout:.0f} s"
        finally:
            path.write_text(whole, encoding="utf-8")
            self._free.put(folder)
        if code == 1 and _FAILED.search(told):
            return None
        if code == 0:
            return f"SURVIVES: {mutant.test} passes without it"
        return f"NOT SHOWN, {mutant.test} could not be run:\n{told[-1200:]}"

    def whole(self, tests: list[str]) -> str | None:
        """Run tests with every defence in place; what is wrong, or None where all pass."""
        folder = self._free.get()
        try:
            code, told = self._run(folder, tests, WITHIN)
        except subprocess.TimeoutExpired:
            return "they did not end in time"
        finally:
            self._free.put(folder)
        return told[-4000:] if code else None

    def _run(self, folder: Path, tests: list[str], limit: float) -> tuple[int, str]:
        left = max(0.1, min(limit, self.until - time.monotonic()))
        source = str(folder / "src")
        process = subprocess.Popen(  # noqa: S603 our own tests
            [sys.executable, *PYTEST, *tests],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": source, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._running.add(process)
        if not self.until:  # it was just stopped
            _kill(process)
        try:
            told, _ = process.communicate(timeout=left)
        finally:
            self._running.discard(process)
            _kill(process)
        return process.returncode, told

    def stop(self) -> None:
        """Let nothing more run."""
        self.until = 0
        for process in [*self._running]:
            _kill(process)


def _kill(process: subprocess.Popen[str]) -> None:
    """End a test with all that it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def results(mutants: list[Mutant]) -> Iterator[tuple[Mutant, str | None, float]]:
    """Run all, some at once; gives each with what is wrong, and the seconds that it took.

    Raises:
        RuntimeError: A test fails though every defence is in place.
    """
    with tempfile.TemporaryDirectory(prefix="deskward-mutants-") as folder:
        runs = Runs(Path(folder), time.monotonic() + WITHIN)
        threads = ThreadPoolExecutor(AT_ONCE)

        def one(mutant: Mutant) -> tuple[str | None, float]:
            start = time.monotonic()
            return runs.without(mutant), time.monotonic() - start

        try:
            tests = sorted({mutant.test for mutant in mutants})
            parts = [part for n in range(AT_ONCE) if (part := tests[n::AT_ONCE])]
            for wrong in filter(None, threads.map(runs.whole, parts)):
                raise RuntimeError(f"A test fails though every defence is in place:\n{wrong}")
            for mutant, (problem, seconds) in zip(mutants, threads.map(one, mutants), strict=True):
                yield mutant, problem, seconds
        finally:
            runs.stop()
            threads.shutdown(cancel_futures=True)


def main(words: list[str]) -> int:
    """Run the mutants; see the module."""
    mutants = [
        mutant
        for mutant in all_mutants()
        if not words or any(word in f"{mutant.list}: {mutant.name}" for word in words)
    ]
    if unfit := [f"{m.list}: {m.name}: {m.problem}" for m in mutants if m.problem]:
        print("\n".join(unfit), file=sys.stderr)
        return 2
    start = time.monotonic()
    print(f"First {len(mutants)} defences' tests with all of them in place …", flush=True)
    wrong: list[str] = []
    try:
        for number, (mutant, problem, seconds) in enumerate(results(mutants), 1):
            line = f"{mutant.list}: {mutant.name}" + (f"\n         {problem}" if problem else "")
            wrong += [line] if problem else []
            told = f"{number:3}/{len(mutants)} {seconds:5.1f} s  {'red' if not problem else '---'}"
            print(f"{told}  {line}", flush=True)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 2
    red = len(mutants) - len(wrong)
    spent = time.monotonic() - start
    print(f"\n{red} of {len(mutants)} defences turn a test red when out; {spent:.0f} s.")
    print(*wrong, sep="\n")
    return 1 if wrong or not mutants else 0


def _terminate(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminate)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD")
    try:
        sys.exit(main(parser.parse_args().words))
    except KeyboardInterrupt:
        sys.exit(130)
