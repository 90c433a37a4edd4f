"""What is asked of a search, and what it answers."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from deskward.core.written import Ours, RecordId
from deskward.knowledge.answering import Answer, Said
from deskward.knowledge.passages import Audience
from deskward.knowledge.searching import Found
from deskward.knowledge.source_models import Theirs

SearchText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1_000,
        description="The question in plain words, in any language.",
        examples=["How do I reset the printer?"],
    ),
]
Product = Annotated[
    str, Field(max_length=200, description="Of this product.", examples=["Printer X"])
]
ProductVersion = Annotated[
    str,
    Field(
        max_length=60,
        description="For this version of it: what is written for 2.x answers for 2.3. Empty: any.",
        examples=["2.3"],
    ),
]
Category = Annotated[str, Field(max_length=200, examples=["setup"])]
Tags = Annotated[str, Field(max_length=500, examples=["usb, wlan"])]
Most = Annotated[int, Field(ge=1, le=50)]


class Mark(BaseModel):
    """A word that was asked for, in the excerpt."""

    start: int = Field(description="Its first character, from 0.")
    end: int = Field(description="The character behind it.")


class ScoreParts(BaseModel):
    """Why a passage stands where it does."""

    words: float | None = Field(description="How well its words fit, as the engine counts (BM25).")
    words_rank: int | None = Field(description="Its place by that.")
    meaning: float | None = Field(description="How near its meaning is: the cosine, up to 1.")
    meaning_rank: int | None = Field(description="Its place by that.")
    share: float | None = Field(
        description="Which share of the question's words it has; rare ones count for more."
    )
    accuracy: float | None = Field(
        description="How often its document helped, as customers confirmed; null where none did."
    )
    outcomes: float | None = Field(description="What the score is multiplied by for that.")


class Passage(BaseModel):
    """A passage of a document that answers, with what is needed to cite it."""

    passage_id: Ours
    document_id: Annotated[str, RecordId("document")]
    article_id: Theirs | None = Field(description="Of an article that is written here, its id.")
    revision: Theirs | None = Field(description="The article's version, or the document's commit.")
    title: Theirs = Field(examples=["Resetting the printer"])
    headings: list[Theirs] = Field(
        description="The headings that it stands under, the outermost first."
    )
    text: Theirs
    excerpt: Theirs = Field(description="The part of the text with most of what was asked.")
    highlights: list[Mark] = Field(
        description="Where in the excerpt the words stand that were asked for."
    )
    address: Theirs = Field(description="Where it can be read as a whole.")
    product: Theirs
    versions: Theirs = Field(
        description="The versions that it holds for; empty: all.", examples=["==2.*"]
    )
    category: Theirs
    tags: list[Theirs]
    language: Theirs = Field(examples=["en"])
    audience: Audience
    changed_at: datetime
    score: float = Field(
        description="Its ranks, merged (reciprocal rank fusion), times `parts.outcomes`."
    )
    parts: ScoreParts


class Findings(BaseModel):
    """What was found, the best first."""

    query: Ours = Field(description="The question, as the caller put it.")
    found: bool = Field(description="Whether anything answers; if not, say so rather than guess.")
    message: Ours
    results: list[Passage]


class DocumentationFindings(Findings):
    """What was found in the documentation of a product."""

    product_name: Ours
    version: Ours
    category: Ours | None


class Citation(BaseModel):
    """A source of an answer."""

    number: int = Field(description="By which the sentences name it, from 1.")
    passage_id: Ours
    document_id: Annotated[str, RecordId("document")]
    article_id: Theirs | None
    title: Theirs
    headings: list[Theirs]
    address: Theirs
    versions: Theirs = Field(description="The product's versions that it holds for; empty: all.")
    revision: Theirs | None = Field(description="The article's version, or the document's commit.")
    language: Theirs
    changed_at: datetime = Field(description="Since when the source says so.")


class CitedSentence(BaseModel):
    """A sentence of an answer, as its source has it."""

    text: Theirs
    citation: int = Field(description="The number of its source.")


class Contradiction(BaseModel):
    """Two sentences of sources that say other things about one matter."""

    one: CitedSentence
    other: CitedSentence


class KnowledgeAnswer(BaseModel):
    """What the sources say to a question."""

    question: Ours = Field(description="The question, as the caller put it.")
    answered: bool = Field(description="Whether the sources say anything to it.")
    text: Theirs = Field(description="The sentences, each with its source's number behind it.")
    sentences: list[CitedSentence]
    citations: list[Citation]
    contradictions: list[Contradiction] = Field(
        description="Where sources disagree: say so, and do not choose between them."
    )
    message: Ours


def answer_of_sources(question: str, answer: Answer, found: list[Found]) -> KnowledgeAnswer:
    """An answer with the sources that it names, and no others."""
    said = [*answer.sentences, *itertools.chain(*answer.contradictions)]
    used = list(dict.fromkeys(one.source for one in said))
    numbers = {source: number for number, source in enumerate(used, 1)}

    def cited(one: Said) -> CitedSentence:
        return CitedSentence(text=one.text, citation=numbers[one.source])

    contradictions = [
        Contradiction(one=cited(one), other=cited(other)) for one, other in answer.contradictions
    ]
    message = "Nothing in the knowledge base answers this."
    if answer.sentences:
        message = "Each sentence is as its source has it."
    if contradictions:
        message += " Sources contradict each other."
    return KnowledgeAnswer(
        question=question,
        answered=bool(answer.sentences),
        text=" ".join(f"{one.text} [{numbers[one.source]}]" for one in answer.sentences),
        sentences=[cited(one) for one in answer.sentences],
        citations=[_citation(number, found[source]) for source, number in numbers.items()],
        contradictions=contradictions,
        message=message,
    )


def _citation(number: int, found: Found) -> Citation:
    return Citation(
        number=number,
        passage_id=found.passage_id,
        document_id=found.document_id,
        article_id=found.article_id,
        title=found.title,
        headings=list(found.headings),
        address=found.address,
        versions=found.versions,
        revision=found.revision,
        language=found.language,
        changed_at=found.changed_at,
    )


_VALUES = ("words", "meaning", "share", "accuracy", "outcomes")


def passage_of(found: Found) -> Passage:
    """A passage as it is answered with."""
    parts = found.hit.parts
    ranks = {
        name: int(parts[name]) if name in parts else None for name in ("words_rank", "meaning_rank")
    }
    values = {name: parts.get(name) for name in _VALUES}
    return Passage(
        passage_id=found.passage_id,
        document_id=found.document_id,
        article_id=found.article_id,
        revision=found.revision,
        title=found.title,
        headings=list(found.headings),
        text=found.text,
        excerpt=found.shown.text,
        highlights=[Mark(start=start, end=end) for start, end in found.shown.marks],
        address=found.address,
        product=found.product,
        versions=found.versions,
        category=found.category,
        tags=list(found.tags),
        language=found.language,
        audience=found.audience,
        changed_at=found.changed_at,
        score=round(found.hit.score, 6),
        parts=ScoreParts(
            words_rank=ranks["words_rank"],
            meaning_rank=ranks["meaning_rank"],
            words=values["words"],
            meaning=values["meaning"],
            share=values["share"],
            accuracy=values["accuracy"],
            outcomes=values["outcomes"],
        ),
    )


def message_of(number: int) -> str:
    """What is said of so many results."""
    if not number:
        return "Nothing in the knowledge base answers this."
    return f"{number} passage{'s' if number != 1 else ''} found."
