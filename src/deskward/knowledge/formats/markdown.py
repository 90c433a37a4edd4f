"""Markdown: CommonMark with tables, as markdown-it reads it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from deskward.knowledge.formats.blocks import Block, Content, fenced, table_of
from deskward.knowledge.formats.front import parted
from deskward.knowledge.formats.html import read_html

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_OWN_ID = re.compile(r"[ \t]{0,20}\{[#.:][^{}\n]{0,200}\}[ \t]{0,20}$")
"""`{#id}` behind a heading."""


def read_markdown(text: str) -> Content:
    """What a Markdown file says."""
    told, body = parted(text)
    return Content(blocks_of(body), told)


def blocks_of(text: str) -> list[Block]:
    """The blocks of a Markdown text."""
    return _Reader(_parser().parse(text)).read()


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


class _Reader:
    """Goes over the tokens of a text once."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._blocks: list[Block] = []
        self._lists: list[int | None] = []
        """Of each list around: the number of its next item, or None."""
        self._begins = ""
        """What an item begins with, until its first text."""

    def read(self) -> list[Block]:
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            self._take(token)
        return [block for block in self._blocks if block.text.strip()]

    def _take(self, token: Token) -> None:
        match token.type:
            case "heading_open":
                heading = _OWN_ID.sub("", _plain(self._tokens[self._at]))
                self._blocks.append(Block("heading", heading, int(token.tag[1])))
                self._at += 2
            case "inline":
                self._text(_plain(token))
            case "fence" | "code_block":
                language = (token.info or "").strip().split(" ")[0]
                self._blocks.append(Block("code", fenced(token.content, language)))
            case "html_block":
                self._blocks += read_html(token.content).blocks
            case "table_open":
                self._blocks.append(Block("table", self._table()))
            case "bullet_list_open":
                self._lists.append(None)
            case "ordered_list_open":
                self._lists.append(int(token.attrs.get("start", 1) or 1))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
            case "list_item_open":
                self._item()

    def _item(self) -> None:
        number = self._lists[-1]
        if number is not None:
            self._lists[-1] = number + 1
        self._begins = "- " if number is None else f"{number}. "

    def _text(self, text: str) -> None:
        if not self._lists:
            self._blocks.append(Block("text", text))
            return
        indent = "  " * min(len(self._lists) - 1, 8)
        begins, self._begins = self._begins or "  ", ""
        self._blocks.append(Block("item", f"{indent}{begins}{text}"))

    def _table(self) -> str:
        rows: list[list[str]] = []
        while (token := self._tokens[self._at]).type != "table_close":
            self._at += 1
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(_plain(token))
        self._at += 1
        return table_of(rows)


def _plain(token: Token) -> str:
    """What stands in a line, without the marks; of a link its words, of a picture what it shows."""
    parts: list[str] = []
    for child in token.children or ():
        if child.type in ("text", "code_inline") or child.type == "image":
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
    return "".join(parts).strip()
