"""What every engine of the search index does alike: one file of tests, run on each."""

from __future__ import annotations

import hashlib
import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import numpy as np
import pytest

from deskward.integrations.search.embedded import EmbeddedIndex
from deskward.integrations.search.opensearch import PREFIX, OpenSearchIndex
from deskward.integrations.search.postgresql import SCHEMA, PostgresIndex
from deskward.knowledge.passages import Audience, Hit, Index, Passage, Wanted

DIMENSIONS = 64
SERVERS = ("postgresql", "opensearch")
TENANT = "default"
BOTH: tuple[Audience, ...] = ("customer", "staff")


@dataclass
class Model:
    """Says of which model the vectors of these tests are."""

    name: str = "test"
    dimensions: int = DIMENSIONS


def vector_of(text: str) -> list[float]:
    """A vector that is near another where the texts share words, always the same."""
    found = [0.0] * DIMENSIONS
    for word in text.lower().split():
        digest = hashlib.sha256(word.encode()).digest()
        found[digest[0] % DIMENSIONS] += 1.0 if digest[1] % 2 else -1.0
    length = math.sqrt(sum(value * value for value in found)) or 1.0
    return [value / length for value in found]


def passage(name: str, text: str, *, vector: bool = False, **more: object) -> Passage:
    """A passage, for customers and in English unless it is said otherwise."""
    known: dict = {"title": "", "headings": (), "language": "en", "audience": "customer", **more}
    return Passage(
        id=name,
        document_id=f"doc-{name}",
        text=text,
        vector=vector_of(text) if vector else None,
        **known,
    )


@pytest.fixture(
    params=[
        "embedded",
        *(
            pytest.param(name, marks=[pytest.mark.slow, pytest.mark.xdist_group(f"search-{name}")])
            for name in SERVERS
        ),
    ]
)
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Index]:
    opened: Index
    if request.param == "embedded":
        opened = EmbeddedIndex(tmp_path / "search", Model())
    elif request.param == "postgresql":
        opened = await in_postgresql(request.getfixturevalue("vectors_url"))
    else:
        opened = await in_opensearch(request.getfixturevalue("opensearch_url"))
    yield opened
    await opened.aclose()


async def in_postgresql(url: str) -> Index:
    database = await asyncpg.connect(url)
    await database.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    await database.close()
    return PostgresIndex(url, Model())


async def in_opensearch(url: str) -> Index:
    async with httpx2.AsyncClient(base_url=url, timeout=60) as client:
        (await client.delete(f"/{PREFIX}-*")).raise_for_status()
    return OpenSearchIndex(url, Model())


async def found(
    index: Index, text: str, audiences: tuple[Audience, ...] = BOTH, **more: object
) -> list[str]:
    wanted = Wanted(text, audiences, **more)  # type: ignore[arg-type]  # fields by their names
    return [hit.passage_id for hit in await index.search(TENANT, wanted)]


async def test_what_is_put_is_found_and_what_is_removed_is_not(index: Index) -> None:
    await index.put(TENANT, [passage("a", "Transfers arrive the next day."), passage("b", "Fees.")])
    assert await found(index, "transfer") == ["a"]
    assert await index.ids(TENANT) == {"a", "b"}
    await index.put(TENANT, [passage("a", "Cards are replaced for free.")])
    assert await found(index, "transfer") == []
    assert await found(index, "replacing a card") == ["a"]
    await index.remove(TENANT, ["a", "never"])
    assert await found(index, "card") == []
    assert await index.ids(TENANT) == {"b"}
    assert await index.count(TENANT) == 1


async def test_nothing_is_found_where_nothing_is(index: Index) -> None:
    assert await found(index, "transfer") == []
    await index.put(TENANT, [passage("a", "Transfers arrive the next day.")])
    for text in ("zebra", "???", "", "\x00", "a" * 5_000, '"(transfer OR', "🦓"):
        assert await found(index, text) in ([], ["a"])
    assert await found(index, "zebra") == []
    assert await found(index, "") == []


@pytest.mark.parametrize(
    ("language", "text", "asked"),
    [
        ("de", "Ich möchte das Geld in ZÜRICH abheben.", "mochte zürich"),
        ("de", "Überweisungen dauern einen Tag.", "überweisung"),
        ("de", "Uberweisung nach Koln", "Überweisungen KÖLN"),
        ("fr", "Les opérations sont gratuites.", "opération gratuite"),
        ("es", "La habitación está reservada.", "habitaciones"),
        ("ru", "Наличные деньги снимаются бесплатно.", "снять деньгами"),
        ("ar", "تحويل الأموال إلى حساب آخر", "الاموال"),
        ("tr", "İstanbul'da kart iptali", "istanbul"),
        ("ja", "口座を閉鎖する方法をご案内します。", "口座閉鎖"),
        ("zh", "如何关闭我的银行账户", "关闭账户"),
        ("ko", "계좌를 해지하는 방법", "계좌 해지"),
        ("th", "การโอนเงินใช้เวลานานเท่าไร", "โอนเงิน"),
        ("ja", "猫の写真", "猫"),
        ("pl", "Przelewy są darmowe.", "przelewu"),
        ("el", "Οι μεταφορές χρημάτων", "μεταφορά"),
        ("xx", "Qapla batlh je", "QAPLA"),
        ("en", "Call update_ticket with an id.", "update ticket"),
        ("en", "The ﬁrst naïve café", "cafe naive first"),
    ],
)
async def test_words_are_found_as_their_language_writes_them(
    index: Index, language: str, text: str, asked: str
) -> None:
    others = [
        passage("en", "Nothing of this matters at all."),
        passage("ja2", "全く別の話題です。", language="ja"),
    ]
    await index.put(TENANT, [*others, passage("it", text, language=language)])
    assert (await found(index, asked))[:1] == ["it"]


async def test_a_title_counts_for_more_than_a_mention(index: Index) -> None:
    body = "There is a chapter on withdrawals further below in this text."
    await index.put(
        TENANT,
        [
            passage("mention", body),
            passage("title", "How it is done at the machine.", title="Withdrawals"),
            *(passage(f"x{n}", f"Other matter number {n}.") for n in range(20)),
        ],
    )
    assert await found(index, "withdrawals") == ["title", "mention"]


async def test_customers_never_meet_what_is_for_staff(index: Index) -> None:
    shown = [passage(f"c{n}", f"Refunds of kind {n} take days.") for n in range(5)]
    await index.put(TENANT, shown)
    wanted = Wanted("secret refunds limit", ("customer",), vector=vector_of("refunds limit"))
    before = await index.search(TENANT, wanted)
    hidden = [
        passage(f"s{n}", "Secret refunds limit.", audience="staff", vector=True, tags=("refunds",))
        for n in range(30)
    ]
    await index.put(TENANT, hidden)
    # Not by a score either, nor by one place less.
    assert await index.search(TENANT, wanted) == before
    assert await found(index, "secret refunds limit", ("customer",), tags=("refunds",)) == []
    assert set(await found(index, "secret refunds limit", limit=50)) >= {one.id for one in hidden}
    assert await found(index, "refunds", ("staff",), limit=50)
    assert set(await found(index, "refunds", ("staff",), limit=50)) <= {one.id for one in hidden}
    assert await found(index, "refunds", ()) == []


async def test_what_becomes_internal_leaves_customers_at_once(index: Index) -> None:
    one = passage("a", "Refunds take days.", vector=True)
    await index.put(TENANT, [one])
    assert await found(index, "refunds", ("customer",)) == ["a"]
    await index.put(TENANT, [replace(one, audience="staff")])
    assert await found(index, "refunds", ("customer",), vector=vector_of(one.text)) == []
    assert await found(index, "refunds") == ["a"]
    await index.put(TENANT, [one])
    assert await found(index, "refunds", ("customer",)) == ["a"]


async def test_tenants_never_meet(index: Index) -> None:
    await index.put(TENANT, [passage("a", "Refunds take days.", vector=True)])
    await index.put("acme", [passage("b", "Refunds take weeks.", vector=True)])
    wanted = Wanted("refunds", BOTH, vector=vector_of("refunds take weeks."))
    assert [hit.passage_id for hit in await index.search("acme", wanted)] == ["b"]
    assert [hit.passage_id for hit in await index.search(TENANT, wanted)] == ["a"]
    assert await index.ids("acme") == {"b"}
    await index.remove("acme", ["a"])
    assert await index.ids(TENANT) == {"a"}


@pytest.mark.parametrize(
    ("version", "holds"),
    [
        ("2.3", {"two", "any"}),
        ("2.3.1rc1", {"two", "any"}),
        ("3.0", {"three", "any"}),
        ("1.9", {"any"}),
        ("R2 2023", {"any", "named"}),
        ("", {"two", "three", "any", "named"}),
    ],
)
async def test_versions_are_ranges(index: Index, version: str, holds: set[str]) -> None:
    text = "Settings of the printer"
    await index.put(
        TENANT,
        [
            passage("two", text, versions=">=2,<3"),
            passage("three", text, versions="==3.*"),
            passage("any", text),
            passage("named", text, versions="R2 2023"),
        ],
    )
    assert set(await found(index, "printer settings", version=version)) == holds
    vector = vector_of(text)
    assert set(await found(index, "zebra", version=version, vector=vector)) in (holds, set())


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        ({"product": "printer x"}, {"a", "b"}),
        ({"product": "Printer X", "category": "Setup"}, {"a"}),
        ({"tags": ("usb",)}, {"a", "c"}),
        ({"tags": ("usb", "WLAN")}, {"a"}),
        ({"languages": ("pt",)}, {"b"}),
        ({"languages": ("pt-BR", "en")}, {"a", "b", "c"}),
        ({"product": "none"}, set()),
        ({"category": "setup", "tags": ("none",)}, set()),
    ],
)
async def test_filters_hold_for_words_and_for_meaning(
    index: Index, filters: dict, passes: set[str]
) -> None:
    about: Sequence[tuple[str, dict]] = (
        ("a", {"product": "Printer X", "category": "setup", "tags": ("usb", "wlan")}),
        ("b", {"product": "Printer X", "category": "repair", "language": "pt-BR"}),
        ("c", {"product": "Printer Y", "category": "setup", "tags": ("USB",)}),
    )
    await index.put(
        TENANT, [passage(name, "paper cable", vector=True, **more) for name, more in about]
    )
    assert set(await found(index, "paper", **filters)) == passes
    assert set(await found(index, "", vector=vector_of("paper cable"), **filters)) == passes


async def test_meaning_finds_what_shares_no_word(index: Index) -> None:
    await index.put(
        TENANT,
        [
            replace(passage("a", "Geld überweisen", language="de"), vector=vector_of("send money")),
            replace(passage("b", "Karte sperren", language="de"), vector=vector_of("block card")),
        ],
    )
    hits = await index.search(TENANT, Wanted("send money", BOTH, vector=vector_of("send money")))
    assert hits[0].passage_id == "a"
    assert hits[0].parts["meaning"] == pytest.approx(1.0, abs=0.01)
    assert hits[0].parts["meaning_rank"] == 1
    assert "words" not in hits[0].parts


async def test_vectors_may_be_arrays_as_models_make_them(index: Index) -> None:
    one = passage("a", "Money reaches them tomorrow.", vector=True)
    made: Any = np.asarray(one.vector, np.float32)
    await index.put(TENANT, [replace(one, vector=made)])
    asked = np.asarray(vector_of("Money reaches them tomorrow."), np.float32)
    assert await found(index, "zebra", vector=asked) == ["a"]


async def test_scores_are_explained(index: Index) -> None:
    await index.put(
        TENANT,
        [
            passage("both", "transfer money abroad", vector=True),
            passage("words", "transfer of ownership"),
            passage("none", "opening hours", vector=True),
        ],
    )
    text = "transfer money zebra"
    hits: list[Hit] = await index.search(TENANT, Wanted(text, BOTH, vector=vector_of(text)))
    assert hits[0].passage_id == "both"
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    parts = hits[0].parts
    assert {"words", "words_rank", "meaning", "meaning_rank", "share"} <= parts.keys()
    # Two of three words, of which one is in no passage and so tells most.
    assert 0.3 < parts["share"] < 0.67
    assert hits[0].document_id == "doc-both"


async def test_many_are_put_and_the_limit_holds(index: Index) -> None:
    for start in range(0, 600, 200):
        await index.put(
            TENANT,
            [
                passage(f"p{n}", f"transfer number {n}", vector=True)
                for n in range(start, start + 200)
            ],
        )
    assert await index.count(TENANT) == 600
    assert len(await found(index, "transfer", limit=7)) == 7
    assert (await found(index, "number 417"))[0] == "p417"
    many = await found(index, "transfer", limit=300, vector=vector_of("transfer number 5"))
    assert len(many) == len(set(many)) == 300
