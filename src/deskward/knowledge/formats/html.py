"""HTML as selectolax (lexbor) reads it: what a reader of the page sees of its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from deskward.knowledge.formats.blocks import Block, Content, fenced, table_of
from deskward.knowledge.formats.texts import decoded

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

UNSEEN = frozenset(
    "script style noscript template svg math canvas iframe object embed head nav footer aside form "
    "button select textarea input audio video dialog".split()
)
"""Elements whose text is no part of what a page says."""
INLINE = frozenset(
    "a abbr b bdi bdo br cite code data del dfn em font i ins kbd label mark q ruby s samp small "
    "span strike strong sub sup time tt u var wbr".split()
)
MAIN = ("main", "[role=main]", "article", "body")
"""Where the text stands, the first that is there."""
DEEPEST = 500
"""Elements inside each other that are looked into."""

_CHARSET = re.compile(
    rb"<meta[^>]{0,200}charset\s{0,9}=\s{0,9}[\"']?([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE
)
_HEADING = re.compile(r"h[1-6]")
_PILCROW = re.compile(r"(?<![ \t])[ \t]*[¶\uf0c1#]$")
"""The link to itself that generators put behind a heading."""


def html_text(data: bytes) -> str:
    """The text of an HTML file, in the encoding that it says it is in.

    Raises:
        Broken: It is not.
    """
    declared = _CHARSET.search(data[:2048])
    return decoded(data, declared[1].decode("ascii") if declared else "utf-8")


def read_html(text: str) -> Content:
    """What a page says. Scripts are no part of it, nor what surrounds the text on every page."""
    from selectolax.lexbor import LexborHTMLParser

    page = LexborHTMLParser(text)
    root = next((node for one in MAIN if (node := page.css_first(one)) is not None), page.root)
    content = Content(language=_language(page))
    title = page.css_first("head > title")
    content.title = " ".join(title.text().split()) if title is not None else ""
    if root is not None:
        content.blocks = _Walk().blocks(root)
    content.told = {
        name: value
        for node in page.css("head > meta[name]")
        if (name := (node.attributes.get("name") or "").casefold()) in ("keywords", "product")
        and (value := node.attributes.get("content"))
    }
    return content


def _language(page: LexborHTMLParser) -> str:
    node = page.css_first("html")
    return (node.attributes.get("lang") or "") if node is not None else ""


class _Walk:
    """Gathers a page's blocks. It keeps its own stack: pages may nest elements without end."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._words: list[str] = []
        self._begins = ""

    def blocks(self, root: LexborNode) -> list[Block]:
        stack: list[tuple[LexborNode, bool]] = [(root, True)]
        depth = 0
        while stack:
            node, opens = stack.pop()
            if not opens:
                depth -= 1
                self._end(node.tag or "")
                continue
            if node.is_text_node:
                self._words.append(node.text_content or "")
            elif self._enter(node) and depth < DEEPEST:
                depth += 1
                stack.append((node, False))
                stack += [(child, True) for child in reversed(list(_children(node)))]
        self._end("p")
        return self._blocks

    def _enter(self, node: LexborNode) -> bool:
        """Begin an element; whether what is in it is to be looked at."""
        tag = node.tag or ""
        if not node.is_element_node or tag in UNSEEN or _hidden(node):
            return False
        if tag in ("br", "wbr"):
            self._words.append(" ")
        elif tag not in INLINE:
            self._end("p")
        if tag == "img":
            self._words.append(f" {node.attributes.get('alt') or ''} ")
        elif tag == "pre":
            self._blocks.append(Block("code", fenced(node.text())))
            return False
        elif tag == "table" and not node.css("table table"):
            self._blocks.append(Block("table", _table(node)))
            return False
        elif tag in ("li", "dd"):
            self._begins = "- "
        return True

    def _end(self, tag: str) -> None:
        if tag in INLINE:
            return
        text = " ".join("".join(self._words).split())
        self._words.clear()
        if not text:
            return
        begins, self._begins = self._begins, ""
        if _HEADING.fullmatch(tag):
            self._blocks.append(Block("heading", _PILCROW.sub("", text), int(tag[1])))
        else:
            self._blocks.append(Block("item" if begins else "text", begins + text))


def _children(node: LexborNode) -> Iterator[LexborNode]:
    child = node.child
    while child is not None:
        yield child
        child = child.next


def _hidden(node: LexborNode) -> bool:
    found = node.attributes
    return "hidden" in found or found.get("aria-hidden") == "true"


def _table(node: LexborNode) -> str:
    rows = [[cell.text(separator=" ") for cell in row.css("th, td")] for row in node.css("tr")]
    return table_of(rows)
