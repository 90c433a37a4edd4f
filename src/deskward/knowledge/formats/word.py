"""Word's documents (OOXML), as mammoth turns them into HTML."""

from __future__ import annotations

import io
import zipfile
from typing import Any
from xml.etree import ElementTree

from deskward.core.outside_xml import declares, parsed
from deskward.knowledge.formats.blocks import Broken, Content
from deskward.knowledge.formats.html import read_html

MOST_UNPACKED = 100_000_000
"""Bytes that a document may have once it is unpacked."""
MOST_FILES = 5_000
ENCRYPTED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How an OLE file begins: an old Word document, or an encrypted new one."""

_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name^='Code'] => pre:separator('\\n')
p[style-name='HTML Preformatted'] => pre:separator('\\n')
p[style-name='Source Code'] => pre:separator('\\n')
p[style-name='Heading 7'] => h6:fresh
"""
_CORE = "docProps/core.xml"
_PROPERTIES = {"title": "title", "language": "language", "keywords": "tags", "category": "category"}


def read_word(data: bytes) -> Content:
    """What a Word document says.

    Raises:
        Broken: It is encrypted, damaged, or far larger than it looks.
    """
    if data.startswith(ENCRYPTED):
        raise Broken("it is encrypted, or of Word 97 to 2003: save it as .docx without a password")
    import mammoth

    told = _checked(data)
    try:
        made = mammoth.convert_to_html(
            io.BytesIO(data),
            style_map=_STYLES,
            convert_image=mammoth.images.img_element(lambda _image: {}),
        )
    except (KeyError, ValueError, zipfile.BadZipFile, ElementTree.ParseError, OSError) as error:
        raise Broken(f"it is damaged: {error}"[:200]) from None
    except RecursionError:
        raise Broken("its parts are inside each other too often") from None
    except Exception as error:  # expat's errors, and whatever mammoth stumbles over
        raise Broken(f"it is damaged ({type(error).__name__})") from None
    content = read_html(made.value)
    content.title = str(told.pop("title", ""))
    content.language = str(told.pop("language", ""))
    content.told = told
    return content


def _checked(data: bytes) -> dict[str, Any]:
    """See that an archive is what it seems to be; gives its properties."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if len(parts) > MOST_FILES:
                raise Broken(f"it holds {len(parts):,} files; up to {MOST_FILES:,} are read")
            size = sum(part.file_size for part in parts)
            if size > MOST_UNPACKED:
                raise Broken(
                    f"it unpacks to {size // 1_000_000:,} MB; up to "
                    f"{MOST_UNPACKED // 1_000_000} MB are read"
                )
            if any(part.flag_bits & 1 for part in parts):
                raise Broken("it is encrypted: it opens with a password only")
            if "word/document.xml" not in archive.namelist():
                raise Broken("it is no Word document, though it ends with .docx")
            for part in parts:
                if part.filename.endswith((".xml", ".rels")) and declares(archive.read(part)):
                    raise Broken(f"{part.filename} declares entities, which no Word document does")
            core = archive.read(_CORE) if _CORE in archive.namelist() else b""
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, RuntimeError) as error:
        raise Broken(f"it is damaged: {error}"[:200]) from None
    except Exception as error:
        if isinstance(error, Broken | MemoryError):
            raise
        raise Broken(f"it is damaged ({type(error).__name__})") from None
    return _properties(core)


def _properties(xml: bytes) -> dict[str, Any]:
    if not xml:
        return {}
    try:
        root = parsed(xml)
    except ValueError:
        return {}
    found = {}
    for node in root:
        name = _PROPERTIES.get(node.tag.rpartition("}")[2])
        if name and node.text and node.text.strip():
            found[name] = node.text.strip()
    return found
