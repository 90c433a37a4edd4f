"""What a customer is asked before a call is made on their behalf: its exact values, in words.

A tool has its own question in several languages (`questions.yaml` of its slice); any other is asked
about by its title and arguments. The words are the desk's, never a model's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic_core import to_json

from deskward.core.errors import InvalidInput
from deskward.security.masking import mask
from deskward.security.vault import Vault
from deskward.text.assent import said_as
from deskward.text.language import language_of
from deskward.text.plain import Plain

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
_MARKS = re.compile("[“”„‟«»]")
"""Marks that a value stands between, which it cannot hold."""
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
"""Letters and marks that nobody sees (Unicode's Default_Ignorable_Code_Point, empty Braille)."""
LONGEST = 4_000
"""Characters of a question; nobody reads a longer one whole."""
_HIDDEN = "**********"
"""What stands for a secret, as `SecretStr` prints itself."""
_MAIL = re.compile(r"[\w.+%-]{1,64}@[\w.-]{1,253}\w")


def read_questions(file: Path) -> dict[str, Questions]:
    """The questions of a slice's tools: tool → language → the question, or several.

    Raises:
        ValueError: A tool has none in English.
    """
    found: dict[str, Questions] = {}
    for tool, texts in yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader).items():
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
    answers: str = "",
) -> str:
    """The question about one call.

    Args:
        own: The tool's own questions.
        title: What the tool is called.
        arguments: As JSON, secrets masked and without those that are bound to the customer.
        record: The record that the call is about.
        said: What the customer said, the latest last: the question is in that language.
        answers: The argument that answers what the record asks: a choice is shown as what it means.

    Raises:
        InvalidInput: A value cannot be shown as it is, so that nobody can say yes to it.
    """
    language = language_of(said)
    if own is not None:
        arguments = _in_words(arguments, record or {}, answers, language)
    text = _filled(own, title, arguments, record, language)
    if not is_exact(text):
        raise InvalidInput(
            "This has to be asked of the person first, and cannot be shown to them exactly. Call"
            " again with plain words: no markup, links, unseen characters, secrets or long texts."
        )
    return text


def is_exact(questions: str) -> bool:
    """Whether questions, one a line, look alike as plain text and as Markdown, and hide nothing."""
    return all(map(_is_exact, questions.split("\n")))


def _is_exact(question: str) -> bool:
    if len(question) > LONGEST or _BLANK.search(question):
        return False
    plain = Plain((), {address.lower() for address in _MAIL.findall(question)})
    return plain.text(question) == question == mask(question, Vault())


def _filled(
    own: Questions | None,
    title: str,
    arguments: Mapping[str, Any],
    record: Mapping[str, Any] | None,
    language: str,
) -> str:
    questions = own or OTHERWISE
    given = {name: value for name, value in arguments.items() if value not in (None, "", [], {})}
    known = {**given, **{f"record.{name}": value for name, value in (record or {}).items()}}
    if own is None:
        listed = _listed(given)
        return _VALUE.sub(
            lambda match: {"title": title, "values": listed}[match[1]],
            questions.get(language, questions["en"])[0 if listed else 1],
        )
    for text in questions.get(language, questions["en"]):
        names = _VALUE.findall(text)
        if all(known.get(name) not in (None, "") for name in names):
            rest = {name: value for name, value in given.items() if name not in names}
            return _VALUE.sub(lambda match: _plain(known[match[1]]), text) + _with(rest)
    return _filled(None, title, arguments, record, language)


def _in_words(
    arguments: Mapping[str, Any], record: Mapping[str, Any], answers: str, language: str
) -> dict[str, Any]:
    """The arguments as people say them: yes or no, and what a choice means, in their language."""
    known = [str(one).partition(": ") for one in record.get("choices") or ()]
    meanings = {word: meaning for word, _, meaning in reversed(known)}
    shown = dict(arguments)
    for name, value in arguments.items():
        if isinstance(value, bool):
            shown[name] = said_as(value, language)
        elif name == answers and isinstance(value, float) and value.is_integer():
            shown[name] = int(value)
        elif name == answers and isinstance(value, str):
            shown[name] = meanings.get(value, value)
    return shown


def _with(rest: Mapping[str, Any]) -> str:
    """The values of a call of which its question says nothing; a secret cannot be shown."""
    listed = _listed({name: value for name, value in rest.items() if value != _HIDDEN})
    return f" ({listed})" if listed else ""


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {_quoted(value)}" for name, value in values.items())


def _quoted(value: Any) -> str:
    """A value in a list of several: a text between marks, so that it can be told where it ends."""
    plain = _plain(value)
    return plain if isinstance(value, bool | int | float) else f"“{plain}”"


def _plain(value: Any) -> str:
    """A value in one line, whole; a sign stands for the end of each of its own lines.

    Raises:
        InvalidInput: It holds a mark that would seem to end it.
    """
    if value == _HIDDEN:  # asterisks are markup
        return "••••••"
    text = value if isinstance(value, str) else to_json(value).decode()
    if _MARKS.search(text):
        raise InvalidInput(
            "This has to be asked of the person first, who would read a quotation mark in it as"
            ' its end. Call again with straight marks (").'
        )
    return text.replace("\r\n", "\n").replace("\n", " ⏎ ")
