"""The examples of the documents, as they stand there, against a real server."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.server import server

ROOT = Path(__file__).parents[2]
API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", API, re.DOTALL)
CURL = re.findall(r"```bash\n(curl .*?)```", API, re.DOTALL)

pytestmark = [pytest.mark.xdist_group("client"), pytest.mark.timeout(180)]


async def run(folder: Path, url: str, *command: str) -> str:
    """Run a program in a folder; gives its output."""
    environment = {"DATA_DIR": str(folder / "other"), "LOG_LEVEL": "ERROR", "DOMAINS": "bank,shop"}
    result = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, cwd=folder, env=environment
    )
    assert result.returncode == 0, result.stderr
    return str(result.stdout)


@pytest.mark.slow
async def test_the_examples_of_the_api_run(tmp_path: Path) -> None:
    assert len(PYTHON) >= 4
    async with server(tmp_path, fresh=True) as (url, _):
        address = url.removeprefix("http://")
        await run(tmp_path, url, sys.executable, "-m", "deskward", "tools", "--demo")
        for example in PYTHON:
            code = example.replace("127.0.0.1:9080", address)
            await run(tmp_path, url, sys.executable, "-c", code)
        example = next(one for one in CURL if "/chat" in one)
        shown = await run(
            tmp_path, url, "/bin/sh", "-c", example.replace("127.0.0.1:9080", address)
        )
        documented = json.loads(re.findall(r"```json\n(.*?)```", API, re.DOTALL)[0])
        answer = json.loads(shown)
        assert answer | {"timestamp": documented["timestamp"]} == documented


def test_every_link_between_documents_leads_somewhere() -> None:
    for file in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "benchmarks/README.md"]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", file.read_text(encoding="utf-8")):
            assert (file.parent / target).exists(), f"{file.name}: {target}"


def test_what_is_promised_names_files_that_are_there() -> None:
    """`docs/security.md`: where each promise is kept, and the test that fails without it."""
    promises = [
        line.split("|")
        for line in (ROOT / "docs/security.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and "`" in line
    ]
    assert len(promises) > 50
    for promise in promises:
        for path in re.findall(r"`([\w./-]+/[\w./-]*)`", "|".join(promise[2:])):
            places = (ROOT / path, ROOT / "src/deskward" / path)
            assert any(place.exists() for place in places), path
        assert "tests/" in promise[3] or promise[3].strip() == "the same", promise[1]
