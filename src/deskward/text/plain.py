"""Markdown written anew as plain text with allowed links only (OWASP LLM02 and LLM05, 2025).

A text that a model wrote may be shown by any program: as it is, or as Markdown, which makes links,
pictures and HTML of it, each of which can carry out what the model has read. So it is parsed as
CommonMark 0.31 with GFM's strikethrough by markdown-it, and what is left is written such that no
reader of Markdown finds in it an address but the allowed ones.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from functools import cache
from typing import TYPE_CHECKING

from deskward.core.characters import UNSEEN, seen
from deskward.text.addresses import Known

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_MARKED = re.compile(r"[<\[\]\\`*_~&@#]|//|[^\W\d_]:(?=\S)|\w[.。．｡](?=[^\W\d_])|\d\.\d{1,3}\.\d")
"""What any markup or address in usual letters holds at least one of."""
_PREFIX = re.compile(r"\s*((?:(?:[-+*]|\d{1,9}[.)])[ \t]+|>[ \t]?)*)(?:#{1,6}[ \t]+)?")
_ESCAPE = re.compile(r"\\+(?=[!-/:-@\[-`{-~])")
_JOINED = re.compile(
    r"\](?=[(\[:])|!(?=\[)|<(?! )|&(?=(?:#[0-9a-fA-FxX]{1,8}|[A-Za-z][A-Za-z0-9]{1,31});)"
)
"""Where a link, its target, a picture, a tag or an entity would begin: a space behind ends it."""
_IN_LABEL = re.compile(r"[\[\]<>!\\`\n]")
_KEPT = re.compile(r"!?\x00(\d+)\x00")
_MARKS = {"em", "strong", "s"}


class Plain:
    """Writes Markdown anew for one reader."""

    def __init__(self, hosts: Collection[str], addresses: Collection[str] = ()) -> None:
        """Make one.

        Args:
            hosts: Hosts that may be linked to, and whose mail addresses may be named.
            addresses: Mail addresses that may be named besides, in lower case.
        """
        self._known = Known(hosts, addresses)

    def text(self, markdown: str) -> str:
        """A line or paragraph, white space around it kept."""
        usual = markdown.isascii() or unicodedata.is_normalized("NFKC", markdown)
        if usual and not _MARKED.search(markdown) and not UNSEEN.search(markdown):
            return markdown
        return self._anew(markdown)

    def lines(self, markdown: str) -> str:
        """A whole text, line by line."""
        return "".join(map(self.text, markdown.splitlines(keepends=True)))

    def code(self, line: str) -> str:
        """A line of a block of code, which has no markup but may be read as if it had."""
        return self._inert(seen(line))

    def _anew(self, markdown: str) -> str:
        text = seen(markdown)
        prefix = _PREFIX.match(text)
        assert prefix is not None
        body = text[prefix.end() :].rstrip()
        after = text[prefix.end() + len(body) :] if body else ""
        before = text[: prefix.end(1)]
        links: list[str] = []
        written = self._written(_parser().parseInline(body)[0].children or [], links)
        inert = self._inert(written)
        whole = _KEPT.sub(
            lambda match: f"{'! ' * (match[0][0] == '!')}{links[int(match[1])]}", inert
        )
        return before + whole + after

    def _written(self, tokens: Sequence[Token], links: list[str]) -> str:
        """The text of inline tokens; kept links are set aside, and their numbers stand for them."""
        out: list[str] = []
        opened: list[tuple[int, str]] = []
        marks: list[str] = []
        for token in tokens:
            kind, _, side = token.type.rpartition("_")
            if kind in _MARKS:
                out.append(_mark(token.markup, side, marks, "".join(out[-1:])))
            elif token.type == "link_open":
                opened.append((len(out), str(token.attrs.get("href", ""))))
            elif token.type == "link_close":
                start, target = opened.pop()
                out[start:] = [
                    self._link("".join(out[start:]), target, token.info == "auto", links)
                ]
            elif token.type in ("softbreak", "hardbreak"):
                out.append("\n")
            elif token.type == "image":
                out.append(self._written(token.children or [], links))
            elif token.type != "html_inline":
                out.append(seen(token.content))
        return "".join(out)

    def _link(self, label: str, target: str, bare: bool, links: list[str]) -> str:
        if bare or not self._known.url(target):
            return label  # an address that is its own label is looked at with the text
        words = _IN_LABEL.sub(" ", self._inert(label)).strip()
        links.append(f"[{words}]({target})" if words else target)
        return f"\x00{len(links) - 1}\x00"

    def _inert(self, text: str) -> str:
        """The text with nothing in it that any reader of Markdown makes an address of."""
        if "\\" in text:
            text = self._known.without_unknown(text)  # `\\host\share`, before they go
            text = _ESCAPE.sub("", text)
        text = self._known.without_unknown(text)
        return _JOINED.sub(lambda match: f"{match[0]} ", text)


def _mark(mark: str, side: str, kept: list[str], before: str) -> str:
    """A mark of emphasis: nothing, but where it stands within a word or a sum, as in `2*3*4`."""
    if side == "open":
        kept.append(mark if before[-1:].isalnum() else "")
        return kept[-1]
    return kept.pop()


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("strikethrough")
    # A link that leads to a script is a link, too.
    setattr(parser, "validateLink", lambda _: True)  # noqa: B010 a method, which is meant to be set
    return parser
