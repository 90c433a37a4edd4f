"""The rule that the tests of a group share a process."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = """
import os
import pytest

@pytest.mark.parametrize("number", range(8))
@pytest.mark.xdist_group("one")
def test_of_a_group(number):
    print(f"WORKER {os.environ['PYTEST_XDIST_WORKER']} one")

@pytest.mark.parametrize("number", range(8))
def test_of_none(number):
    print(f"WORKER {os.environ['PYTEST_XDIST_WORKER']} none")

@pytest.mark.slow
def test_that_is_slow():
    print(f"WORKER {os.environ['PYTEST_XDIST_WORKER']} slow")

@pytest.fixture(autouse=True)
def noted(request):
    with open(os.environ["PYTEST_XDIST_WORKER"], "a") as file:
        file.write(request.node.name + "\\n")
"""


def test_the_tests_of_a_group_run_in_one_process(tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(TESTS, encoding="utf-8")
    ours = {name: v for name, v in os.environ.items() if not name.startswith("PYTEST_")}
    options = ["-q", "-rP", "-n", "2", "--dist", "loadgroup", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.groups", *options, str(file)],
        cwd=tmp_path,
        env={**ours, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert "17 passed" in done.stdout, done.stdout + done.stderr
    assert len(set(re.findall(r"WORKER (\w+) one", done.stdout))) == 1, done.stdout
    (slow,) = re.findall(r"WORKER (\w+) slow", done.stdout)
    assert (tmp_path / slow).read_text("utf-8").startswith("test_that_is_slow\n")
