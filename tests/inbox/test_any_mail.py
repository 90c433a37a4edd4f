"""Whatever comes in: nothing raises, no text is lost, and no mail takes long."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deskward.core.characters import seen
from deskward.inbox.reading import quoting
from deskward.inbox.reading.automatic import why_automatic
from deskward.inbox.reading.bounces import report_of
from deskward.inbox.reading.mail import identity, read
from deskward.inbox.reading.markup import safe, text_of
from tests.inbox.shapes import mail, multi, part
from tests.inbox.test_shapes import SHAPES
from tests.rounds import rounds

LONGEST = 2.0
"""Seconds of the processor that one small mail may take; it takes some milliseconds."""

WHOLE = [shape.raw for shape in SHAPES if len(shape.raw) < 5000]
LINES = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
        st.sampled_from(
            ["> quoted", "-- ", "--", "", "On 3 Feb 2026 10:12, a@b.example wrote:", "From: a@b.c",
             "Sent: 3 Feb 2026 10:12", "To: x", "Subject: y", "-----Original Message-----",
             "_" * 32, "> > deeper", "Sent from my iPhone"]
        ),
    ),
    max_size=20,
).map("\n".join)  # fmt: skip


def _looked_at(raw: bytes) -> None:
    began = time.process_time()
    found = read(raw)
    report_of(found)
    why_automatic(found, "")
    identity(raw)
    assert [found.own, found.subject, found.sent_at, found.follows, found.recipients]
    safe(found.html)
    assert time.process_time() - began < LONGEST


@settings(max_examples=rounds(300, 5000), deadline=None)
@given(st.binary(max_size=2000))
@example(b"Content-Type: multipart/mixed; boundary=\xff\n\n--\xff\n\nx")
@example(b"Content-Type: text/plain; charset*=\n\nx")
@example(b'Content-Disposition: attachment; filename*0*=x; filename*1="\n\nx')
@example(b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nAAAA")
def test_any_bytes_are_read(raw: bytes) -> None:
    _looked_at(raw)


@settings(max_examples=rounds(300, 5000), deadline=None)
@given(st.sampled_from(WHOLE), st.data())
def test_mails_with_damage_are_read(raw: bytes, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        cut = data.draw(st.integers(0, 40))
        raw = raw[:at] + data.draw(st.binary(max_size=20)) + raw[at + cut :]
    _looked_at(raw)


@settings(max_examples=rounds(200, 3000), deadline=None)
@given(LINES)
def test_what_is_folded_is_kept(text: str) -> None:
    assert "".join(each.text for each in quoting.parts(text)) == text
    assert bool(quoting.own(text)) == bool(text.strip())


@settings(max_examples=rounds(150, 3000), deadline=None)
@given(
    LINES,
    st.sampled_from(["base64", "quoted-printable", None]),
    st.sampled_from(["alone", "mixed", "alternative", "within"]),
)
def test_no_text_is_lost(text: str, coding: str | None, shape: str) -> None:
    body = part(text, "text/plain; charset=utf-8", coding)
    if shape == "alone":
        head, _, rest = body.partition(b"\r\n\r\n")
        told = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        raw = mail(rest, told["Content-Type"], told.get("Content-Transfer-Encoding"))
    elif shape == "within":
        inner = mail(*multi("mixed", body, boundary="inner"))
        raw = mail(*multi("mixed", part(inner, "message/rfc822")))
    else:
        raw = mail(*multi(shape, body))
    found = read(raw).text
    for word in seen(text.replace("\r", "\n")).split():
        assert word in found


@settings(max_examples=rounds(200, 3000), deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                ["<p>", "</p>", "<div>", "</div>", "<b>", "</a>", "<a href='https://x.example'>",
                 "<blockquote>", "</blockquote>", "<br>", "<img src=http://x.example/i.png>",
                 "<td>", "<pre>", "</pre>", "<!--", "-->", "<", ">", "&lt;", "&#0;", '"', "'",
                 "<div class=gmail_quote>", "<svg/onload=alert(1)>", "<style>@import x</style>",
                 "<a href='javascript:alert(1)'>"]
            ),
            st.text(string.ascii_letters, min_size=1, max_size=8),
        ),
        max_size=40,
    ).map("".join)
)  # fmt: skip
def test_html_is_read_and_nothing_of_it_acts(html: str) -> None:
    assert "<script" not in text_of(html)
    shown = safe(html) or ""
    lower = shown.lower()
    for each in ("<img", "<svg", "<style", "javascript:", "onload", "src="):
        assert each not in lower or each in text_of(html).lower()


@pytest.mark.slow
def test_hostile_shapes_take_no_time() -> None:
    for html in (
        "<div>" * 200_000 + "x",
        "<a href=x>y" * 50_000,
        "<!--" * 100_000,
        "&" * 300_000,
        "<a x='" * 50_000,
        "<blockquote>" * 100_000,
        "<script>" * 50_000,
        "<p style='" * 50_000,
        "</a>" * 100_000,
    ):
        began = time.process_time()
        assert isinstance(text_of(html), str)
        safe(html)
        assert time.process_time() - began < 10
    for text in ("> " * 200_000, ">\n" * 100_000, "a: " * 100_000, "-- \n" * 50_000, "a@" * 200_000,
                 "From: a@b.c 1 2 3\n" * 20_000, "-" * 300_000, "1 " * 200_000, "=?" * 100_000,
                 "__" * 200_000, "*_" * 200_000):  # fmt: skip
        began = time.process_time()
        found = read(mail(text, Subject=text.replace("\n", " ")))
        assert found.own is not None
        assert time.process_time() - began < 10, text[:20]
