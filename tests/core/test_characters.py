"""What is not seen reaches neither terminals nor logs; addresses show no credentials."""

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskward.core.characters import JOINERS, one_line, printable, seen
from deskward.core.credentials import without_credentials


def test_everything_that_is_not_seen_is_known() -> None:
    for char in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            continue
        assert one_line(char).isascii(), hex(ord(char))
        assert one_line(char).isprintable(), hex(ord(char))
        assert char in "\t\n" + JOINERS or printable(f"a{char}b").isprintable()
        assert char in "\t\n" or seen(f"a{char}b") in ("ab", "a b")


def test_what_is_written_is_still_read() -> None:
    assert printable("Zürich: 5 €,\tمی‌خواهم 👨‍👩‍👧\n日本") == "Zürich: 5 €,\tمی‌خواهم 👨‍👩‍👧\n日本"
    assert printable("\x1b]8;;https://evil.example\x07x\x9b31m") == (
        r"\u001b]8;;https://evil.example\u0007x\u009b31m"
    )


@given(st.text())
def test_escaped_json_means_the_same(text: str) -> None:
    whole = json.dumps(text, ensure_ascii=False)
    assert json.loads(one_line(whole)) == json.loads(printable(whole)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at https://me:s3cret@host/x now", "at https://me:***@host/x now"),
        ("https://s3cret@host", "https://***@host"),
        ("redis://:s3@cret@host:6379/0", "redis://:***@host:6379/0"),
        (
            "postgresql+asyncpg://u:s3cret@h/d?sslpassword=s3cret&x=1",
            "postgresql+asyncpg://u:***@h/d?sslpassword=***&x=1",
        ),
        ("https://host/v1?api_key=s3cret&a=b", "https://host/v1?api_key=***&a=b"),
        ("https://host/v1?token=s3cret#x", "https://host/v1?token=***#x"),
        ("https://host/@user me@mail.example", "https://host/@user me@mail.example"),
    ],
)
def test_addresses_show_no_credentials(text: str, shown: str) -> None:
    assert without_credentials(text) == shown
