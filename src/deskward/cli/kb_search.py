"""`deskward kb search` and `deskward kb eval`: what is found, and how well."""

from __future__ import annotations

import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from deskward.cli.operated import called
from deskward.cli.progress import progress_bars
from deskward.cli.session import (
    COUNT,
    Json,
    Operator,
    Tenant,
    operated_desk,
    print_json,
    read_settings,
    run,
)
from deskward.evaluation.shipped_sets import Shipped, shipped_set

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.evaluation.retrieval import Document, Measured, Qrels, Queries
    from deskward.knowledge.passages import Index
    from deskward.text.vectors import Embedder

AT_ONCE = 200
"""Documents that are brought to an index at once."""


def add_to(kb: App) -> None:
    """Add the commands to `deskward kb`."""
    kb.command(search)
    kb.command(evaluate, name="eval")


async def indexed(desk: Desk) -> None:
    """Wait until all that was read is in the index."""
    import asyncio

    import sqlalchemy as sa

    from deskward.knowledge.documents import changes
    from deskward.knowledge.feeding import Feeder

    count = sa.select(sa.func.count().label("left")).select_from(changes)
    desk.gate.port(Feeder).begins_at = 0.0
    most = 0
    with progress_bars() as show:
        while True:
            row = await desk.database.reader.first(count)
            if row is None or not row.left:
                return
            most = max(most, row.left)
            show("indexing", 1 - row.left / most)
            desk.jobs.wake()
            await asyncio.sleep(0.2)


def search(
    query: Annotated[str, Parameter(help="The question, in any language.")],
    /,
    *,
    product: Annotated[str, Parameter(help="Only what is about this product.")] = "",
    version: Annotated[str, Parameter(help="Only what holds for this version of it.")] = "",
    category: Annotated[str, Parameter(help="Only this category.")] = "",
    language: Annotated[str | None, Parameter(help="Only this language.")] = None,
    audience: Annotated[
        Literal["customer", "staff"] | None,
        Parameter(help="Only what is for these: `customer` is what customers may be told."),
    ] = None,
    limit: Annotated[int, Parameter(help="How many passages at most.", validator=COUNT)] = 5,
    as_: Operator = None,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """Search documents and articles as the agent does. Exit code 1: nothing answers.

    Example: `deskward kb search "How long does a refund take?" --audience customer`
    """
    from deskward.knowledge.feeding import Feeder

    async def work() -> int:
        settings = read_settings(to_file=False)
        async with operated_desk(settings, None, tenant, "support", as_=as_) as (desk, caller):
            # The documents of a moment ago, which a serving desk may not have looked at yet.
            await desk.gate.port(Feeder).catch_up(caller.tenant, whole=True)
            found = await called(
                *(desk, caller, "search_knowledge_base"),
                query=query,
                product=product,
                version=version,
                category=category,
                language=language,
                audience=audience,
                limit=min(limit, 50),
            )
        if json_:
            print_json(found)
        else:
            _print_found(found)
        return 0 if found["found"] else 1

    run(work())


def _print_found(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for number, one in enumerate(found["results"], 1):
        place = " › ".join(filter(None, [one["title"], *one["headings"]]))
        console.print(Text(f"{number}. {place}", style="bold"))
        excerpt = Text(one["excerpt"])
        for mark in one["highlights"]:
            excerpt.stylize("bold yellow", mark["start"], mark["end"])
        console.print(excerpt)
        parts = ", ".join(
            f"{name} {value:.3g}" for name, value in one["parts"].items() if value is not None
        )
        console.print(
            Text(f"{one['address']}  [{one['audience']}, {one['language']}; {parts}]"), style="dim"
        )
        console.print()
    if not found["found"]:
        console.print(found["message"])


def evaluate(
    queries: Annotated[
        Path | None, Parameter(help="Questions: JSON lines, TREC topics, or id and text.")
    ] = None,
    qrels: Annotated[
        Path | None, Parameter(help="Which documents answer them, as TREC or BEIR have it.")
    ] = None,
    /,
    *,
    corpus: Annotated[
        Path | None,
        Parameter(
            help="The documents, as BEIR has them (corpus.jsonl): they are indexed for this alone. "
            "Default: the desk's own; judged by article's id, or by path in the source."
        ),
    ] = None,
    language: Annotated[str, Parameter(help="The language of the documents of --corpus.")] = "en",
    shipped: Annotated[
        Shipped | None,
        Parameter(
            help="Instead of files: English articles and questions in twelve languages, or in four."
        ),
    ] = None,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """Measure the search on judged questions: nDCG@10, MAP, recall@100, by words and with meaning.

    It is measured on the index that KNOWLEDGE_INDEX names. Where the desk has a model of meaning,
    both settings are compared: p is how often chance alone makes such a difference.

    Example: `deskward kb eval queries.jsonl qrels/test.tsv --corpus corpus.jsonl`
    """
    from deskward.evaluation.retrieval import read_corpus, read_qrels, read_queries

    if shipped is not None:
        if queries or qrels or corpus:
            raise ValueError("--shipped stands instead of files, and not beside them")
        run(_evaluate(*shipped_set(shipped), "en", tenant, as_json=json_))
        return
    if queries is None or qrels is None:
        raise ValueError("name the files of questions and of judgements, or a set with --shipped")
    asked, judged = read_queries(queries), read_qrels(qrels)
    asked = {name: text for name, text in asked.items() if name in judged}
    if not asked:
        raise ValueError(f"{qrels} judges none of the questions of {queries}")
    documents = read_corpus(corpus) if corpus else None
    run(_evaluate(asked, judged, documents, language, tenant, as_json=json_))


async def _evaluate(
    asked: Queries,
    judged: Qrels,
    documents: Sequence[Document] | None,
    language: str,
    tenant: str | None,
    *,
    as_json: bool,
) -> int:
    from deskward.integrations.embeddings.choose import choose_embedder

    settings = read_settings(to_file=False)
    embedder = choose_embedder(settings)
    whose = tenant or settings.default.tenant_id
    if documents is not None:
        whose = f"eval-{secrets.token_hex(8)}"
    async with _index(settings, embedder, documents, whose, language) as (index, names):
        found = {"words": await _measured(index, whose, asked, judged, names, None)}
        if embedder is not None:
            found["hybrid"] = await _measured(index, whose, asked, judged, names, embedder)
    report = _report(settings.knowledge.index, found)
    if as_json:
        print_json(report)
    else:
        _print_report(report)
    return 0


@asynccontextmanager
async def _index(
    settings: Any,
    embedder: Embedder | None,
    documents: Sequence[Document] | None,
    tenant: str,
    language: str,
) -> AsyncIterator[tuple[Index, dict[str, str]]]:
    """An index, and the names by which judgements know the documents in it."""
    from deskward.integrations.search.choose import choose_index
    from deskward.knowledge.passages import Passage
    from deskward.knowledge.searching import vectors_of

    if documents is None:
        index = choose_index(settings, embedder)
        try:
            yield index, await _own_names(settings, tenant)
        finally:
            await index.aclose()
        return
    with tempfile.TemporaryDirectory(prefix="deskward-eval-") as folder:
        index = choose_index(settings.model_copy(update={"data_dir": Path(folder)}), embedder)
        ids: list[str] = []
        try:
            with progress_bars() as show:
                for at in range(0, len(documents), AT_ONCE):
                    some = [
                        Passage(
                            id=one.id,
                            document_id=one.id,
                            title=one.title,
                            headings=(),
                            text=one.text,
                            language=language,
                            audience="customer",
                        )
                        for one in documents[at : at + AT_ONCE]
                    ]
                    vectors = await vectors_of(embedder, some) if embedder else [None] * len(some)
                    await index.put(
                        tenant, [_with(one, v) for one, v in zip(some, vectors, strict=True)]
                    )
                    ids += [one.id for one in some]
                    show("indexing", len(ids) / len(documents))
            yield index, {one.id: one.id for one in documents}
        finally:
            await index.remove(tenant, ids)
            await index.aclose()


def _with(passage: Any, vector: Any) -> Any:
    from dataclasses import replace

    return replace(passage, vector=vector)


async def _own_names(settings: Any, tenant: str) -> dict[str, str]:
    """Document → the name by which judgements know it: its path in its source."""
    import sqlalchemy as sa

    from deskward.core.database import Database
    from deskward.knowledge.documents import documents

    database = Database(settings.database_location)
    try:
        mine = sa.select(documents.c.id, documents.c.path).where(documents.c.tenant_id == tenant)
        return {row.id: row.path for row in await database.reader.all(mine)}
    finally:
        await database.close()


async def _measured(
    index: Index,
    tenant: str,
    asked: Queries,
    judged: Qrels,
    names: dict[str, str],
    embedder: Embedder | None,
) -> Measured:
    from deskward.evaluation.retrieval import DEPTH, Measured
    from deskward.knowledge.passages import Wanted
    from deskward.text.vectors import embedded

    measured = Measured()
    for name, text in asked.items():
        begun = time.perf_counter()
        vector = (await embedded(embedder, [text], query=True))[0] if embedder else None
        wanted = Wanted(text, ("customer", "staff"), vector=vector, limit=DEPTH)
        hits = await index.search(tenant, wanted)
        took = 1_000 * (time.perf_counter() - begun)
        ranked = list(dict.fromkeys(names.get(hit.document_id, hit.document_id) for hit in hits))
        measured.add(ranked, judged[name], took)
    return measured


def _report(index: str, found: dict[str, Measured]) -> dict[str, Any]:
    from statistics import fmean, median

    from deskward.evaluation.retrieval import chance_of_difference

    report: dict[str, Any] = {"index": index, "questions": len(found["words"].ndcg), "settings": {}}
    for name, one in found.items():
        report["settings"][name] = {
            "ndcg@10": round(fmean(one.ndcg), 4),
            "map": round(fmean(one.precision), 4),
            "recall@100": round(fmean(one.recall), 4),
            "p50_ms": round(median(one.milliseconds), 2),
        }
    if "hybrid" in found:
        words, hybrid = found["words"], found["hybrid"]
        report["p"] = {
            "ndcg@10": round(chance_of_difference(hybrid.ndcg, words.ndcg), 4),
            "map": round(chance_of_difference(hybrid.precision, words.precision), 4),
        }
    return report


def _print_report(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{report['questions']} questions on the index {report['index']}")
    measures = ("ndcg@10", "map", "recall@100", "p50_ms")
    for name in ("setting", *measures):
        table.add_column(name, justify="left" if name == "setting" else "right")
    for name, one in report["settings"].items():
        table.add_row(name, *(f"{one[measure]:.4g}" for measure in measures))
    console = Console(file=sys.stdout)
    console.print(table)
    for name, chance in report.get("p", {}).items():
        console.print(f"hybrid against words, {name}: p = {chance:.4g}")
