"""XML of others is read only where it declares nothing, in whatever encoding it says so."""

import pytest

from deskward.core.outside_xml import declares, parsed

BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'
IN_NO_ENCODING = [
    f'<?xml version="1.0" encoding="{name}"?><a/>'.encode()
    for name in ("no-such", "rot13", "shift_jis", "cp037")
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_entities_are_refused(encoding: str) -> None:
    data = BOMB.encode(encoding)
    assert declares(data)
    with pytest.raises(ValueError, match="declares entities"):
        parsed(data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_declares_nothing_is_read(encoding: str) -> None:
    root = parsed("<a><b>ü &amp; 日本</b></a>".encode(encoding))
    assert root.findtext("b") == "ü & 日本"


@pytest.mark.parametrize(
    "data", [b"", b"no", b"<a>", b"<a></b>", b"<a>\xff</a>", b"<a>\0</a>", *IN_NO_ENCODING]
)
def test_what_is_no_xml_is_told(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"no XML|entities"):
        parsed(data)
