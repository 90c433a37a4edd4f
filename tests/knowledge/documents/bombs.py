"""Forty files that are broken, hostile, or not what they seem, and what is said of each."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

GB = 1_000_000_000
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504
_W = b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
_TYPES = (
    b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    b'<Default Extension="xml" ContentType="application/xml"/></Types>'
)


def docx(**parts: bytes) -> bytes:
    """A Word document of these parts; `document` is its text's XML."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        for name, data in parts.items():
            archive.writestr(f"word/{name}.xml", data)
    return made.getvalue()


def word(body: bytes) -> bytes:
    """A document's XML with this body."""
    return _W + b"<w:body>" + body + b"</w:body></w:document>"


def pdf(content: bytes = b"", trailer: bytes = b"", extra: bytes = b"") -> bytes:
    """A PDF of one page with a content stream as it is given."""
    stream = b"<</Length %d%s>>stream\n%s\nendstream" % (len(content), extra, content)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>",
        stream,
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    made, places = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    made += b"".join(b"%010d 00000 n \n" % place for place in places)
    made += b"trailer<</Size %d/Root 1 0 R%s>>\n" % (len(objects) + 1, trailer)
    return made + b"startxref\n%d\n%%%%EOF" % table


def _crc_is_wrong() -> bytes:
    data = bytearray(docx(document=word(b"<w:p><w:r><w:t>hello</w:t></w:r></w:p>")))
    at = data.rfind(b"PK\x01\x02")
    data[at + 16 : at + 20] = b"\x01\x02\x03\x04"
    return bytes(data)


_LOCKED = b"/Encrypt<</Filter/Standard/V 1/R 2/Length 40/P -4/O<%s>/U<%s>>>/ID[<00><00>]" % (
    b"41" * 32,
    b"42" * 32,
)
_EXPANDS = "\n".join(
    [f".. |s{n}| replace:: " + f"|s{n + 1}| " * 9 for n in range(12)] + [".. |s12| replace:: x"]
)


def _inflates() -> bytes:
    flat = zlib.compress(zlib.compress(b"0 " * 60_000_000, 9), 9)
    return pdf(flat, extra=b"/Filter[/FlateDecode/FlateDecode]")


FILES: dict[str, tuple[bytes | Callable[[], bytes], str]] = {
    "locked.pdf": (pdf(trailer=_LOCKED), "encrypted"),
    "cut.pdf": (pdf(b"BT /F1 12 Tf (hello) Tj ET")[:300], ""),
    "garbage.pdf": (b"%PDF-1.4\n" + b"\xde\xad" * 500, "damaged"),
    "pictures.pdf": (pdf(b"0 0 m 10 10 l S"), "has no text"),
    "inflates.pdf": (_inflates, ""),
    "text.pdf": (b"Just a text.", "its content is none"),
    "html.pdf": (b"<html>hello</html>", "its content is none"),
    "zipbomb.docx": (lambda: docx(document=b"0" * 300_000_000), "unpacks to 300 MB"),
    "entities.docx": (docx(document=b'<!DOCTYPE x [<!ENTITY a "aaa">]><x>&a;</x>'), "entities"),
    "wide.docx": (docx(document=b"\xff\xfe" + "<!DOCTYPE x><x/>".encode("utf-16-le")), "entities"),
    "nothing.docx": (docx(other=b"<x/>"), "no Word document"),
    "locked.docx": (OLE, "encrypted"),
    "cut.docx": (docx(document=word(b""))[:150], "damaged"),
    "crc.docx": (_crc_is_wrong, "damaged"),
    "notxml.docx": (docx(document=b"<w:document"), "damaged"),
    "deep.docx": (lambda: docx(document=word(b"<w:p>" * 90_000 + b"</w:p>" * 90_000)), ""),
    "many.docx": (lambda: docx(**{f"p{n}": b"" for n in range(6_000)}), "6,001 files"),
    "empty.docx": (docx(document=word(b"<w:p/>")), "holds no text"),
    "plain.docx": (b"Just a text.", "its content is none"),
    "latin1.md": ("# Café".encode("latin-1"), "not valid UTF-8: byte 6"),
    "pdf.md": (pdf(), "its content is PDF"),
    "zip.md": (docx(document=word(b"")), "its content is an archive"),
    "aliases.md": (b"---\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n---\n# T\n\nx", "aliases"),
    "badyaml.md": (b"---\ntitle: [unclosed\n---\n# T\n\nx", "no YAML"),
    "badtoml.md": (b"+++\ntitle = \n+++\n# T\n\nx", "no TOML"),
    "empty.md": (b"", "empty"),
    "headings.md": (b"# One\n\n## Two\n", "holds no text"),
    "many.md": (lambda: b"# h\n\ntext\n\n" * 2_500_000, ""),
    "quotes.md": (lambda: b">" * 5_000_000 + b"x", ""),
    "nul.txt": (b"a\0b", "NUL"),
    "utf16.txt": (b"\xff\xfea\0\x00\xd8", "not valid UTF-16"),
    "blank.txt": (b" \n\t\n ", "empty"),
    "page.txt": (b"<!doctype html><p>x", "its content is HTML"),
    "script.html": (b"<script>alert(1)</script><style>b{}</style>", "holds no text"),
    "comment.html": (b"<!-- nothing -->", "holds no text"),
    "deep.html": (lambda: b"<div>" * 3_000_000 + b"x", ""),
    "charset.html": (b"<meta charset=klingon><p>x</p>", "no encoding"),
    "other.html": (b"<meta charset=utf-8><p>\xe9\xe8</p>", "not valid UTF-8"),
    "expands.rst": (f"T\n=\n\n{_EXPANDS}\n\n|s0|\n".encode(), ""),
    "nothing.rst": (b".. raw:: html\n\n   <b>x</b>\n\n.. include:: /etc/passwd\n", "holds no text"),
}
"""Name → its bytes, and a part of the reason; an empty one: any."""


def lay(folder: Path) -> int:
    """Put them into a folder, with four that are no usual files; gives how many they are."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (data, _) in FILES.items():
        (folder / name).write_bytes(data() if callable(data) else data)
    with (folder / "gigabyte.txt").open("wb") as large:
        large.truncate(GB)
    (folder / "out.md").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe.md")
    (folder / os.fsdecode(b"name-\xff.md")).write_bytes(b"# Odd\n\nName.")
    return len(FILES) + 4
