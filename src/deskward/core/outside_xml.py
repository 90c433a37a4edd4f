"""XML of others: read only where it declares nothing.

A few lines of entities can become gigabytes ("billion laughs"), or name files and addresses. What
answers us, or lies in a Word document, needs none.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

_DECLARES = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_BYTE_ORDER = (b"\xff\xfe", b"\xfe\xff")


def declares(xml: bytes) -> bool:
    """Whether a text declares a document type or entities, or hides it in a way that none needs.

    UTF-16 counts with its byte order mark (XML 1.0, section 4.3.3); other encodings that a parser
    knows write these signs as ASCII does.
    """
    plain = xml.replace(b"\0", b"") if xml[:2] in _BYTE_ORDER else xml
    return b"\0" in plain or _DECLARES.search(plain) is not None


def parsed(xml: bytes) -> ElementTree.Element:
    """The root of a document.

    Raises:
        ValueError: It declares something, or is no XML.
    """
    if declares(xml):
        raise ValueError("It declares entities, which are not read.")
    try:
        return ElementTree.fromstring(xml)  # noqa: S314 whatever declares entities was refused above
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # encodings, too
        raise ValueError(f"It is no XML: {error}.") from None
