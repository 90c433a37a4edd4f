"""Whether questions in other languages are answered from their English article, on a whole desk.

The articles are published on a fresh desk, and each question is asked as a customer asks it, in a
search and for an answer: so words, meaning, ranks and what counts as an answer all take part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.gate.context import Context
from deskward.knowledge.documents import changes
from deskward.knowledge.feeding import Feeder
from deskward.security.principals import Kind, Principal

_MODELS = ("embeddings", "openai_", "azure_")
"""How the settings are called that say what makes vectors."""
_WRITER = Principal(Kind.STAFF, "evaluation", "default", ("support-3",))
_ASKER = Principal(Kind.CUSTOMER, "user_001", "default", ("customer",))


@dataclass(frozen=True)
class Asked:
    """What became of a question.

    Attributes:
        wanted: The article that answers it.
        found: The articles of the passages that a search gave, the best first.
        cited: The articles that the answer cites, in its order; none where there was no answer.
    """

    language: str
    question: str
    wanted: str
    found: tuple[str, ...]
    cited: tuple[str, ...]

    @property
    def is_first(self) -> bool:
        """Whether its article came first."""
        return self.found[:1] == (self.wanted,)

    @property
    def is_answered(self) -> bool:
        """Whether the answer cites its article before all others."""
        return self.cited[:1] == (self.wanted,)


@dataclass(frozen=True)
class ForeignReport:
    """What was measured.

    Attributes:
        articles: How many there are to find.
        asked: What became of the questions that one of them answers.
        unanswerable: How many other questions were asked.
        refused: How many of these were left unanswered.
    """

    articles: int
    asked: tuple[Asked, ...]
    unanswerable: int
    refused: int

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the questions."""
        return tuple(dict.fromkeys(one.language for one in self.asked))

    def of(self, language: str | None) -> dict[str, float]:
        """The figures of one language, or of all."""
        some = [one for one in self.asked if language in (None, one.language)]
        return {
            "asked": len(some),
            "first": sum(one.is_first for one in some) / len(some),
            "among_five": sum(one.wanted in one.found for one in some) / len(some),
            "answered_from_it": sum(one.is_answered for one in some) / len(some),
            "left_unanswered": sum(not one.cited for one in some) / len(some),
        }


def content() -> dict[str, Any]:
    """The shipped articles and questions."""
    path = files("deskward") / "evaluation" / "data" / "foreign.yaml"
    known: dict[str, Any] = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
    return known


async def evaluate_foreign(
    settings: Settings, folder: Path, progress: Callable[[str, float], None]
) -> ForeignReport:
    """Ask the shipped questions in German, Spanish, Japanese and Arabic.

    Args:
        settings: What makes vectors is taken from them.
        folder: An empty folder for the desk.
    """
    known = content()
    models = {name: value for name, value in settings.values().items() if name.startswith(_MODELS)}
    own = Settings.alone(**models, data_dir=folder, log_to_file=False)
    async with open_desk(own, chat=False) as desk:
        await _publish(desk, known["articles"])
        questions = [
            (name, language, text)
            for name, said in known["questions"].items()
            for language, text in said.items()
        ]
        others = [text for said in known["unanswered"].values() for text in said]
        asked = []
        for name, language, text in questions:
            asked.append(await _ask(desk, name, language, text))
            progress("asking", len(asked) / len(questions))
        told = [await _ask(desk, "", "", text) for text in others]
    refused = sum(not one.cited for one in told)
    return ForeignReport(len(known["articles"]), tuple(asked), len(others), refused)


async def _publish(desk: Desk, articles: dict[str, dict[str, str]]) -> None:
    text = "".join(
        f"# {one['title']} {{#{id_}}}\n\n{one['text']}\n\n" for id_, one in articles.items()
    )
    told = await _called(
        desk, _WRITER, "import_articles", text=text, format="markdown", publish=True
    )
    assert told["created"] == len(articles), told
    desk.gate.port(Feeder).begins_at = 0.0
    while await desk.database.reader.first(changes.select().limit(1)) is not None:
        desk.jobs.wake()
        await asyncio.sleep(0.1)


async def _ask(desk: Desk, name: str, language: str, text: str) -> Asked:
    found = await _called(desk, _ASKER, "search_knowledge_base", query=text)
    answer = await _called(desk, _ASKER, "answer_from_knowledge", question=text)
    return Asked(
        language=language,
        question=text,
        wanted=name,
        found=tuple(one["article_id"] for one in found["results"]),
        cited=tuple(one["article_id"] for one in answer["citations"]),
    )


async def _called(desk: Desk, who: Principal, tool: str, **arguments: Any) -> dict[str, Any]:
    outcome = await desk.gate.call(tool, arguments, Context(who, "cli"))
    if outcome.error is not None:
        raise outcome.error
    value: dict[str, Any] = outcome.value
    return value
