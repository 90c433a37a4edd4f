"""What the offline model says by itself, in the customer's language."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml


def reply(name: str, language: str, **values: str) -> str:
    """The text of this name in a language, or else in English."""
    texts = texts_of("replies")[name]
    return texts.get(language, texts["en"]).format(**values)


@cache
def texts_of(name: str) -> dict[str, dict[str, str]]:
    """The texts of a file beside this one: name → language → text."""
    file = Path(__file__).with_name(f"{name}.yaml")
    found: dict[str, dict[str, str]] = yaml.load(
        file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    )
    return found
