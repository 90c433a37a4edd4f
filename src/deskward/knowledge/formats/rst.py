"""reStructuredText as docutils reads it, also where it is written for Sphinx.

Nothing is included, and nothing is run: directives that docutils does not know (those of Sphinx)
are read as their text.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from deskward.knowledge.formats.blocks import Block, Content, fenced, table_of
from deskward.knowledge.formats.front import parted

if TYPE_CHECKING:
    from docutils import nodes

SETTINGS = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "report_level": 5,
    "halt_level": 5,
    "doctitle_xform": False,
    "sectsubtitle_xform": False,
    "docinfo_xform": True,
    "smart_quotes": False,
    "syntax_highlight": "none",
    "warning_stream": False,
    "line_length_limit": 100_000,
}
_TARGET = re.compile(r"^(.*\S)\s*<[^<>]*>$", re.DOTALL)
_CODE = frozenset({"literal_block", "doctest_block", "math_block"})
_LEFT_OUT = frozenset(
    "comment system_message substitution_definition target pending image raw footnote_reference "
    "problematic meta index".split()
)


def read_rst(text: str) -> Content:
    """What a reStructuredText file says."""
    from docutils.core import publish_doctree

    _prepare()
    told, body = parted(text)
    tree = publish_doctree(body, settings_overrides=SETTINGS)
    fields: dict[str, Any] = {}
    blocks: list[Block] = []
    _gather(tree, blocks, fields)
    return Content([one for one in blocks if one.text.strip()], {**fields, **told})


def _gather(tree: nodes.document, blocks: list[Block], fields: dict[str, Any]) -> None:
    """The blocks of a tree, by a stack of our own: trees may be deep."""
    from docutils import nodes

    stack: list[tuple[nodes.Node, int, str]] = [(tree, 0, "")]
    while stack:
        node, level, begins = stack.pop()
        kind = type(node).__name__
        if kind in _LEFT_OUT:
            continue
        if kind == "docinfo":
            fields |= _fields(node)
        elif kind == "title":
            blocks.append(Block("heading", _plain(node), max(level, 1)))
        elif kind in _CODE:
            classes = [name for name in node.get("classes", ()) if name != "code"]
            blocks.append(Block("code", fenced(node.astext(), classes[0] if classes else "")))
        elif kind == "table":
            rows = [
                [_plain(entry) for entry in row.findall(nodes.entry)]
                for row in node.findall(nodes.row)
            ]
            blocks.append(Block("table", table_of(rows)))
        elif isinstance(node, nodes.TextElement):
            blocks.append(Block("item" if begins else "text", begins + _plain(node)))
        else:
            stack += reversed(_within(node, kind, level, begins))


def _within(
    node: nodes.Node, kind: str, level: int, begins: str
) -> list[tuple[nodes.Node, int, str]]:
    """What is inside of an element, its level of headings, and what its first text begins with."""
    inner = level + 1 if kind == "section" else level
    children = list(node.children)
    if kind == "bullet_list":
        return [(child, inner, "- ") for child in children]
    if kind == "enumerated_list":
        first = int(node.get("start", 1))
        return [(child, inner, f"{number}. ") for number, child in enumerate(children, first)]
    if kind == "field_list":
        return [(child, inner, "- ") for child in children]
    return [(child, inner, begins if at == 0 else "") for at, child in enumerate(children)]


def _fields(docinfo: Any) -> dict[str, Any]:
    """The fields at a file's beginning: `:audience: customer`."""
    found = {}
    for node in docinfo.children:
        if type(node).__name__ == "field":
            name, body = node.children[0].astext(), node.children[1].astext()
        else:
            name, body = type(node).__name__, node.astext()
        found[name.strip().casefold()] = body.strip()
    return found


def _plain(node: Any) -> str:
    return " ".join(node.astext().split())


@cache
def _prepare() -> None:
    """Have docutils take what it does not know for text."""
    from docutils import nodes
    from docutils.parsers.rst import Directive, directives, roles

    class Unknown(Directive):  # type: ignore[misc]  # docutils ships no types
        """A directive of Sphinx, say: its words, and what is inside of it."""

        has_content = True
        optional_arguments = 1
        final_argument_whitespace = True
        option_spec = _AnyOption()

        def run(self) -> list[nodes.Node]:
            if self.name.lower() in _HELD:
                text = "\n".join(self.content)
                return [nodes.literal_block(text, text)] if text else []
            if self.name.lower() in _SILENT:
                return []
            around = nodes.container()
            if self.arguments and self.name.lower() not in _NAMES_FILES:
                around += nodes.paragraph("", self.arguments[0])
            self.state.nested_parse(self.content, self.content_offset, around)
            return list(around.children)

    def any_role(
        _name: str, _raw: str, text: str, _line: int, _inliner: Any, *_: Any, **__: Any
    ) -> tuple[list[nodes.Node], list[Any]]:
        titled = _TARGET.match(text)
        said = titled[1] if titled else text.lstrip("~!")
        return [nodes.inline("", said)], []

    known_directive, known_role = directives.directive, roles.role

    def directive(name: str, language: Any, document: Any) -> tuple[Any, list[Any]]:
        if name.lower() in _SILENT or name.lower() in _HELD:
            return Unknown, []
        found, messages = known_directive(name, language, document)
        return (found, messages) if found is not None else (Unknown, [])

    def role(name: str, language: Any, line: int, reporter: Any) -> tuple[Any, list[Any]]:
        found, messages = known_role(name, language, line, reporter)
        return (found, messages) if found is not None else (any_role, [])

    directives.directive = directive
    roles.role = role


class _AnyOption(dict[str, Any]):
    """Options of any names."""

    def __getitem__(self, name: str) -> Any:
        return str

    def __contains__(self, name: object) -> bool:
        return True

    def __bool__(self) -> bool:
        return True


_HELD = frozenset("code-block sourcecode highlight-block prompt".split())
"""Directives that hold code."""
_SILENT = frozenset(
    "toctree include literalinclude raw csv-table-file image figure graphviz index contents "
    "currentmodule module highlight automodule autoclass autofunction automethod".split()
)
_NAMES_FILES = frozenset({"download", "only", "ifconfig", "tabularcolumns", "deprecated-removed"})
