"""The evaluation sets that ship, as judged questions: of English articles, in other languages."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from deskward.evaluation.retrieval import Document, Qrels, Queries

Shipped = Literal["languages", "foreign"]
"""204 questions in twelve languages of 61 articles; 200 in four languages of 109 others."""


def shipped_set(name: Shipped) -> tuple[Queries, Qrels, list[Document]]:
    """The questions of a set, which article answers each, and the articles.

    A question's name is its article's and its language's: `card-lost-de`.
    """
    import yaml  # which whoever only wants help does without

    from deskward.evaluation.retrieval import Document

    path = files("deskward") / "evaluation" / "data" / f"{name}.yaml"
    known = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
    queries = {
        f"{article}-{language}": text
        for article, said in known["questions"].items()
        for language, text in said.items()
    }
    judged = {
        f"{article}-{language}": {article: 1}
        for article, said in known["questions"].items()
        for language in said
    }
    documents = [Document(id_, one["title"], one["text"]) for id_, one in known["articles"].items()]
    return queries, judged, documents
