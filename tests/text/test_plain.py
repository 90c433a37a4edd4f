"""Markdown as plain text: what is kept, whose addresses, and what costs nothing."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskward.text.addresses import Known, host_key
from deskward.text.plain import _MARKED, Plain

PLAIN = Plain(
    {"bank.example", "faß.example", "bücher.example", "desk.example:8443"}, {"a@mail.example"}
)


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("**Bold**, *soft*, ~~gone~~ and `code`.", "Bold, soft, gone and code."),
        ("# A title\n", "A title\n"),
        ("- one [faq-1]\n", "- one [faq-1]\n"),
        ("  1. two  \n", "  1. two  \n"),
        ("2*3*4 = 24, snake_case_name, 5 * 6 * 7", "2*3*4 = 24, snake_case_name, 5 * 6 * 7"),
        ("[Our *fees*](https://bank.example/fees 'x')!", "[Our fees](https://bank.example/fees)!"),
        ("wow![x](https://bank.example/a)", "wowx"),
        ("wow!\\[x](https://bank.example/a)", "wow! [x] (https://bank.example/a)"),
        ("<https://bank.example/a>", "https://bank.example/a"),
        ("I <3 you, a<b, c > d", "I < 3 you, a< b, c > d"),
        ("AT&amp;T &copy; &#8364;5", "AT&T © €5"),
        ("&amp;lt;img&amp;gt;", "& lt;img& gt;"),
        ("HTTPS://BANK.EXAMPLE:443/a", "HTTPS://BANK.EXAMPLE:443/a"),
        (
            "https://xn--bcher-kva.example/ https://BÜCHER.example",
            "https://xn--bcher-kva.example/ https://BÜCHER.example",
        ),
        ("https://ｂａｎｋ．example/", "https://bank.example/"),
        ("https://desk.example:8443/x", "https://desk.example:8443/x"),
        (
            "Write to a@mail.example or <mailto:a@mail.example>",
            "Write to a@mail.example or a@mail.example",
        ),
        ("Your order.Please wait. Заказ.Спасибо", "Your order.Please wait. Заказ.Спасибо"),
        ("می‌خواهم 👨‍👩‍👧", "می‌خواهم 👨‍👩‍👧"),
        ("好的。谢谢！", "好的。谢谢！"),
        ("a\\https://bank.example/?u=x", "a\\ https://bank.example/?u=x"),
        ("(see https://bank.example/a).", "(see https://bank.example/a)."),
        ("https://bank.example)!", "https://bank.example )!"),
    ],
)
def test_it_reads_as_it_was_meant(markdown: str, text: str) -> None:
    assert PLAIN.text(markdown) == text


@pytest.mark.parametrize(
    "text",
    [
        "//evil.example/x",
        "https&colon;//evil.example",
        "https://bank.example@evil.example/",
        "https://bank.example\\@evil.example/",
        "https://bank.example:8443/",
        "https://desk.example/",
        "https://fass.example/",
        "https://bаnk.example/",
        "https://bank.example//evil.example",
        "https://evil。example/",
        "evil。com",
        "ｅｖｉｌ．ｃｏｍ",
        "ev\u200bil.com",
        "ev\u00adil.com",
        "EVIL.COM",
        "Evil.Com",
        "пример.рф",
        "www.evil",
        "\\\\\\\\evil\\share",
        "il\u200d.com/example",
        "https://bank.example'.evil.com",
        "127.0.0.1:80/x",
        "eve\\@evil.example",
        "eve&commat;evil.example",
        "eve@1.2.3.4",
        "mailto:eve@evil",
        "javascript:alert(1)",
        "[x]( https://evil.example )",
        "![x](https://bank.example/pixel.png)",
        "<img src=https://bank.example/pixel.png>",
        "[x]: https://evil.example",
        "![a\nb](https://evil.example/x)",
    ],
)
def test_no_foreign_address_is_left(text: str) -> None:
    out = PLAIN.text(f"See {text} now")
    assert not re.search(r"evil|example/|127|javascript|пример|share|1\.2", out, re.IGNORECASE), out
    assert not re.search(r"\]\(|\]:|<\w", out)


def test_hosts_are_compared_as_browsers_do() -> None:
    assert host_key("ＢÜCHER.example.") == host_key("bücher。example") == "xn--bcher-kva.example"
    assert host_key("faß.example") != host_key("fass.example")
    assert host_key("ev il.example") is None
    assert host_key("\u0301x.ü") is None
    assert not Known(()).url("https:///x")


@given(st.text(alphabet="ab1 .,:;!?()-+'\"%$€ßé…。日本\u200c\u202e=>|{}/@", max_size=60))
def test_what_is_not_looked_at_would_not_change(text: str) -> None:
    """The short way for text without marks gives what the long way gives."""
    line = " ".join(text.split())
    if not _MARKED.search(line) and unicodedata.is_normalized("NFKC", line) and line.isprintable():
        assert PLAIN._anew(line) == line
        assert PLAIN.text(line) is line


@given(st.text(alphabet="[]()<>!*_`~\\&#;:/.@ab\nx", max_size=120))
def test_any_text_is_inert(text: str) -> None:
    out = PLAIN.text(text)
    assert not re.search(r"\]\((?!https://bank)|\][\[:]|<\S", out)
