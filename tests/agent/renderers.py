"""What programs that render Markdown would fetch or link to, and texts that try to have them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser

import pytest

markdown_it = pytest.importorskip("markdown_it")
pytest.importorskip("linkify_it")
mistune = pytest.importorskip("mistune")
markdown = pytest.importorskip("markdown")

ALLOWED = re.compile(
    r"https?://(?:help\.)?bank\.example\.?(?=[/?#]|\Z)|mailto:alex@mail\.example\Z", re.I
)
_ADDRESSES = {
    *("href", "src", "srcset", "poster", "action", "formaction", "data", "background"),
    *("xlink:href", "cite", "ping", "manifest", "longdesc", "usemap", "style", "content"),
}


REMOVED = re.compile(r"[^/\\]*\[(?:link|address)\b")


def renderers() -> dict[str, Callable[[str], str]]:
    """Renderers that know CommonMark, GFM's autolinks, and extensions of others."""
    gfm = markdown_it.MarkdownIt("gfm-like", {"html": True, "linkify": True})
    plain = markdown_it.MarkdownIt("commonmark")
    many = mistune.create_markdown(
        escape=False, plugins=["url", "strikethrough", "table", "footnotes", "task_lists", "abbr"]
    )
    return {
        "markdown-it, GFM": gfm.render,
        "markdown-it, CommonMark": plain.render,
        "mistune": lambda text: str(many(text)),
        "python-markdown": lambda text: markdown.markdown(
            text, extensions=["extra", "sane_lists", "nl2br"]
        ),
    }


_INERT = {
    "p",
    "em",
    "strong",
    "del",
    "code",
    "pre",
    "ul",
    "ol",
    "li",
    "h1",
    "table",
    "tr",
    "td",
    "th",
}
"""What loads nothing, also where python-markdown's attribute lists give it an address."""


class _Requests(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _INERT:
            self.found += [value or "" for name, value in attrs if name in _ADDRESSES]
        if tag in ("script", "iframe", "img", "style", "form", "object", "embed", "video"):
            self.found.append(f"<{tag}>")


def foreign(rendered: str) -> list[str]:
    """What a page would load or link to that is not allowed."""
    parser = _Requests()
    try:
        parser.feed(rendered)
        parser.close()
    except AssertionError as error:  # a marked section (`<![`) that no page has
        parser.found.append(str(error))
    found = (re.sub(r"[\t\n\r]", "", url.strip()) for url in parser.found)
    return [url for url in found if not ALLOWED.match(url) and not REMOVED.match(url)]


_HOSTS = (
    *("evil.example", "EVIL.example", "ev\u200bil.com", "evil.com", "Evil.Com", "ｅｖｉｌ．ｃｏｍ"),
    *("evil。com", "еvil.com", "xn--evl-pma.com", "evil.рф", "bank.example.evil.com", "evil.com."),
    *(
        "bank.example@evil.com",
        "user:pw@evil.com",
        "evil.com:8443",
        "127.0.0.1",
        "[::1]",
        "localhost",
    ),
    *(
        "bank.example\\@evil.com",
        "bank.example\\.evil.com",
        "evil%2ecom",
        "bаnk.example",
        "evil\u202e.com",
    ),
    *(
        "bank.example",
        "help.bank.example",
        "ba\u00adnk.example",
        "bank.example.",
        "e*v*il.com",
        "evil_.com",
    ),
)
_SCHEMES = (
    *(
        "https://",
        "http://",
        "//",
        "\\\\",
        "/\\",
        "https:",
        "https:/",
        "HTTPS://",
        "https:\\\\",
        "",
    ),
    *("javascript:", "data:text/html,", "ftp://", "www.", "mailto:x@", "mailto:", "x@", "file:///"),
    *(
        "https&colon;//",
        "https&#58;//",
        "&sol;&sol;",
        "ht\ntps://",
        "https://\n",
        "view-source:https://",
    ),
    *(
        "xmpp:x@",
        "sms:",
        "\x01javascript:",
        "java\nscript:",
        "h&#116;tps://",
        "https\\://",
        "blob:https://",
    ),
)
_FORMS = (
    *("{u}", "<{u}>", "[a]({u})", "![a]({u})", "[a](<{u}>)", "![a]( {u} 'x')", '[a]({u} "t")'),
    *(
        "[a]: {u}\n",
        "[a]\n\n[a]: {u}\n",
        "![a][a]\n\n[a]:\n {u}\n",
        "[a][]\n\n[a]: <{u}>\n",
        "> [a]: {u}\n",
    ),
    *(
        "<img src={u}>",
        "<img\nsrc='{u}'>",
        '<a href="{u}">x</a>',
        "<a\nhref={u}>",
        "<b style='background:url({u})'>",
    ),
    *(
        "[![a]({u})](https://bank.example/)",
        "[a](https://bank.example/ '{u}')",
        "`{u}`",
        "```\n{u}\n```\n",
    ),
    *(
        "\\[a]({u})",
        "[a\\]({u})",
        "[a]\\({u})",
        "!\\[a]({u})",
        "[a\nb]({u})",
        "[a](\n{u}\n)",
        "*[a]({u})*",
    ),
    *(
        "&lt;img src={u}&gt;",
        "&#60;img src={u}&#62;",
        "&amp;lt;img src={u}&amp;gt;",
        "\\<img src={u}\\>",
    ),
    *(
        "| a |\n|---|\n| {u} |\n",
        "- {u}\n",
        "1. [a]({u})\n",
        "# {u}\n",
        "    {u}\n",
        "_{u}_",
        "~~{u}~~",
        "({u})",
    ),
    *(
        "https://bank.example/?u={u}",
        "https://bank.example/{u}",
        "https://bank.example,{u}",
        "x{u}",
        "é{u}",
    ),
    *(
        "https://bank.example/_{u}_",
        "[{u}](https://bank.example/a)",
        "[a]({u})(https://bank.example/)",
        "[^1]: {u}\n",
    ),
    *(
        "*[a]: {u}\n",
        "[a]{{: href='{u}' }}",
        "{{: src={u} }}",
        "<{u}|a>",
        "<!-- --><img src={u}>",
        "<![CDATA[{u}]]>",
    ),
    *(
        "$$\n{u}\n$$",
        "[[{u}]]",
        "![[{u}]]",
        "<?x {u}?>",
        "<svg/onload=fetch('{u}')>",
        "[a] ({u})",
        "[a] [{u}]",
    ),
)
_BETWEEN = (
    " ",
    "\n",
    "\n\n",
    ". ",
    "",
    "!",
    "\\",
    "&",
    "<",
    "[",
    "](",
    "`",
    "*",
    "_",
    "\u200b",
    "。",
    ": ",
    "@",
    "\t",
)


def hostile_texts(seed: int, count: int) -> Iterator[str]:
    """Texts that carry foreign addresses in every form that one of the renderers knows."""
    rng = random.Random(seed)
    for _ in range(count):
        parts = []
        for _ in range(rng.randint(1, 4)):
            url = (
                rng.choice(_SCHEMES)
                + rng.choice(_HOSTS)
                + rng.choice(("", "/x?d=5420", "#a", "/(x)"))
            )
            parts.append(rng.choice(_FORMS).format(u=url))
            parts.append(rng.choice(_BETWEEN))
        text = "".join(parts)
        for _ in range(rng.choice((0, 0, 0, 1, 2))):
            text = _bent(rng, text)
        yield text


def _bent(rng: random.Random, text: str) -> str:
    """A text with a character in it changed, doubled, dropped, hidden or written as an entity."""
    at = rng.randrange(len(text))
    char = text[at]
    new = rng.choice(
        (
            "",
            char * 2,
            f"&#{ord(char)};",
            f"\\{char}",
            f"{char}\u200d",
            f"{char}\n",
            f"&amp;#{ord(char)};",
            rng.choice(_BETWEEN),
            f"*{char}*",
            f"{char}<b>",
            f"`{char}`",
            f"%{ord(char) % 256:02x}",
        )
    )
    return text[:at] + new + text[at + 1 :]


def pieces(seed: int, text: str) -> list[str]:
    """The text cut at random places."""
    rng = random.Random(seed)
    cuts = sorted(rng.randrange(len(text) + 1) for _ in range(rng.randint(0, 12)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
