"""Header fields that decode to exactly the text that was given (RFC 5322, RFC 2047, RFC 2231).

The standard library folds a text of several scripts into encoded words and plain ones by turns, and
loses spaces between them. Here a text is plain as a whole, or encoded as a whole.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

LINE = 76
"""Most characters of a line."""
WORD = 75
"""Most characters of an encoded word."""
FOLD = "\r\n "

_START, _END = "=?utf-8?B?", "?="
_PLAIN = re.compile(r"[!-~]+( [!-~]+)*")


def text(name: str, value: str) -> str:
    """The body of a field that is a text, folded.

    Args:
        name: The field's, for the length of the first line.
        value: The text, in one line.
    """
    if _is_plain(value):
        folded = _wrapped(value.split(" "), len(name) + 2)
        if folded is not None:
            return folded
    return FOLD.join(_words(value, len(name) + 2))


def words(value: str) -> str:
    """The body of a field of words that no reader decodes, such as Message-IDs: one a line."""
    return FOLD.join(value.split())


def mailbox(name: str, display: str, address: str) -> str:
    """The body of a field that is one address with a name, folded."""
    if not display:
        return address
    quoted = '"{}"'.format(display.replace("\\", "\\\\").replace('"', '\\"'))
    if _is_plain(display) and len(name) + 2 + len(quoted) <= LINE:
        return f"{quoted}{FOLD}<{address}>"
    return FOLD.join([*_words(display, len(name) + 2), f"<{address}>"])


def addresses(values: Sequence[str]) -> str:
    """The body of a field that is a list of addresses, folded."""
    return f",{FOLD}".join(values)


def parameters(value: str, name: str, content: str) -> str:
    """The body of a field with one parameter, folded: `value; name="content"`."""
    plain = f'{name}="{content}"'
    if _is_plain(content) and not {'"', "\\"} & set(content) and len(plain) < LINE:
        return f"{value};{FOLD}{plain}"
    pieces = list(_escaped(f"utf-8''{quote(content, safe='')}", LINE - len(name) - 8))
    if len(pieces) == 1:
        return f"{value};{FOLD}{name}*={pieces[0]}"
    numbered = [f"{name}*{number}*={piece}" for number, piece in enumerate(pieces)]
    return f";{FOLD}".join([value, *numbered])


def _is_plain(value: str) -> bool:
    """Whether readers take a text as it is: printable ASCII, single spaces, no encoded words."""
    return "=?" not in value and _PLAIN.fullmatch(value) is not None


def _wrapped(words: Sequence[str], used: int) -> str | None:
    """Words in lines, or None where one is too long for a line."""
    lines, line = [], ""
    for word in words:
        if len(word) + 1 > LINE:
            return None
        if line and used + len(line) + 1 + len(word) > LINE:
            lines.append(line)
            line, used = word, 1
        else:
            line = f"{line} {word}" if line else word
    return FOLD.join([*lines, line])


def _words(value: str, used: int) -> Iterator[str]:
    """A text as encoded words of whole characters; the first one shares its line."""
    room = _room(LINE - used)
    piece = b""
    for character in map(str.encode, value):
        if len(piece) + len(character) > room:
            yield _word(piece)
            piece, room = b"", _room(min(WORD, LINE - 1))
        piece += character
    yield _word(piece)


def _room(length: int) -> int:
    """How many bytes an encoded word of this length holds."""
    return (length - len(_START) - len(_END)) // 4 * 3


def _word(piece: bytes) -> str:
    return f"{_START}{base64.b64encode(piece).decode()}{_END}"


def _escaped(content: str, room: int) -> Iterator[str]:
    """Pieces of a percent-encoded text, cut between its characters."""
    piece = ""
    for unit in re.findall(r"%..|.", content):
        if len(piece) + len(unit) > room:
            yield piece
            piece = ""
        piece += unit
    yield piece
