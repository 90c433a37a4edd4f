"""The command line, in this process."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deskward.cli.main import main

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """A data folder with the demo desk."""
    shutil.copy(template, tmp_path / "deskward.db")
    return tmp_path


@pytest.fixture
def cli(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kept_models: None,
    logging_kept: None,
) -> Cli:
    """`cli("tools", "--json")` → exit code, standard output, standard error."""
    for name in list(os.environ):
        if name in ("MODEL", "DATABASE_URL") or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DATA_DIR", str(folder))
    monkeypatch.setenv("DOMAINS", "bank,shop")
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    monkeypatch.chdir(folder)

    def run(*words: str) -> tuple[int, str, str]:
        code = 0
        try:
            main(words)
        except SystemExit as end:
            if isinstance(end.code, str):
                sys.stderr.write(end.code)
            code = end.code if isinstance(end.code, int) else 1 if end.code else 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
