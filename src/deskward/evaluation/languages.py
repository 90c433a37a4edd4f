"""How often a question in another language finds its English article first, by meaning alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import yaml

from deskward.knowledge.searching import vectors_of
from deskward.text.vectors import Embedder, embedded


@dataclass(frozen=True)
class Article:
    """An article as a passage: without headings."""

    title: str
    text: str
    headings: tuple[str, ...] = ()


@dataclass(frozen=True)
class LanguagesReport:
    """What was measured.

    Attributes:
        articles: How many there are to find.
        first: Language → how many of its questions found their article first.
        asked: Language → how many questions it has.
    """

    articles: int
    first: Mapping[str, int]
    asked: Mapping[str, int]

    def share(self, *languages: str) -> float:
        """The share of the questions in these languages, or all, whose article came first."""
        chosen = languages or tuple(self.asked)
        return sum(self.first[each] for each in chosen) / sum(self.asked[each] for each in chosen)


async def evaluate_languages(embedder: Embedder) -> LanguagesReport:
    """Ask the shipped questions in twelve languages.

    Raises:
        EmbeddingFailed: There are no vectors.
    """
    path = files("deskward") / "evaluation" / "data" / "languages.yaml"
    content = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
    articles = {name: Article(**article) for name, article in content["articles"].items()}
    passages = np.asarray(await vectors_of(embedder, list(articles.values())))
    names = list(articles)
    first: dict[str, int] = {}
    asked: dict[str, int] = {}
    for name, questions in content["questions"].items():
        vectors = await embedded(embedder, list(questions.values()), query=True)
        for language, found in zip(questions, (vectors @ passages.T).argmax(axis=1), strict=True):
            asked[language] = asked.get(language, 0) + 1
            first[language] = first.get(language, 0) + (names[found] == name)
    return LanguagesReport(len(names), first, asked)
