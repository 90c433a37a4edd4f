"""What workflows say, in other languages: gettext catalogues beside them, one for each language.

A text is looked up by its English words, so that a translation of words that were changed since is
none any more. What has none is told in English.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from deskward.core.marked_yaml import Problem
from deskward.diagnostics.workflow import Step, Workflow

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog  # with dates, some MB: read where it is used

log = logging.getLogger(__name__)

ENGLISH = "en"
MOST = 4_000_000
"""Bytes of a catalogue."""
_NAME = re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True)
class Spoken:
    """The texts of one language.

    Attributes:
        language: As an ISO 639-1 code.
        texts: English text → the translated one.
    """

    language: str = ENGLISH
    texts: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, text: str) -> str:
        """A text in this language; in English, with a note in the log, where it has none."""
        if not self.texts or not text:
            return text
        found = self.texts.get(text)
        if not found:
            _note_missing(self.language, text)
            return text
        return found

    @property
    def other(self) -> bool:
        """Whether it is another one than English."""
        return bool(self.texts)


class Texts:
    """The catalogues of some places; of a text that several have, the last place's counts."""

    def __init__(self, *places: Path) -> None:
        """Take the folders; a catalogue is read when its language is first spoken."""
        self._places = places
        self._spoken: dict[str, Spoken] = {}

    def spoken(self, language: str) -> Spoken:
        """The texts of a language; of one that has no catalogue the English ones."""
        if language not in self._spoken:
            texts: dict[str, str] = {}
            if _NAME.fullmatch(language) and language != ENGLISH:
                for place in self._places:
                    for file in catalogues_in(place):
                        if file.stem == language:
                            texts |= _translated(file)
                if not texts:
                    log.info("workflows have no texts in %s; they are told in English", language)
                    return Spoken(language)
            self._spoken[language] = Spoken(language, texts)
        return self._spoken[language]


def catalogues_in(place: Path) -> list[Path]:
    """The catalogues beside the workflows of a folder, or beside one of them."""
    folder = place.parent if place.is_file() else place
    return sorted(folder.rglob("*.po"))


def texts_of(workflow: Workflow) -> Iterator[tuple[str, str]]:
    """All that a workflow says to customers: each text, and where it stands, for translators."""
    yield workflow.title, "title"
    for fragment in workflow.fragments:
        for step in fragment.steps:
            for text in texts_of_step(step):
                yield text, f"step {step.id}"
    for name, cause in workflow.causes.items():
        for text in (cause.title, cause.explanation, cause.fix):
            yield text, f"cause {name}"


def texts_of_step(step: Step) -> Iterator[str]:
    """All that a step says."""
    yield from (step.description, step.instructions, step.expected, *step.failure_actions)
    if step.answer.type == "choice":
        yield from step.answer.choices.values()
    if step.answer.type == "number" and step.answer.unit:
        yield step.answer.unit


def faults_of(files: Sequence[Path]) -> list[Problem]:
    """What keeps catalogues from being used."""
    from babel.messages.pofile import PoFileError

    problems: list[Problem] = []
    for file in files:
        if not _NAME.fullmatch(file.stem) or file.stem == ENGLISH:
            text = "a catalogue is called by its language's code, as `de.po`; English needs none"
            problems.append(Problem(file, 1, text))
            continue
        try:
            read_catalogue(file)
        except PoFileError as error:
            problems.append(Problem(file, error.lineno or 1, f"this is no catalogue: {error}"))
        except (ValueError, OSError) as error:
            problems.append(Problem(file, 1, f"this is no catalogue: {error}"))
    return problems


def missing(workflows: Sequence[Workflow], files: Sequence[Path]) -> list[Problem]:
    """Which texts of workflows have no translation in the catalogues, each once per language."""
    found: list[Problem] = []
    by_language: dict[str, list[Path]] = {}
    for file in files:
        by_language.setdefault(file.stem, []).append(file)
    for language, some in sorted(by_language.items()):
        texts: dict[str, str] = {}
        for file in some:
            texts |= _translated(file)
        told: set[str] = set()
        for workflow in workflows:
            for text, where in texts_of(workflow):
                if text not in texts and text not in told:
                    told.add(text)
                    said = f"{workflow.workflow}, {where}: not in {language}: {text}"
                    found.append(Problem(some[-1], 1, said))
    return found


def updated(workflows: Sequence[Workflow], file: Path) -> Catalog:
    """A catalogue of all that workflows say, with the translations that a file has already."""
    from babel.messages.catalog import Catalog

    before = _translated(file) if file.exists() else {}
    made = Catalog(locale=file.stem, project="Deskward", header_comment="", fuzzy=False)
    for workflow in workflows:
        for text, where in texts_of(workflow):
            made.add(text, before.get(text, ""), auto_comments=[f"{workflow.workflow}, {where}"])
    return made


def write(catalogue: Catalog, file: Path) -> None:
    """Write a catalogue, its header short, so that only texts make a difference."""
    from babel.messages.pofile import write_po

    lines = "".join(
        f'"{name}: {value}\\n"\n'
        for name, value in (
            ("Language", file.stem),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        )
    )
    with file.open("wb") as opened:
        opened.write(f'msgid ""\nmsgstr ""\n{lines}\n'.encode())
        write_po(opened, catalogue, width=0, omit_header=True)


def read_catalogue(file: Path) -> Mapping[str, str]:
    """English text → the translated one, of a catalogue.

    Raises:
        PoFileError: It is none.
        ValueError: It is too large, or not UTF-8.
    """
    from babel.messages.pofile import read_po

    if file.stat().st_size > MOST:
        raise ValueError(f"it may have {MOST:,} bytes")
    with file.open("rb") as opened:
        catalogue = read_po(opened, locale=None, charset="utf-8", abort_invalid=True)
    return {
        str(one.id): str(one.string)
        for one in catalogue
        if one.id and isinstance(one.id, str) and one.string and not one.fuzzy
    }


def _translated(file: Path) -> Mapping[str, str]:
    stat = file.stat()
    return _read(file, stat.st_mtime_ns, stat.st_size)


@cache
def _read(file: Path, _changed: int, _size: int) -> Mapping[str, str]:
    return read_catalogue(file)


@cache
def _note_missing(language: str, text: str) -> None:
    """Note it once for each text."""
    log.warning("a workflow's text is not translated into %s: %.200s", language, text)
