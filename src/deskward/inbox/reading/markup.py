"""HTML of a mail: as text that keeps what is quoted apart, and as HTML that is safe to show."""

from __future__ import annotations

import re
from html import unescape

from deskward.inbox.reading.charsets import tidy

LONGEST = 1_000_000
"""How many characters of HTML are read."""
LONGEST_SHOWN = 300_000
"""How many characters of HTML are shown as HTML; what is longer is shown as text."""
DEEPEST_SHOWN = 200
"""How deep elements may stand in each other that are shown: a browser's parser takes time that
grows with the square of that."""

RULE = "_" * 32
"""How a line across stands in a text."""

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,30})([^<>]*)>")
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]{1,20})\s{0,5}=\s{0,5}("[^"]*"|'[^']*'|[^\s"'>]+)""")
_HIDDEN = re.compile(
    r"display\s{0,5}:\s{0,5}none|visibility\s{0,5}:\s{0,5}hidden|mso-hide\s{0,5}:\s{0,5}all"
    r"|font-size\s{0,5}:\s{0,5}0(?![.\d])",
    re.IGNORECASE,
)
_SPACES = re.compile(r"[ \t\n\r\f\xa0]+")

_UNREAD = ("script", "style", "head", "title", "template", "noscript", "svg", "math")
_VOID = frozenset(
    "area base br col embed hr img input link meta param source track wbr o:p".split()
)
_BLOCKS = frozenset(
    "address article aside center dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6 header hr li "
    "main nav ol pre section table tr ul".split()
)
_OPTIONAL_ENDS = frozenset("p li td th tr tbody thead tfoot dt dd option html body".split())
_QUOTES = ("gmail_quote", "yahoo_quoted", "moz-cite-prefix", "protonmail_quote", "zmail_extra")
"""Classes in which mail programs put what they quote."""
_SIGNATURES = ("gmail_signature", "moz-signature")


def text_of(html: str) -> str:
    """The text of HTML: a line per block, `> ` before what is quoted, where links go.

    What nobody sees who reads the mail, such as hidden text, is not in it.
    """
    reader = _Reader()
    html = _without_unread(html[:LONGEST])
    end = 0
    for match in _TAG.finditer(html):
        reader.text(html[end : match.start()])
        reader.tag(match[2].lower(), match[3], ends=bool(match[1]))
        end = match.end()
    reader.text(html[end:])
    return tidy("\n".join(reader.lines())).strip("\n")


def safe(html: str) -> str | None:
    """HTML that can be shown: no script, form, style or picture, and nothing that is loaded.

    Returns:
        None where it is too large or too deep: its text is shown then.
    """
    if len(html) > LONGEST_SHOWN or _depth(html) > DEEPEST_SHOWN:
        return None
    import nh3  # only where HTML is shown

    cleaned = nh3.clean(
        html,
        tags=_SHOWN_TAGS,
        attributes={"a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}},
        clean_content_tags=set(_UNREAD),
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
    )
    return tidy(cleaned)


_SHOWN_TAGS = set(
    "a abbr b blockquote br caption cite code col colgroup dd del div dl dt em h1 h2 h3 h4 h5 h6 "
    "hr i ins kbd li ol p pre q s small span strike strong sub sup table tbody td tfoot th thead "
    "tr tt u ul".split()
)


def _depth(html: str) -> int:
    deepest = depth = 0
    for match in _TAG.finditer(html):
        name = match[2].lower()
        if name in _VOID or name in _OPTIONAL_ENDS:
            continue
        depth = max(0, depth - 1) if match[1] else depth + 1
        deepest = max(deepest, depth)
    return deepest


def _without_unread(html: str) -> str:
    """HTML without comments, and without the elements whose content is not for reading."""
    html = _cut(html, "<!--", "-->")
    lower = html.lower()
    for name in _UNREAD:
        if f"<{name}" in lower:
            html = _cut_element(html, name)
            lower = html.lower()
    return html


def _cut(text: str, start: str, end: str) -> str:
    kept, at = [], 0
    while (begin := text.find(start, at)) >= 0:
        stop = text.find(end, begin + len(start))
        if stop < 0:
            break
        kept.append(text[at:begin])
        at = stop + len(end)
    kept.append(text[at:])
    return "".join(kept)


def _cut_element(html: str, name: str) -> str:
    lower = html.lower()
    if len(lower) != len(html):  # a letter whose small form is longer: then places would not agree
        return html
    kept, at = [], 0
    opening, closing = re.compile(f"<{name}(?![a-z0-9-])"), f"</{name}"
    while begin := opening.search(lower, at):
        stop = lower.find(closing, begin.end())
        if stop < 0:
            break
        kept.append(html[at : begin.start()])
        close = lower.find(">", stop)
        at = close + 1 if close >= 0 else len(html)
    kept.append(html[at:])
    return "".join(kept)


class _Reader:
    """Puts text into lines, and knows how deep it is quoted, and whether anybody sees it."""

    def __init__(self) -> None:
        self._lines: list[tuple[int, str]] = []
        self._line: list[str] = []
        self._open: list[tuple[str, bool, bool]] = []
        self._quoted = self._hidden = self._preformatted = 0
        self._link: tuple[str, int] | None = None

    def lines(self) -> list[str]:
        """All lines, with what shows that they are quoted."""
        self._end_line()
        return [f"{'> ' * depth}{line}".rstrip() for depth, line in self._lines]

    def text(self, raw: str) -> None:
        if not raw or self._hidden:
            return
        text = unescape(raw)
        if self._preformatted:
            *whole, last = text.split("\n")
            for line in whole:
                self._line.append(line)
                self._end_line(always=True)
            self._line.append(last)
            return
        text = _SPACES.sub(" ", text)
        if text == " " and not self._line:
            return
        self._line.append(text if self._line else text.lstrip(" "))

    def tag(self, name: str, attributes: str, *, ends: bool) -> None:
        if name in _VOID:
            if not self._hidden:
                self._void(name, attributes)
            return
        if name in {"p", "blockquote"}:
            self._end_line()
            self._blank_line()
        elif name in _BLOCKS:
            self._end_line()
        elif name in {"td", "th"} and not ends and self._line:
            self._line.append(" ")
        if name == "li" and not ends:
            self._line.append("- ")
        if name in _OPTIONAL_ENDS or attributes.endswith("/"):
            return
        if ends:
            self._close(name)
        else:
            self._begin(name, attributes)

    def _void(self, name: str, attributes: str) -> None:
        if name == "br":
            self._end_line(always=True)
        elif name == "hr":
            self._end_line()
            self._add(RULE)
        elif name == "img" and (alt := _attribute(attributes, "alt")):
            self._line.append(f"[{_SPACES.sub(' ', alt)}]")

    def _begin(self, name: str, attributes: str) -> None:
        kind = _attribute(attributes, "class").lower()
        quoted = name == "blockquote" or any(each in kind for each in _QUOTES)
        hidden = bool(attributes) and _HIDDEN.search(attributes) is not None
        if quoted:
            self._end_line()
            self._quoted += 1
        if any(each in kind for each in _SIGNATURES) and not self._hidden:
            self._end_line()
            if not self._lines or self._lines[-1][1] != "-- ":
                self._add("-- ")
        self._hidden += hidden
        self._preformatted += name == "pre"
        if name == "a" and not self._hidden:
            self._link = (_attribute(attributes, "href"), len(self._line))
        self._open.append((name, quoted, hidden))

    def _close(self, name: str) -> None:
        if name == "a" and self._link:
            self._end_link(*self._link)
            self._link = None
        if all(opened != name for opened, _, _ in self._open[-50:]):
            return
        while self._open:
            opened, quoted, hidden = self._open.pop()
            if quoted:
                self._end_line()
                self._quoted -= 1
            self._hidden -= hidden
            self._preformatted -= opened == "pre"
            if opened == name:
                return

    def _end_link(self, target: str, start: int) -> None:
        shown = "".join(self._line[start:]).strip()
        bare = target.removeprefix("mailto:").removeprefix("tel:")
        if (
            target.lower().startswith(("http://", "https://", "mailto:", "tel:"))
            and bare.rstrip("/") not in shown
            and shown.rstrip("/") not in {"", bare.rstrip("/")}
        ):
            self._line.append(f" ({bare})")

    def _end_line(self, *, always: bool = False) -> None:
        line = "".join(self._line)
        line = line.rstrip() if self._preformatted else line.strip()
        self._line.clear()
        self._link = (self._link[0], 0) if self._link else None
        if line:
            self._add(line)
        elif always:
            self._add("")

    def _blank_line(self) -> None:
        if self._lines and self._lines[-1][1]:
            self._add("")

    def _add(self, line: str) -> None:
        self._lines.append((self._quoted, line))


def _attribute(attributes: str, name: str) -> str:
    if name not in attributes.lower():
        return ""
    for match in _ATTRIBUTE.finditer(attributes):
        if match[1].lower() == name:
            return unescape(match[2].strip("\"'")).strip()
    return ""
