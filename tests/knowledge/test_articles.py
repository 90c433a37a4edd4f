"""Articles: versions, publishing, searching in every alphabet, and files of them."""

from __future__ import annotations

from typing import Any

import pytest

from deskward.app import Desk
from deskward.knowledge.articles import made_id
from deskward.knowledge.reading import read_articles
from deskward.security import tenants
from deskward.security.principals import Kind, Principal
from tests.conftest import CUSTOMER, FOREIGN, STAFF, Call

EDITOR = Principal(Kind.STAFF, "emil", "default", ("support-2",))
MARKDOWN = """\
---
language: de
tags: [hilfe, konto]
---
# Hilfe

## Wann öffnen Sie in Zürich? {#zuerich}

Um acht Uhr.

```
# kein Titel
```

### Möchte ich Käse?

Ja.
"""
CSV = """\
question;answer;keywords;language
"How do I return a parcel?";"Send it back;\nwe pay.";return;
Only a question;;;
Zwei Felder;zu wenig
Wie lange?;Drei Tage.;;de
Wie lange?;Vier Tage.;;de
"""


async def found(call: Call, question: str, **more: Any) -> list[tuple[str, int]]:
    answer = (await call("get_faq", q=question, **more)).value
    return [(one["id"], one["version"]) for one in answer["articles"]]


async def test_customers_see_the_published_version_and_nothing_else(desk: Desk, call: Call) -> None:
    made = await call("create_article", EDITOR, question="Wo parke ich?", answer="Im Hof.")
    assert (made.value["id"], made.value["author"]) == ("wo-parke-ich", "staff:emil")
    named = {"article_id": "wo-parke-ich"}
    assert await found(call, "Wo parke ich?") == []
    assert (await call("publish_article", EDITOR, **named)).value["published"] == 1
    assert await found(call, "WO PARKE ICH?") == [("wo-parke-ich", 1)]
    changed = await call("change_article", EDITOR, **named, answer="Hinter dem Haus.", version=1)
    assert (changed.value["latest"], changed.value["published"]) == (2, 1)
    (article,) = (await call("get_faq", q="Wo parke ich?")).value["articles"]
    assert (article["answer"], article["version"]) == ("Im Hof.", 1)
    stale = await call("change_article", EDITOR, **named, answer="Nirgends.", version=1)
    assert stale.error is not None
    assert "newer version, 2" in stale.error.message
    await call("publish_article", EDITOR, **named)
    assert await found(call, "Wo parke ich?") == [("wo-parke-ich", 2)]
    cited = (await call("get_article", EDITOR, **named, version=1)).value
    assert (cited["answer"], [one["version"] for one in cited["versions"]]) == ("Im Hof.", [2, 1])
    assert (await call("unpublish_article", EDITOR, **named)).value["published"] is None
    assert await found(call, "Wo parke ich?") == []
    assert (await call("get_article", EDITOR, **named, version=1)).value["answer"] == "Im Hof."


async def test_who_may_what(sqlite_call: Call) -> None:
    call = sqlite_call
    draft = {"question": "How high is the tower?", "answer": "Very."}
    assert (await call("create_article", CUSTOMER, **draft)).status == "error"
    assert (await call("create_article", STAFF, **draft)).status == "ok"
    named = {"article_id": "how-high-is-the-tower"}
    assert (await call("get_article", CUSTOMER, **named)).status == "error"
    assert (await call("publish_article", STAFF, **named)).status == "pending"
    again = await call("create_article", EDITOR, **draft)
    assert again.error is not None
    assert again.error.code == "CONFLICT"
    gone = await call("publish_article", EDITOR, article_id="no-such")
    assert gone.error is not None
    assert gone.error.code == "NOT_FOUND"


async def test_tenants_have_their_own(call: Call) -> None:
    other = Principal(Kind.STAFF, "emil", "acme", ("support-2",))
    draft = {"question": "Where is the llama?", "answer": "In the barn.", "article_id": "faq-hours"}
    refused = await call("create_article", other, **draft)
    assert refused.error is not None  # acme has the demo's article of that id as well
    made = await call("create_article", other, **{**draft, "article_id": "llama"})
    assert made.status == "ok"
    await call("publish_article", other, article_id="llama")
    assert (await call("get_faq", FOREIGN, q="Where is the llama?")).value["articles"]
    assert (await call("get_faq", q="Where is the llama?")).value["articles"] == []
    assert (await call("get_article", EDITOR, article_id="llama")).status == "error"


@pytest.mark.parametrize(
    ("title", "asked"),
    [
        ("Wann öffnen Sie in Zürich?", "ZÜRICH"),
        ("Wann öffnen Sie in Zu\u0308rich?", "Zürich"),
        ("Ich möchte kündigen", "möchte"),
        ("Как отменить заказ?", "ОТМЕНИТЬ"),
        ("Πώς ακυρώνω;", "ακυρώνω"),
        ("كيف ألغي الطلب؟", "ألغي"),
        ("पैसे कब मिलेंगे?", "पैसे"),
    ],
)
async def test_every_alphabet_is_searched(call: Call, title: str, asked: str) -> None:
    one = {"question": title, "answer": "…", "article_id": "one", "language": "en"}
    await call("create_article", EDITOR, **one)
    await call("publish_article", EDITOR, article_id="one")
    assert ("one", 1) in await found(call, asked)
    assert await found(call, "chte") == []


async def test_a_language_can_be_asked_for(call: Call) -> None:
    for language in ("de", "en"):
        one = {"question": "Hotel Taxi Problem", "answer": "Ja.", "language": language}
        await call("create_article", EDITOR, **one, article_id=f"taxi-{language}")
        await call("publish_article", EDITOR, article_id=f"taxi-{language}")
    assert {one for one, _ in await found(call, "Hotel Taxi")} == {"taxi-de", "taxi-en"}
    assert await found(call, "Hotel Taxi", language="de") == [("taxi-de", 1)]


async def test_files_are_brought_in_once(call: Call) -> None:
    given = {"text": MARKDOWN, "format": "markdown"}
    dry = (await call("import_articles", EDITOR, **given, dry_run=True)).value
    assert (dry["created"], dry["dry_run"]) == (2, True)
    assert (await call("list_articles", EDITOR, status="draft")).value["total"] == 0
    done = (await call("import_articles", EDITOR, **given, publish=True)).value
    assert [(one["id"], one["line"]) for one in done["articles"]] == [
        ("zuerich", 7),
        ("möchte-ich-käse", 15),
    ]
    (article,) = (await call("get_faq", q="Zürich öffnen")).value["articles"]
    assert article["language"] == "de"
    assert "# kein Titel" in article["answer"]
    again = (await call("import_articles", EDITOR, **given, publish=True)).value
    assert (again["unchanged"], again["created"], again["changed"]) == (2, 0, 0)
    other = MARKDOWN.replace("Um acht", "Um neun")
    changed = (await call("import_articles", EDITOR, **{**given, "text": other})).value
    assert (changed["changed"], changed["unchanged"]) == (1, 1)
    assert changed["articles"][0]["reason"] == "answer"


async def test_a_bad_line_is_refused_alone(call: Call) -> None:
    told = (await call("import_articles", EDITOR, text=CSV, format="csv")).value
    assert [(one["line"], one["outcome"]) for one in told["articles"]] == [
        (2, "created"),
        (4, "refused"),
        (5, "refused"),
        (6, "created"),
        (7, "refused"),
    ]
    assert "same id" in told["articles"][-1]["reason"]
    shown = (await call("get_article", EDITOR, article_id="how-do-i-return-a-parcel")).value
    assert shown["answer"] == "Send it back;\nwe pay."


LANGUAGES = [
    (
        "de",
        "Liefern Sie nach Kanada?",
        "Ja. Die Pakete brauchen fünf bis acht Tage und kosten 12 Franken.",
    ),
    (
        "fr",
        "Livrez-vous au Canada ?",
        "Oui. Les colis mettent cinq à huit jours et coûtent 12 francs.",
    ),
    (
        "es",
        "¿Envían a Canadá?",
        "Sí. Los paquetes tardan de cinco a ocho días y cuestan 12 francos.",
    ),
    ("en", "Do you ship to Canada?", "Yes. Parcels take five to eight days and cost 12 francs."),
    ("ja", "カナダへ発送できますか？", "はい。5日から8日かかります。"),
    ("ru", "Вы доставляете в Канаду?", "Да. Посылка идёт от пяти до восьми дней."),
]


@pytest.mark.parametrize(("language", "question", "answer"), LANGUAGES)
async def test_an_article_is_in_the_language_of_its_words(
    call: Call, language: str, question: str, answer: str
) -> None:
    """Where neither the file nor anybody else says which that is."""
    text = f"# {question} {{#one}}\n\n{answer}\n"
    given = {"text": text, "format": "markdown"}
    assert (await call("import_articles", EDITOR, **given)).value["created"] == 1
    assert (await call("get_article", EDITOR, article_id="one")).value["language"] == language
    rows = f'id,question,answer\ntwo,"{question}","{answer}"\n'
    await call("import_articles", EDITOR, text=rows, format="csv")
    assert (await call("get_article", EDITOR, article_id="two")).value["language"] == language
    made = await call("create_article", EDITOR, question=question, answer=answer)
    assert made.value["language"] == language
    told = await call(
        "create_article", EDITOR, question=f"{question} 2", answer=answer, language="nl"
    )
    assert told.value["language"] == "nl"


async def test_a_language_that_somebody_has_set_stays(desk: Desk, call: Call) -> None:
    given = {"text": "# Entregam no Brasil? {#one}\n\nSim, em todo o Brasil, em oito dias.\n"}
    await call("import_articles", EDITOR, **given, format="markdown")
    await call("change_article", EDITOR, article_id="one", language="pt-BR")
    again = (await call("import_articles", EDITOR, **given, format="markdown")).value
    assert again["unchanged"] == 1
    other = {"text": given["text"], "language": "pt"}
    changed = (await call("import_articles", EDITOR, **other, format="markdown")).value
    assert changed["articles"][0]["reason"] == "language"


async def test_words_that_show_no_language_are_in_the_tenants(desk: Desk, call: Call) -> None:
    one = {"question": "PIN 4711", "answer": "4711"}
    assert (await call("create_article", EDITOR, **one)).value["language"] == "en"
    async with desk.database.transaction() as db:
        await tenants.change(db, "default", {"languages": ["it", "en"]})
    two = {**one, "article_id": "two"}
    assert (await call("create_article", EDITOR, **two)).value["language"] == "it"


async def test_what_is_wrong_with_a_column_is_said_in_plain_words(call: Call) -> None:
    long = "x" * 301
    rows = f"id,question,answer,language\na b,Q?,A,\nb,{long},A,\nc,Q?,,\nd,Q?,A,Klingonisch\n"
    told = (await call("import_articles", EDITOR, text=rows, format="csv")).value["articles"]
    assert [one["reason"] for one in told] == [
        'id: "a b" is not of the form that is wanted, which is that of "faq-transfer-time".',
        "question: It has 301 characters, and 300 are the most. Shorten it.",
        "answer: It is missing, and every record needs it.",
        'language: "Klingonisch" is not of the form that is wanted, which is that of "en".',
    ]


@pytest.mark.parametrize(
    ("text", "form", "problem"),
    [
        ("a,b\n1,2\n", "csv", "no column 'question'"),
        ("question,answer,colour\n", "csv", "no column 'colour'"),
        ('question,answer\n"open', "csv", "no CSV"),
        ("---\ntitle: x\n", "markdown", "does not end"),
        ("---\n- a\n---\n", "markdown", "names no fields"),
        ("---\ndate: 2026-13-45\n---\n", "markdown", "no YAML"),
        (f"---\ntitle: {'[' * 50_000}\n---\n", "markdown", "no YAML"),
    ],
)
def test_what_is_wrong_with_a_whole_file_is_said(text: str, form: Any, problem: str) -> None:
    with pytest.raises(Exception, match=problem):
        read_articles(text, form)


def test_a_file_without_a_heading_holds_no_article() -> None:
    (one,) = read_articles("just text", "markdown")
    assert "neither a heading" in one.problem


def test_a_file_with_a_title_is_one_article() -> None:
    (one,) = read_articles("---\ntitle: Why?\nid: why\n---\n# Because\n\nSo.\n", "markdown")
    assert one.values == {"question": "Why?", "id": "why", "answer": "# Because\n\nSo."}


def test_an_id_is_made_of_any_alphabet() -> None:
    assert made_id("  Wo ist's?  ") == "wo-ist-s"
    assert made_id("Где заказ?") == "где-заказ"
    assert made_id("???") == ""
    assert len(made_id("x" * 300)) == 64
