"""Log lines for people: time | level | logger | message, one line each, on standard error."""

from __future__ import annotations

import logging
import logging.config
import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class OneLine(logging.Formatter):
    """Escapes control characters in messages, so that nobody can forge a line (CWE-117)."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line of a record, without its traceback."""
        return _CONTROL.sub(
            lambda m: m.group().encode("unicode_escape").decode(), super().formatMessage(record)
        )


def configure_logging(level: str) -> None:
    """Log to standard error from `level` on."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": OneLine,
                    "format": "%(asctime)s | %(levelname)s | %(name)s | %(message)s",
                    "datefmt": "%Y-%m-%d %H:%M:%S",
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"level": level, "handlers": ["stderr"]},
            "loggers": {
                # Libraries that tell of each request what our own lines tell already.
                name: {"level": "WARNING"}
                for name in ("httpx", "httpx2", "alembic", "uvicorn.error", "mcp", "openai")
            },
        }
    )
