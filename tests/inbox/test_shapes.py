"""What the desk reads in mails of the world's shapes."""

from __future__ import annotations

import time

import pytest

from deskward.inbox.reading import quoting
from deskward.inbox.reading.automatic import why_automatic
from deskward.inbox.reading.bounces import report_of
from deskward.inbox.reading.mail import identity, read
from tests.inbox.shapes import Shape, charsets, heads, programs, quotes, structures

SHAPES = [
    shape for group in (charsets, quotes, structures, heads, programs) for shape in group.SHAPES
]


def test_there_are_two_hundred() -> None:
    assert len({shape.name for shape in SHAPES}) == len(SHAPES) >= 200


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_shape(shape: Shape) -> None:
    began = time.process_time()
    mail = read(shape.raw)
    report = report_of(mail)
    assert time.process_time() - began < 5
    if shape.own is not None:
        assert mail.own == shape.own
    assert "".join(part.text for part in quoting.parts(mail.text)) == mail.text
    for each in shape.holds:
        assert each in mail.text
    for each in shape.lacks:
        assert each not in mail.text
    found = {
        "files": tuple(file.name for file in mail.files),
        "subject": mail.subject,
        "sender": mail.sender.address if mail.sender else "",
        "sender_name": mail.sender.name if mail.sender else "",
        "follows": mail.follows,
        "remarks": mail.remarks,
    }
    for name, value in found.items():
        if getattr(shape, name) is not None:
            assert value == getattr(shape, name), name
    assert why_automatic(mail, None) == shape.automatic
    failures = tuple((each.recipient, each.action) for each in report.failures) if report else None
    assert failures == shape.failures
    if shape.about is not None:
        assert report is not None
        assert shape.about in report.about
    assert len(identity(shape.raw)) == 64
