"""The parts of a mail are found in a sentence."""

import pytest

from tests.agent.offline.finding import find

FILE = "0123456789abcdef0123456789abcdef"
KINDS: tuple[str, ...] = ("to", "cc", "bcc", "subject", "body", "files")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            'Send an email to a@x.example with subject "Your order" saying "It is on its way", '
            f"bcc boss@x.example, attach {FILE}",
            {
                "to": ["a@x.example"],
                "bcc": ["boss@x.example"],
                "subject": "Your order",
                "body": "It is on its way",
                "files": [FILE],
            },
        ),
        (
            "mail a@x.example and b@x.example, cc c@x.example, subject: Hello, body: Write to "
            "d@x.example.",
            {
                "to": ["a@x.example", "b@x.example"],
                "cc": ["c@x.example"],
                "subject": "Hello",
                "body": "Write to d@x.example.",
            },
        ),
        (
            "send a mail to a@x.example with the subject Delay saying we are late and bcc "
            "b@x.example",
            {
                "to": ["a@x.example"],
                "bcc": ["b@x.example"],
                "subject": "Delay",
                "body": "we are late",
            },
        ),
        ("I want to send a mail", {}),
        ("email a@x.example", {"to": ["a@x.example"]}),
        ("", {}),
    ],
)
def test_parts_are_found(text: str, parts: dict) -> None:
    assert {kind: value for kind in KINDS if (value := find(kind, text)) is not None} == parts


def test_answers_are_taken_whole() -> None:
    assert find("subject", "Good news", answers=True) == "Good news"
    assert find("body", "We found it.", answers=True) == "We found it."
    assert find("to", "a@x.example", answers=True) == ["a@x.example"]
    assert find("to", "nobody", answers=True) is None
