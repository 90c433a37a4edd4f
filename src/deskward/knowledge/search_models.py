"""What is asked of a search, and what it answers."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from deskward.core.written import Ours, RecordId
from deskward.knowledge.answering import Answer, Said
from deskward.knowledge.citing import Citable, Cited, Relevance, citation_of, cited
from deskward.knowledge.passages import Audience
from deskward.knowledge.searching import Found
from deskward.knowledge.source_models import Theirs
from deskward.knowledge.wording import Worded

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


class Passage(Cited):
    """A passage of a document that answers, with what is needed to cite it."""

    passage_id: Ours
    text: Theirs
    excerpt: Theirs = Field(description="The part of the text with most of what was asked.")
    highlights: list[Mark] = Field(
        description="Where in the excerpt the words stand that were asked for."
    )
    product: Theirs
    category: Theirs
    tags: list[Theirs]
    audience: Audience
    relevance: Relevance
    score: float = Field(
        description="Its ranks, merged (reciprocal rank fusion), times `parts.outcomes`."
    )
    parts: ScoreParts


class FaqArticle(BaseModel):
    """A question with its answer."""

    id: Annotated[str, RecordId("article")] = Field(
        description="For the desk; customers know an article by its question. Of a document that "
        "is filed as `faq`, the document's.",
        examples=["faq-transfer-time"],
    )
    cited: Citable
    version: int | None = Field(description="Which version of the article this is.")
    language: Theirs = Field(examples=["en"])
    question: Theirs = Field(examples=["How long does a transfer take?"])
    answer: Theirs = Field(description="The article, or the part of a long one that answers best.")
    address: Theirs = Field(description="Where it can be read as a whole.")
    changed_at: datetime = Field(description="Since when it says so.")
    relevance: Relevance


class FaqResults(BaseModel):
    """What was found, the best first."""

    query: Ours = Field(description="The question, as the caller put it.")
    articles: list[FaqArticle]


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


class Citation(Cited):
    """A source of an answer."""

    number: int = Field(description="By which the sentences name it, from 1.")
    passage_id: Ours


class CitedSentence(BaseModel):
    """A sentence of an answer, as its source has it or bears it out."""

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
    relevance: Relevance
    answer: Theirs = Field(description="The sentences, each with its source's number behind it.")
    sentences: list[CitedSentence]
    citations: list[Citation]
    contradictions: list[Contradiction] = Field(
        description="Where sources disagree: say so, and do not choose between them."
    )
    written_by: Literal["desk", "model"] = Field(
        description="Who worded the sentences; `desk` takes them from the sources as they are."
    )
    dropped: int = Field(
        ge=0, description="Sentences of a model that were left out, because no source says so."
    )
    message: Ours


def answer_of_sources(
    question: str, answer: Answer, found: list[Found], worded: Worded | None = None
) -> KnowledgeAnswer:
    """An answer with the sources that it names, and no others.

    Args:
        answer: What the sources say, as they say it.
        worded: What a model made of it. Where nothing of that is left, the sources' own is told,
            unless the model says that they do not answer.
    """
    by_model = worded is not None and (worded.sentences or not worded.dropped)
    sentences = worded.sentences if worded is not None and by_model else answer.sentences
    said = [*sentences, *itertools.chain(*answer.contradictions)] if sentences else []
    used = list(dict.fromkeys(one.source for one in said))
    numbers = {source: number for number, source in enumerate(used, 1)}

    def said_by(one: Said) -> CitedSentence:
        return CitedSentence(text=one.text, citation=numbers[one.source])

    contradictions = [
        Contradiction(one=said_by(one), other=said_by(other))
        for one, other in (answer.contradictions if sentences else ())
    ]
    message = "Nothing in the knowledge base answers this."
    if sentences and by_model:
        message = "A model worded it, and each sentence is borne out by its source."
    elif sentences:
        message = "Each sentence is as its source has it."
    if contradictions:
        message += " Sources contradict each other."
    return KnowledgeAnswer(
        question=question,
        answered=bool(sentences),
        relevance=max((found[one.source].relevance for one in sentences), default=0.0),
        answer=" ".join(f"{one.text} [{numbers[one.source]}]" for one in sentences),
        sentences=[said_by(one) for one in sentences],
        citations=[_citation(number, found[source]) for source, number in numbers.items()],
        contradictions=contradictions,
        written_by="model" if by_model else "desk",
        dropped=worded.dropped if worded is not None else 0,
        message=message,
    )


def _citation(number: int, found: Found) -> Citation:
    return Citation(number=number, passage_id=found.passage_id, **cited(found))


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
        text=found.text,
        excerpt=found.shown.text,
        highlights=[Mark(start=start, end=end) for start, end in found.shown.marks],
        product=found.product,
        category=found.category,
        tags=list(found.tags),
        audience=found.audience,
        relevance=found.relevance,
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
        **cited(found),
    )


def articles_of(found: list[Found]) -> list[FaqArticle]:
    """The articles whose passages were found, each once, the most relevant first."""
    first: dict[str, Found] = {}
    for one in found:
        first.setdefault(one.document_id, one)
    return [
        FaqArticle(
            id=one.article_id or one.document_id,
            cited=citation_of(one),
            version=int(one.revision) if one.article_id and one.revision else None,
            language=one.language,
            question=one.title,
            answer=one.text,
            address=one.address,
            changed_at=one.changed_at,
            relevance=one.relevance,
        )
        for one in sorted(first.values(), key=lambda one: -one.relevance)
    ]


def message_of(number: int) -> str:
    """What is said of so many results."""
    if not number:
        return "Nothing in the knowledge base answers this."
    return f"{number} passage{'s' if number != 1 else ''} found."
