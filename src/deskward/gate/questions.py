"""What a customer is asked before a call is made on their behalf: its exact values, in words.

A tool has its own question in several languages (`questions.yaml` of its slice); any other is asked
about by its title and arguments. The words are the desk's, never a model's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic_core import to_json

from deskward.text.language import language_of

Questions = Mapping[str, Sequence[str]]
"""Language → the question, the fullest first: the first of which all values are known is asked."""

OTHERWISE: Questions = {
    "en": ["Shall I do this: {title} ({values})?", "Shall I do this: {title}?"],
    "de": ["Soll ich das tun: {title} ({values})?", "Soll ich das tun: {title}?"],
    "fr": ["Dois-je faire ceci : {title} ({values}) ?", "Dois-je faire ceci : {title} ?"],
    "es": ["¿Hago esto: {title} ({values})?", "¿Hago esto: {title}?"],
    "it": ["Devo farlo: {title} ({values})?", "Devo farlo: {title}?"],
    "pt": ["Devo fazer isto: {title} ({values})?", "Devo fazer isto: {title}?"],
    "nl": ["Zal ik dit doen: {title} ({values})?", "Zal ik dit doen: {title}?"],
    "tr": ["Bunu yapayım mı: {title} ({values})?", "Bunu yapayım mı: {title}?"],
}
_VALUE = re.compile(r"\{(\w+(?:\.\w+)?)\}")


def read_questions(file: Path) -> dict[str, Questions]:
    """The questions of a slice's tools: tool → language → the question, or several.

    Raises:
        ValueError: A tool has none in English.
    """
    found: dict[str, Questions] = {}
    for tool, texts in yaml.safe_load(file.read_text(encoding="utf-8")).items():
        found[tool] = {
            language: [text] if isinstance(text, str) else text for language, text in texts.items()
        }
        if "en" not in found[tool]:
            raise ValueError(f"{file.name}: the question of {tool} has no English")
    return found


def values_of(questions: Questions) -> set[str]:
    """The names that questions fill in: of arguments, and `record.…`."""
    return {name for texts in questions.values() for text in texts for name in _VALUE.findall(text)}


def question_of(
    own: Questions | None,
    title: str,
    arguments: Mapping[str, Any],
    record: Mapping[str, Any] | None,
    said: Sequence[str],
) -> str:
    """The question about one call.

    Args:
        own: The tool's own questions.
        title: What the tool is called.
        arguments: As JSON, secrets masked and without those that are bound to the customer.
        record: The record that the call is about.
        said: What the customer said, the latest last: the question is in that language.
    """
    questions = own or OTHERWISE
    language = language_of(said)
    shown = {name: value for name, value in arguments.items() if value not in (None, "", [], {})}
    listed = ", ".join(f"{name}: {_plain(value)}" for name, value in shown.items())
    known = {**shown, **{f"record.{name}": value for name, value in (record or {}).items()}}
    if own is None:
        known = {"title": title, "values": listed}
    texts = questions.get(language, questions["en"])
    for text in texts:
        if all(known.get(name) not in (None, "") for name in _VALUE.findall(text)):
            return _VALUE.sub(lambda match: _plain(known[match[1]]), text)
    return question_of(None, title, arguments, record, said)


def _plain(value: Any) -> str:
    """A value in one line, without characters that change how the rest of it looks."""
    text = value if isinstance(value, str) else to_json(value).decode()
    return "".join(
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c
        for c in text
        if unicodedata.category(c) != "Cf"
    )
