"""The rule that a slow test is marked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiers import MOST_PROGRAMS, MOST_SECONDS, fault_of

ROOT = Path(__file__).parents[1]
TESTS = """
import subprocess
import pytest

@pytest.fixture(scope="session")
def shared():
    for _ in range({count}):
        subprocess.run(["true"])

def test_uses_what_is_shared(shared):
    subprocess.run(["true"])

@pytest.mark.slow
def test_is_marked():
    for _ in range({count}):
        subprocess.run(["true"])

def test_is_not_marked():
    for _ in range({count}):
        subprocess.run(["true"])
"""


def test_a_test_that_starts_many_programs_has_to_be_marked(tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(TESTS.format(count=MOST_PROGRAMS + 1), encoding="utf-8")
    options = ["-q", "-p", "tests.tiers", "-o", "markers=slow", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(file)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert "1 failed, 2 passed" in done.stdout, done.stdout + done.stderr
    assert f"test_is_not_marked starts {MOST_PROGRAMS + 1} programs; mark it" in done.stdout


@pytest.mark.parametrize(
    ("programs", "seconds", "slow"),
    [(0, 1.0, False), (MOST_PROGRAMS, 59.0, False), (0, MOST_SECONDS + 1, True)],
)
def test_a_test_that_takes_a_minute_is_slow(programs: int, seconds: float, slow: bool) -> None:
    assert (fault_of(["true"] * programs, seconds) is not None) == slow
