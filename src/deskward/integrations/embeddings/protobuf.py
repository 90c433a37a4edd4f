"""Protocol buffers as they are written (protobuf.dev, "Encoding"), as far as models need it.

ONNX and SentencePiece read models in this form. Their own writers would bring 30 MB of packages
to make messages that are a list of fields.
"""

from __future__ import annotations

import struct


def varint(number: int) -> bytes:
    """A number from 0 on in pieces of seven bits, the lowest first."""
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    written.append(number)
    return bytes(written)


def whole(field: int, value: int) -> bytes:
    """A field with a number from 0 on."""
    return varint(field << 3) + varint(value)


def single(field: int, value: float) -> bytes:
    """A field with a 32-bit float."""
    return varint(field << 3 | 5) + struct.pack("<f", value)


def content(field: int, value: bytes | str) -> bytes:
    """A field with bytes, a text or a message."""
    if isinstance(value, str):
        value = value.encode()
    return varint(field << 3 | 2) + varint(len(value)) + value
