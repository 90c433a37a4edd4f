"""What headers of mails say is what was given, as two readers without common code read it."""

import base64
import email
import email.policy
import json
import random
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskward.email import compose, headers
from deskward.email.models import Letter
from deskward.files.service import Content
from tests.rounds import rounds
from tests.services.npm import installed

POSTAL_MIME = ("postal-mime", "2.7.6")
COUNT = rounds(15_000, 100_000)

SCRIPTS = {
    "ASCII": (0x20, 0x7E),
    "Latin": (0xA0, 0x24F),
    "Greek": (0x370, 0x3FF),
    "Cyrillic": (0x400, 0x4FF),
    "Hebrew": (0x590, 0x5F4),
    "Arabic": (0x600, 0x6FF),
    "Devanagari": (0x900, 0x97F),
    "Thai": (0xE00, 0xE7F),
    "joiners": (0x200B, 0x200F),
    "Japanese": (0x3040, 0x30FF),
    "Han": (0x4E00, 0x9FFF),
    "Hangul": (0xAC00, 0xD7A3),
    "emoji": (0x1F300, 0x1F6FF),
    "beyond": (0x20000, 0x2A6DF),
}
USUAL = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))
"""No control characters, no lone surrogates, no ends of lines."""
texts = st.text(USUAL, min_size=1, max_size=200)
mixed = st.lists(
    st.sampled_from(list(SCRIPTS.values())).flatmap(
        lambda ends: st.text(st.characters(min_codepoint=ends[0], max_codepoint=ends[1]))
    ),
    min_size=1,
).map(lambda parts: " ".join(parts)[:200] or "x")
oddities = st.sampled_from(
    ["=?utf-8?q?x?=", "a =?utf-8?b?eA==?= b", " x", "x ", "a  b", "=?", "?=", "=?=?=", '"a" <b@c>']
)


def message(subject: str, name: str = "Desk", file: str = "f") -> EmailMessage:
    letter = Letter(to=["alice@example.com"], subject=subject, text="b")
    content = Content("f", file, "application/pdf", b"x")
    return compose.message(
        "e" * 32, letter, [content], sender_name=name, sender_email="desk@example.com"
    )


def read_by_python(raw: bytes) -> list[str]:
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    files = [part.get_filename() or "" for part in found.iter_attachments()]
    return [str(found["Subject"]), found["From"].addresses[0].display_name, *files]


def read_by_node(mails: Sequence[bytes], folder: Path) -> list[list[str]]:
    """What postal-mime reads: subject, sender's name and names of files, of each mail."""
    module = installed(*POSTAL_MIME) / "src" / "postal-mime.js"
    node = shutil.which("node")
    assert node is not None
    lines = folder / "mails"
    lines.write_bytes(b"".join(base64.b64encode(raw) + b"\n" for raw in mails))
    with lines.open("rb") as given_lines:
        done = subprocess.run(
            [node, str(Path(__file__).with_name("read_headers.mjs")), str(module)],
            stdin=given_lines,
            capture_output=True,
            check=True,
        )
    return [json.loads(line) for line in done.stdout.decode().split("\n") if line]


def names_in_one_word(name: str) -> bool:
    """Python's own reader takes a fold within a name for a space, where others take it for none."""
    return "\r\n =?" not in headers.mailbox("From", name, "x")


@given(texts | mixed | oddities)
def test_a_subject_is_read_as_it_was_given(subject: str) -> None:
    raw = message(subject).as_bytes()
    assert read_by_python(raw)[0] == subject
    head = raw.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 78
    assert head.isascii()


@given(texts.map(str.split).map(" ".join).filter(bool) | st.just('Dr. "Ann" O\\Hara, =?x?='))
def test_a_name_is_read_as_it_was_given(name: str) -> None:
    if names_in_one_word(name):
        assert read_by_python(message("s", name).as_bytes())[1] == name


@given(texts.map(lambda text: text.replace("/", "_").strip()).filter(bool))
def test_the_name_of_a_file_is_read_as_it_was_given(file: str) -> None:
    assert read_by_python(message("s", file=file).as_bytes())[2] == file


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=200))
def test_plain_words_stay_readable_in_the_source(text: str) -> None:
    words = " ".join(word[:30] for word in text.split()) or "x"
    if "=?" not in words:
        assert "utf-8" not in headers.text("Subject", words)


def test_another_reader_reads_the_same(tmp_path: Path) -> None:
    given_texts = list(generated(300, seed=1))
    mails = [message(text, text, named(text)).as_bytes() for text in given_texts]
    read = read_by_node(mails, tmp_path)
    assert read == [[text, text, named(text)] for text in given_texts]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_very_many_subjects_come_back_equal(tmp_path: Path) -> None:
    subjects = list(generated(COUNT, seed=2))
    mails = [
        f"Subject: {headers.text('Subject', subject)}\r\n\r\nb\r\n".encode() for subject in subjects
    ]
    reader = BytesHeaderParser(policy=email.policy.default)
    by_python = [str(reader.parsebytes(raw)["Subject"]) for raw in mails]
    assert differing(by_python, subjects) == []
    by_node = [read[0] for read in read_by_node(mails, tmp_path)]
    assert differing(by_node, subjects) == []


def differing(read: Sequence[str], subjects: Sequence[str]) -> list[tuple[str, str]]:
    assert len(read) == len(subjects)
    return [pair for pair in zip(read, subjects, strict=True) if pair[0] != pair[1]][:10]


def named(text: str) -> str:
    """A name of a file."""
    return text.replace("/", "_").replace("\\", "_")


def generated(count: int, seed: int) -> Iterator[str]:
    """Texts of one to eight parts in various scripts, joined in various ways."""
    chosen = random.Random(seed)
    for _ in range(count):
        parts = []
        for _ in range(chosen.randint(1, 8)):
            low, high = SCRIPTS[chosen.choice(["ASCII", *SCRIPTS])]
            letters = (chr(chosen.randint(low, high)) for _ in range(chosen.randint(1, 25)))
            parts.append("".join(letters))
        yield chosen.choice(["", " ", " ", "  "]).join(parts)[:200].strip() or "x"
