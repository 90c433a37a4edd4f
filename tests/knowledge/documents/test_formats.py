"""Files of each form: headings, tables, code and what they say of themselves."""

from __future__ import annotations

import pytest

from deskward.knowledge.facts import Settings, facts_of, specifiers
from deskward.knowledge.filing import passages_of
from deskward.knowledge.formats.blocks import Block, Broken
from deskward.knowledge.formats.chunks import MOST, USUAL, Chunk, chunks_of
from deskward.knowledge.formats.languages import detected, tagged
from deskward.knowledge.formats.reading import Read, read
from tests.knowledge.documents.bombs import docx, pdf, word

MARKDOWN = """\
---
title: The router
lang: en-gb
tags: [net, lan]
---
# The router

Plug *it* [in](https://example.com) and `wait`.

- one
  - two
1. first

## Lights {#lights}

| colour | meaning |
|--------|---------|
| green  | a\\|b    |

```sh
# no heading
reboot
```

<p>Seen.</p><script>unseen()</script>
"""
HTML = """<!doctype html><html lang="de"><head><title>Seite</title>
<meta name="keywords" content="netz, lan"></head><body><nav>Menü</nav><main>
<h1>Gerät<a href="#x">¶</a></h1><p>Ein <b>Satz</b>,<br>hier.</p><ul><li>eins</li><li>zwei</li></ul>
<h2>Lichter</h2><table><tr><th>Farbe</th><th>Sinn</th></tr><tr><td>grün</td><td>gut</td></tr></table>
<pre>x = 1
  y</pre><p hidden>unsichtbar</p><script>unseen()</script><h4>Tief</h4>
<p>Ende.</p></main></body></html>"""
RST = """\
:audience: customer
:tags: net, lan

The router
==========

See :ref:`the lights <lights>` and ``wait``.

.. note:: Mind this.

.. code-block:: sh
   :caption: x

   reboot

Lights
------

#. one
#. two

====== =====
colour sense
====== =====
green  good
====== =====

.. versionadded:: 2.0
   Blinking.
"""


def chunks(found: Read) -> list[tuple[tuple[str, ...], str]]:
    return [(one.headings, one.text) for one in found.chunks]


def test_markdown() -> None:
    found = read("markdown", "a.md", MARKDOWN.encode())
    assert (found.title, found.language) == ("The router", "en-GB")
    assert chunks(found) == [
        ((), "Plug it in and wait.\n\n- one\n  - two\n1. first"),
        (
            ("Lights",),
            "| colour | meaning |\n| --- | --- |\n| green | a\\|b |\n\n"
            "```sh\n# no heading\nreboot\n```\n\nSeen.",
        ),
    ]


def test_html() -> None:
    found = read("html", "a.html", HTML.encode())
    assert (found.title, found.language) == ("Gerät", "de")
    assert facts_of("a.html", Settings(), found).tags == ("netz", "lan")
    assert chunks(found) == [
        ((), "Ein Satz, hier.\n\n- eins\n- zwei"),
        (("Lichter",), "| Farbe | Sinn |\n| --- | --- |\n| grün | gut |\n\n```\nx = 1\n  y\n```"),
        (("Lichter", "Tief"), "Ende."),
    ]


def test_restructured_text_of_sphinx() -> None:
    found = read("rst", "a.rst", RST.encode())
    assert found.title == "The router"
    facts = facts_of("a.rst", Settings(), found)
    assert (facts.audience, facts.tags) == ("customer", ("net", "lan"))
    assert chunks(found) == [
        ((), "See the lights and wait.\n\nMind this.\n\n```\nreboot\n```"),
        (
            ("Lights",),
            "1. one\n2. two\n\n| colour | sense |\n| --- | --- |\n| green | good |\n\n"
            "2.0 Blinking.",
        ),
    ]


def test_word() -> None:
    body = (
        b'<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Router</w:t></w:r></w:p>'
        b"<w:p><w:r><w:t>Plug it in.</w:t></w:r></w:p>"
        b"<w:tbl><w:tr><w:tc><w:p><w:r><w:t>green</w:t></w:r></w:p></w:tc>"
        b"<w:tc><w:p><w:r><w:t>good</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    )
    styles = (
        b'<w:styles xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        b'<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style>'
        b"</w:styles>"
    )
    found = read("word", "a.docx", docx(document=word(body), styles=styles))
    assert found.title == "Router"
    assert chunks(found) == [((), "Plug it in.\n\n| green | good |\n| --- | --- |")]


def test_pdf() -> None:
    lines = [(20, 700, "The router"), (11, 660, "Plug it in and wait until the lamp"),
             (11, 645, "is green, which takes a mo-"), (11, 630, "ment."),
             (16, 600, "Lights"), (11, 580, "Green is good."), (11, 560, "1. Look."),
             (11, 545, "2. Wait.")]  # fmt: skip
    content = b"".join(
        b"BT /F1 %d Tf 50 %d Td (%s) Tj ET\n" % (size, at, text.encode())
        for size, at, text in lines
    )
    found = read("pdf", "a.pdf", pdf(content))
    assert (found.title, found.language) == ("The router", "en")
    assert chunks(found) == [
        ((), "Plug it in and wait until the lamp is green, which takes a moment."),
        (("Lights",), "Green is good.\n\n1. Look.\n\n2. Wait."),
    ]


def test_text_and_its_encodings() -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        found = read(
            "text", "näh.txt", "Erster Absatz.\r\n\r\nDas ist der zweite.".encode(encoding)
        )
        assert chunks(found) == [((), "Erster Absatz.\n\nDas ist der zweite.")]
        assert (found.title, found.language) == ("näh", "de")
    page = "<meta charset=iso-8859-1><p>Käse</p>".encode("latin-1")
    assert chunks(read("html", "a.html", page)) == [((), "Käse")]


def test_code_and_tables_are_not_cut() -> None:
    code = Block("code", "```\n" + "x = 1\n" * 1_000 + "```")
    table = Block("table", "| a |\n| --- |\n" + "\n".join(f"| {n} |" for n in range(500)))
    text = Block("text", "One sentence stands here. " * 200)
    found = [one.text for one in chunks_of([text, code, Block("text", "Short."), table])]
    assert code.text in found[-2] or code.text in found
    assert any(table.text in one for one in found)
    assert all(len(one) <= USUAL * 1.5 for one in found if "|" not in one and "```" not in one)
    assert "".join(found).count("One sentence") == 200


def test_what_is_longer_than_may_be_is_cut_between_lines() -> None:
    rows = "\n".join(f"| {n:06} |" for n in range(6_000))
    parts = chunks_of([Block("table", f"| n |\n| --- |\n{rows}")])
    assert len(parts) > 1
    assert all(one.text.startswith("| n |\n| --- |\n") for one in parts)
    assert all(len(one.text) <= MOST * 1.1 for one in parts)
    told = [line for one in parts for line in one.text.split("\n")[2:]]
    assert told == rows.split("\n")


def test_ids_stay_with_the_words() -> None:
    before = [Chunk(("A",), "One."), Chunk(("A",), "Two."), Chunk(("B",), "One.")]
    ids = passages_of("d", before)
    assert len(ids) == 3
    more = passages_of("d", [Chunk(("A",), "New."), *before])
    assert ids.keys() < more.keys()
    twice = passages_of("d", [*before, Chunk(("A",), "One.")])
    assert len(twice) == 4
    assert ids.keys() < twice.keys()
    assert passages_of("e", before).keys().isdisjoint(ids.keys())


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("", ""), ("all", ""), ("2.x", "==2.*"), ("v2.3", "==2.3.*"), ("2", "==2.*"),
        (">= 2, < 3", ">=2,<3"), ("2.1 - 2.5", ">=2.1,<=2.5"), ("~=2.2", "~=2.2"),
        ("new", None), ("2.x or 3", None), (">=", None),
    ],
)  # fmt: skip
def test_versions(said: str, wanted: str | None) -> None:
    assert specifiers(said) == wanted


@pytest.mark.parametrize(
    ("settings", "front", "wanted"),
    [
        ({}, {}, "staff"),
        ({"audience": "customer"}, {}, "customer"),
        ({}, {"audience": "Customer"}, "customer"),
        ({"audience": "customer"}, {"audience": "staff"}, "staff"),
        ({"audience": "customer"}, {"audience": "customers"}, "staff"),
        ({"rules": [{"path": "a/*", "audience": "customer"}]}, {}, "customer"),
        ({"rules": [{"path": "b/*", "audience": "customer"}]}, {}, "staff"),
        ({"audience": "customer", "rules": [{"path": "a/*", "audience": "staff"}]}, {}, "staff"),
    ],
)
def test_who_may_read_a_document(
    settings: dict[str, object], front: dict[str, object], wanted: str
) -> None:
    found = Read("T", "en", front, [])
    facts = facts_of("a/b.md", Settings.model_validate(settings), found)
    assert facts.audience == wanted
    assert bool(facts.doubts) == (front.get("audience") == "customers")
    strangers = facts_of("a/b.md", Settings(), found, trusted=False)
    assert strangers.audience == "staff"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The lamp is green when it is on.", "en"), ("Die Lampe ist grün und sie ist an.", "de"),
        ("ランプは緑です。電源が入っています。", "ja"), ("灯是绿色的。", "zh"),
        ("램프가 녹색입니다.", "ko"),
        ("الضوء أخضر", "ar"), ("Лампа горит зелёным", "ru"), ("Лампа світить зеленим її", "uk"),
        ("ไฟเป็นสีเขียว", "th"), ("42", "und"),
    ],
)  # fmt: skip
def test_languages(text: str, language: str) -> None:
    assert detected([text]) == language


def test_tags_of_languages() -> None:
    assert [tagged(one) for one in ("PT_br", "zh-hans-CN", "english", "", "x")] == [
        "pt-BR", "zh-Hans-CN", "", "", "",
    ]  # fmt: skip


def test_a_line_across_the_page_is_no_front_matter() -> None:
    found = read("markdown", "a.md", b"---\n\nText.\n")
    assert chunks(found) == [((), "Text.")]
    with pytest.raises(Broken, match="no YAML in line 2"):
        read("markdown", "a.md", b"---\na: b: c\n---\n\nText.\n")
