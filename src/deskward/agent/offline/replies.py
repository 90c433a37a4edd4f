"""What the offline model says by itself, in the customer's language."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import yaml

from deskward.text.language import language_of


def reply(name: str, said: Sequence[str], **values: str) -> str:
    """The text of this name in the language of what was said, the latest last."""
    texts = _texts()[name]
    text = texts.get(language_of(said), texts["en"])
    return text.format(**values)


@cache
def _texts() -> dict[str, dict[str, str]]:
    file = Path(__file__).with_name("replies.yaml")
    found: dict[str, dict[str, str]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found
