"""The FAQ: found by words of any form, on each engine alike."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import FOREIGN, Call
from tests.knowledge.test_articles import EDITOR


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("How long does a transfer take?", "faq-transfer-time"),
        ("when will my wire transfer arrive", "faq-transfer-time"),
        ("opening hours on Saturdays", "faq-hours"),
        ("fees for paying in foreign currencies", "faq-foreign-fees"),
        ("ordering a replacement for a damaged card", "faq-replacement-card"),
        ("downloading statements as PDF", "faq-statement-pdf"),
        ("closing my account", "faq-close-account"),
    ],
)
async def test_the_best_article_comes_first(call: Call, question: str, article: str) -> None:
    found = (await call("get_faq", q=question)).value["articles"]
    assert found[0]["id"] == article
    assert [a["relevance"] for a in found] == sorted((a["relevance"] for a in found), reverse=True)


async def test_words_that_no_article_has_lower_the_relevance(call: Call) -> None:
    exact = (await call("get_faq", q="transfer limit")).value["articles"][0]["relevance"]
    vague = (await call("get_faq", q="transfer limit of zebras in space")).value["articles"][0]
    assert exact == 1
    assert vague["relevance"] < 0.6


async def test_nothing_is_found_for_nothing_said(call: Call) -> None:
    for question in ("???", "the of and", "zzzxqy"):
        assert (await call("get_faq", q=question)).value["articles"] == []


async def test_the_limit_and_the_tenant_hold(call: Call) -> None:
    assert len((await call("get_faq", q="card account transfer", limit=2)).value["articles"]) == 2
    assert (await call("get_faq", FOREIGN, q="transfer")).value["articles"]


async def test_another_tenants_article_is_never_found(call: Call) -> None:
    draft = {"article_id": "faq-quokka", "question": "Where is the quokka?", "answer": "In it."}
    theirs = replace(EDITOR, tenant=FOREIGN.tenant)
    assert (await call("create_article", theirs, **draft)).status == "ok"
    assert (await call("publish_article", theirs, article_id="faq-quokka")).status == "ok"
    assert (await call("get_faq", FOREIGN, q="quokka")).value["articles"]
    assert (await call("get_faq", q="quokka")).value["articles"] == []


@given(q=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=60))
@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
async def test_no_text_breaks_the_query(sqlite_call: Call, q: str) -> None:
    assert (await sqlite_call("get_faq", q=q)).status == "ok"


@pytest.mark.parametrize(
    "q",
    [
        '"',
        "a OR b NOT",
        "NEAR(a b)",
        "x*",
        "a & b | !c <-> d",
        "'; DROP TABLE faq; --",
        "col:val",
        "(",
        ":*",
    ],
)
async def test_query_syntax_is_only_text(call: Call, q: str) -> None:
    assert (await call("get_faq", q=q)).status == "ok"
