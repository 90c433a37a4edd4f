"""What somebody is told who writes of harming themselves; no model is asked for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import yaml

from deskward.text.language import language_of

ANY_TENANT = ""
"""The line of tenants that have none of their own."""


def words_of_comfort(said: Sequence[str], tenant: str, lines: Mapping[str, str]) -> str:
    """The text, in the language of what was said, with the number to call.

    Args:
        said: What the customer said, the latest last.
        lines: Tenant → the number; see `ANY_TENANT`.
    """
    texts = _texts()
    language = language_of(said)
    line = lines.get(tenant) or lines.get(ANY_TENANT) or _in(texts["line"], language)
    return _in(texts["text"], language).format(line=line)


def _in(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language, texts["en"])


@cache
def _texts() -> dict[str, dict[str, str]]:
    file = Path(__file__).with_name("comfort.yaml")
    found: dict[str, dict[str, str]] = yaml.load(
        file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    )
    return found
