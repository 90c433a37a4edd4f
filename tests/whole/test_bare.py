"""What `pip install deskward` brings, without any extra, serves and chats."""

import ast
import asyncio
import subprocess
import sys
import tomllib
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import httpx2
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.services.server import server

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
SOURCES = PROJECT.parent / "src" / "deskward"
BLOCK = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
"""


def brought(wanted: list[Requirement]) -> set[str]:
    """All packages that these bring, on this machine."""
    found: dict[str, set[str]] = {}
    while wanted:
        one = wanted.pop()
        name, extras = canonicalize_name(one.name), {"", *one.extras}
        if extras <= found.get(name, set()):
            continue
        found.setdefault(name, set()).update(extras)
        for line in distribution(name).requires or ():
            next_one = Requirement(line)
            marker = next_one.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras):
                wanted.append(next_one)
    return set(found)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder that makes a Python have nothing but what a bare installation has."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    ours = brought([Requirement(line) for line in project["dependencies"]]) | {"deskward"}
    names = {
        module
        for module, packages in packages_distributions().items()
        if ours.isdisjoint(map(canonicalize_name, packages))
    }
    assert {"openai", "anthropic", "redis", "asyncpg", "aiosmtplib", "pytest"} <= names
    folder = tmp_path / "bare"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BLOCK.format(names=names), encoding="utf-8")
    return folder


def test_what_is_imported_is_declared() -> None:
    """What others happen to bring today, they may not bring tomorrow."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    extras = [
        line
        for name, lines in project["optional-dependencies"].items()
        if name != "dev"
        for line in lines
    ]
    declared = {
        canonicalize_name(Requirement(line).name) for line in [*project["dependencies"], *extras]
    }
    # These are parts of pydantic and of mcp, which want them in exactly one version.
    declared |= set(map(canonicalize_name, ("pydantic-core", "mcp-types")))
    packages = packages_distributions()
    for file in SOURCES.rglob("*.py"):
        for module in imported(file) - sys.stdlib_module_names - {"deskward"}:
            assert declared & set(map(canonicalize_name, packages[module])), (file, module)


def imported(file: Path) -> set[str]:
    """The packages that a file imports."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


@pytest.mark.slow
@pytest.mark.started_anew
async def test_a_bare_installation_serves_and_chats(bare: Path, tmp_path: Path) -> None:
    question = {"session_id": "demo", "message": "What is my account balance?"}
    async with (
        server(tmp_path / "desk", fresh=True, PYTHONPATH=str(bare)) as (url, _),
        httpx2.AsyncClient(base_url=url, timeout=60) as client,
    ):
        answer = await client.post("/api/v1/chat", json=question)
        assert "5,420.50" in answer.text
        assert (await client.get("/openapi.json")).status_code == 200
        assert (await client.get("/docs")).status_code == 200
    for words in (
        ["chat", "--demo", "--once", question["message"]],
        ["call", "--demo", "get_account_balance"],
    ):
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "deskward", *words],
            env={"PYTHONPATH": str(bare), "DATA_DIR": str(tmp_path / "new")},
            capture_output=True,
            text=True,
        )
        assert "5,420.50" in done.stdout, done.stderr
        assert done.returncode == 0
