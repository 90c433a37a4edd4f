"""Log lines for people or programs, on standard error and in a rotated file.

Every line says which request, session and tenant it is about. A line is one line, whatever the
values in it hold, and no value in it looks like a secret or like personal data.
"""

from __future__ import annotations

import copy
import json
import logging
import logging.config
import os
import re
import sys
import time
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import MappingProxyType
from typing import Any

from deskward.core.characters import one_line
from deskward.core.credentials import without_credentials
from deskward.core.settings import Settings

FIELDS = ("session", "tenant", "request")
"""What `bind` may say of a line. Nothing else of a request gets into a log by itself."""

REPEATED = 60.0
"""Seconds between two lines that say that the log file cannot be written."""

_FIELDS = frozenset(FIELDS)

DATE = "%Y-%m-%d %H:%M:%S"

_PERSONAL = re.compile(
    r"(?P<mail>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+)"
    r"|(?P<key>\b(?:dw_[0-9a-f]{8}_|sk-|Bearer\s+|Basic\s+)[\w.~+/=-]{8,})"
    r"|(?P<number>(?<![\w.-])(?!\d{4}-\d\d-\d\d\b)\+?\d(?:[ -]?\d){8,18}(?![\w.-]))"
)
log = logging.getLogger(__name__)
_context: ContextVar[Mapping[str, str]] = ContextVar("log_context", default=MappingProxyType({}))


def bind(**fields: str) -> None:
    """Say what the lines of this task, and of those it starts, are about.

    Args:
        fields: Some of `FIELDS`.
    """
    if unknown := fields.keys() - _FIELDS:
        raise TypeError(f"log lines have no field {', '.join(unknown)}")
    _context.set({**_context.get(), **fields})


def scrub(text: str) -> str:
    """The text with what looks like a mail address, a key or a long number masked."""
    return _PERSONAL.sub(lambda match: f"[{match.lastgroup}]", without_credentials(text))


class _Context(logging.Filter):
    """Puts what `bind` said onto each record."""

    def filter(self, record: logging.LogRecord) -> bool:
        context = _context.get()
        for field in FIELDS:
            setattr(record, field, scrub(one_line(context.get(field, "-"))))
        return True


class TextFormatter(logging.Formatter):
    """`time | level | logger | session=… | tenant=… | message | request=…`."""

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s | %(levelname)s | %(name)s | session=%(session)s | tenant=%(tenant)s"
            " | %(message)s | request=%(request)s",
            datefmt=DATE,
        )

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line of a record, without its traceback."""
        record = copy.copy(record)  # other handlers get it as it was
        record.name = _short(record.name)
        record.message = scrub(one_line(record.message))
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:
        """A traceback, its lines indented so that none can pass for a line of the log."""
        return "\n".join(
            f"    {scrub(one_line(line))}" for line in super().formatException(ei).splitlines()
        )


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record, its traceback inside."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": _short(record.name),
            **{field: getattr(record, field) for field in FIELDS},
            "message": scrub(record.getMessage()),
        }
        if record.exc_info:
            line["exception"] = scrub(self.formatException(record.exc_info))
        return one_line(json.dumps(line, ensure_ascii=False))


class RotatedFile(RotatingFileHandler):
    """The log file: only its owner can read it, and it never outgrows its size."""

    _quiet_until = 0.0

    def doRollover(self) -> None:
        """Begin a new file; the old one goes where no old ones are kept."""
        if self.backupCount == 0 and self.stream is not None:
            self.stream.truncate(0)
        super().doRollover()

    def handleError(self, record: logging.LogRecord) -> None:
        """Say in one line, not at every record, that the file could not be written."""
        if time.monotonic() >= self._quiet_until:
            self._quiet_until = time.monotonic() + REPEATED
            problem = sys.exc_info()[1]
            log.error("the log file %s could not be written: %s", self.baseFilename, problem)

    def _open(self) -> Any:
        how = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        return os.fdopen(os.open(self.baseFilename, how, 0o600), "a", encoding=self.encoding)


def configure_logging(
    settings: Settings, *, serving: bool = False, to_file: bool = True, worker: int = 0
) -> None:
    """Log to standard error and, where a server is set to, to the rotated file.

    Args:
        settings: LOG_LEVEL, LOG_FORMAT and the LOG_FILE settings.
        serving: Whether the command is a server. Other commands write no file, and tell of
            problems only unless LOG_LEVEL is DEBUG.
        to_file: Whether this server writes the log file.
        worker: The number of this process where several serve: each has a file of its own, because
            two processes cannot rotate one.

    Raises:
        OSError: The file cannot be written.
    """
    handlers: dict[str, dict[str, Any]] = {"stderr": {"class": "logging.StreamHandler"}}
    level = "WARNING" if settings.log.level == "INFO" and not serving else settings.log.level
    if serving and to_file and settings.log.to_file:
        path = _file(settings.log.file_path, worker)
        handlers["file"] = {
            "()": RotatedFile,
            "filename": str(path),
            "maxBytes": settings.log.max_size_mb * 1_000_000,
            "backupCount": settings.log.backup_count,
            "encoding": "utf-8",
        }
    formatter = TextFormatter if settings.log.format == "text" else JsonFormatter
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"()": formatter}},
            "filters": {"context": {"()": _Context}},
            "handlers": {
                name: {**handler, "formatter": "line", "filters": ["context"]}
                for name, handler in handlers.items()
            },
            "root": {"level": level, "handlers": list(handlers)},
            "loggers": {
                # Libraries that tell of each request what our own lines tell already.
                name: {"level": "WARNING"}
                for name in (
                    *("httpx", "httpx2", "httpcore2", "alembic", "uvicorn.error", "mcp"),
                    *("openai", "anthropic", "websockets", "aiosmtplib", "asyncio", "watchfiles"),
                )
            },
        }
    )


def _file(path: Path, worker: int) -> Path:
    if worker:
        path = path.with_name(f"{path.stem}.{worker}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8"):
            if path.is_file():  # not a device or a pipe, which is everybody's
                os.chmod(path, 0o600)
    except OSError as error:
        raise OSError(
            f"cannot write the log file {path}: {error.strerror}. Set LOG_FILE_PATH to another "
            "file, or LOG_TO_FILE=false."
        ) from error
    return path


def _short(name: str) -> str:
    return name.removeprefix("deskward.")
