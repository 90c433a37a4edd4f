"""Logging: the documented line, JSON, one line per record, nothing personal, a rotated file."""

import asyncio
import contextlib
import json
import logging
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskward.core import logging as our_logging
from deskward.core.characters import one_line
from deskward.core.logging import bind, configure_logging, scrub
from tests.conftest import settings_in

LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \| INFO \| api\.chat \| session=(\S+) \| tenant=(\S+) \| (.*)"
    r" \| request=(\S+)"
)


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Leave logging as the other tests know it."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    token = our_logging._context.set({})
    yield
    our_logging._context.reset(token)
    for handler in root.handlers:
        if handler not in before:
            with contextlib.suppress(OSError):  # a full disk
                handler.close()
    root.handlers[:], root.level = before, level


def lines(folder: Path, **changes: object) -> list[str]:
    file = folder / "logs" / "app.log"
    configure_logging(settings_in(folder, log_file_path=file, **changes), serving=True)
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def test_a_line_is_as_documented(tmp_path: Path) -> None:
    lines(tmp_path)
    bind(session="abc-123", tenant="company-A")
    bind(request="r1")
    logging.getLogger("api.chat").info("User message received")
    (line,) = lines(tmp_path)
    match = LINE.fullmatch(line)
    assert match is not None
    assert match.groups() == ("abc-123", "company-A", "User message received", "r1")
    assert stat.S_IMODE((tmp_path / "logs" / "app.log").stat().st_mode) == 0o600


def test_other_handlers_get_a_record_as_it_was(tmp_path: Path) -> None:
    lines(tmp_path)
    got: list[logging.LogRecord] = []

    class Other(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            got.append(record)

    logging.getLogger().addHandler(Other())
    logging.getLogger("deskward.api.chat").info("jane@example.com\nnow")
    (record,) = got
    assert (record.name, record.message) == ("deskward.api.chat", "jane@example.com\nnow")


def test_json_lines_hold_the_same(tmp_path: Path) -> None:
    lines(tmp_path, log_format="json")
    bind(session="s", tenant="t", request="r")
    try:
        raise ValueError("jane@example.com")
    except ValueError:
        logging.getLogger("api.chat").exception("failed\nINFO forged")
    (line,) = lines(tmp_path, log_format="json")
    record = json.loads(line)
    assert list(record) == [
        *("time", "level", "logger", "session", "tenant", "request", "message", "exception")
    ]
    assert (record["session"], record["message"]) == ("s", "failed\nINFO forged")
    assert "ValueError: [mail]" in record["exception"]


def test_nobody_can_forge_a_line(tmp_path: Path) -> None:
    lines(tmp_path)
    bind(session="s\n2026-01-01 00:00:00 | INFO | forged")
    try:
        raise ValueError("x\n2026-01-01 00:00:00 | INFO | forged")
    except ValueError:
        logging.getLogger("api.chat").exception("a\r\n2026-01-01 00:00:00 | INFO | forged")
    written = lines(tmp_path)
    assert sum(line.startswith("20") for line in written) == 1
    assert all(line.startswith("    ") for line in written[1:])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mail jane.doe+x@mail.example.com now", "mail [mail] now"),
        ("card 4242 4242 4242 4242", "card [number]"),
        ("call +49 170 1234567", "call [number]"),
        ("key dw_0a1b2c3d_" + "x" * 43, "key [key]"),
        ("Authorization: Bearer abcdefghijkl", "Authorization: [key]"),
        ("postgresql://me:secret@host/db", "postgresql://me:***@host/db"),
        ("at 2026-02-19 10:30:45 it took 1200.5 ms", "at 2026-02-19 10:30:45 it took 1200.5 ms"),
        ("turn 4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b", "turn 4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b"),
    ],
)
def test_personal_data_is_masked(text: str, masked: str) -> None:
    assert scrub(text) == masked


@given(st.text())
def test_any_text_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


def test_only_listed_fields_are_bound() -> None:
    with pytest.raises(TypeError, match="password"):
        bind(password="x")


async def test_what_a_task_binds_stays_in_it(tmp_path: Path) -> None:
    lines(tmp_path)

    async def speak(name: str) -> None:
        bind(session=name)
        await asyncio.sleep(0.01)
        logging.getLogger("api.chat").info("from %s", name)

    await asyncio.gather(*(speak(f"s{number}") for number in range(5)))
    for line in lines(tmp_path):
        match = LINE.fullmatch(line)
        assert match is not None
        assert match[3] == f"from {match[1]}"


@pytest.mark.slow
def test_the_file_is_rotated(tmp_path: Path) -> None:
    lines(tmp_path, log_max_size_mb=1, log_backup_count=2)
    for _ in range(45):
        logging.getLogger("api.chat").info(" " * 100_000)
    files = sorted(file.name for file in (tmp_path / "logs").iterdir())
    assert files == ["app.log", "app.log.1", "app.log.2"]
    for file in (tmp_path / "logs").iterdir():
        assert file.stat().st_size <= 1_000_000
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_without_backups_the_file_begins_anew(tmp_path: Path) -> None:
    lines(tmp_path, log_max_size_mb=1, log_backup_count=0)
    for number in range(25):
        logging.getLogger("api.chat").info("%d %s", number, " " * 100_000)
    (file,) = (tmp_path / "logs").iterdir()
    assert file.stat().st_size <= 1_000_000
    assert " | 24   " in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("level", "serving", "shown"),
    [
        ("INFO", True, {"told", "warned"}),
        ("INFO", False, {"warned"}),
        ("DEBUG", False, {"searched", "told", "warned"}),
        ("ERROR", False, set()),
    ],
)
def test_a_command_that_serves_nobody_tells_of_problems_only(
    tmp_path: Path, capsys, level: str, serving: bool, shown: set[str]
) -> None:
    configure_logging(settings_in(tmp_path, log_level=level, log_to_file=False), serving=serving)
    log = logging.getLogger("api.chat")
    log.debug("searched")
    log.info("told")
    log.warning("warned")
    said = capsys.readouterr().err
    assert {word for word in ("searched", "told", "warned") if word in said} == shown


def test_a_full_disk_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    device = Path("/dev/full")
    mode = device.stat().st_mode
    configure_logging(settings_in(tmp_path, log_file_path=device), serving=True)
    assert device.stat().st_mode == mode
    for _ in range(3):
        logging.getLogger("api.chat").info("hello")
    said = capsys.readouterr().err
    assert said.count("the log file /dev/full could not be written: [Errno 28]") == 1
    assert "Traceback" not in said


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("no folder", encoding="utf-8")
    with pytest.raises(OSError, match="LOG_TO_FILE=false"):
        lines(tmp_path)


def test_each_worker_has_its_file(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, log_file_path=tmp_path / "app.log")
    configure_logging(settings, serving=True, worker=2)
    assert (tmp_path / "app.2.log").exists()


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_character_acts_on_who_reads_the_log(tmp_path: Path, log_format: str) -> None:
    lines(tmp_path, log_format=log_format)
    hostile = "\x1b]0;x\x07 \x9b2J \u202egpj \u200b \u2066"
    bind(session=hostile)
    try:
        raise ValueError(f"{hostile} https://me:s3cret@host/")
    except ValueError:
        logging.getLogger("api.chat").exception(f"{hostile} https://s3cret@host/")
    text = (tmp_path / "logs" / "app.log").read_text(encoding="utf-8")
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "s3cret" not in text
