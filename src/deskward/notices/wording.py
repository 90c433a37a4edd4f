"""The words of notices, from templates in eight languages: what happened to which record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from deskward.core.text import shorten

TEMPLATES = Path(__file__).parent / "templates"
FRAME = "frame"
"""The template of what stands around the lines of a mail."""
LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "tr")

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined)


@cache
def templates() -> dict[str, dict[str, dict[str, str]]]:
    """Name → language → `subject` and `line`."""
    return {
        file.stem: yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        for file in TEMPLATES.glob("*.yaml")
    }


def language_for(tags: Sequence[str | None]) -> str:
    """The first of these languages that templates are in, or English."""
    for tag in filter(None, tags):
        if (found := tag.replace("_", "-").partition("-")[0].lower()) in LANGUAGES:
            return found
    return "en"


def letter(language: str, told: Sequence[tuple[str, Mapping[str, Any]]]) -> tuple[str, str]:
    """Subject and text of a mail that tells of one notice or more: name and values of each."""
    frame = templates()[FRAME][language]
    lines = [line(language, name, values) for name, values in told]
    lines = list(dict.fromkeys(lines))
    if len(lines) == 1:
        name, values = told[0]
        subject = shorten(_filled(templates()[name][language]["subject"], values))
        body = lines[0]
    else:
        subject = _filled(frame["subject"], {"count": len(lines)})
        body = "\n".join(f"- {line}" for line in lines)
    return subject, f"{frame['before']}\n\n{body}\n\n{frame['after']}"


def line(language: str, name: str, values: Mapping[str, Any]) -> str:
    """What is told of one notice, in a line."""
    return _filled(templates()[name][language]["line"], values)


def _filled(template: str, values: Mapping[str, Any]) -> str:
    return " ".join(_ENVIRONMENT.from_string(template).render(values).split())
