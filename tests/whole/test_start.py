"""What a start imports: only what it needs, whatever the machine's speed."""

import subprocess
import sys
from pathlib import Path

import pytest

LATE = (
    *("alembic", "sqlalchemy.orm", "sqlalchemy.ext.asyncio", "sqlalchemy.dialects.postgresql"),
    *("asyncpg", "redis", "openai", "anthropic", "aiosmtplib"),
    *("jsonschema", "mcp", "rich.console", "prompt_toolkit"),
    *("numpy", "babel.numbers", "babel.dates", "charset_normalizer", "snowballstemmer"),
    *("sqlglot", "aiokafka", "aiobotocore", "a2a"),
)
HEAVY = (
    *("deskward.app", "deskward.core.settings", "sqlalchemy", "fastapi", "pydantic", "numpy"),
    *("cedarpy", "uvicorn", "yaml"),
)
OPENED = """
import asyncio
from pathlib import Path
from deskward.app import open_desk
from deskward.core.settings import Settings
import deskward.entrypoints.server

async def opened():
    async with open_desk(Settings(_env_file=None, data_dir=Path({folder!r})), demo=True):
        pass

asyncio.run(opened())
"""


def loaded(code: str, names: tuple[str, ...], folder: Path = Path()) -> set[str]:
    """Which of these modules are there after some code ran in a fresh process."""
    code += f"\nimport sys\nprint(*sorted(sys.modules.keys() & set({names!r})))"
    command = [sys.executable, "-c", code]
    return set(subprocess.check_output(command, text=True, cwd=folder).split())


@pytest.mark.slow
@pytest.mark.started_anew
def test_a_desk_that_is_up_to_date_opens_without_what_it_does_not_use(
    tmp_path: Path,
) -> None:
    opened = OPENED.format(folder=str(tmp_path))
    assert "alembic" in loaded(opened, LATE, tmp_path)
    assert loaded(opened, LATE, tmp_path) == set()


HELP = """
import contextlib, io
from deskward.cli.main import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main(["--help"])
"""


def test_help_needs_nothing_of_the_desk() -> None:
    assert loaded(HELP, HEAVY) == set()
