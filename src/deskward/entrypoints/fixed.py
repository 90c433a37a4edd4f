"""Answers that are the same for everybody: compressed once, with a tag to ask by."""

from __future__ import annotations

import gzip
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

from deskward.entrypoints.bodies import accepts_gzip


class FixedAnswer:
    """A document that holds no secret, so that its length may tell what it is."""

    def __init__(self, body: bytes, media_type: str | None, **headers: str) -> None:
        """Prepare the answer.

        Args:
            body: The document.
            media_type: What it is.
            headers: Further headers, with underscores for dashes.
        """
        self._body = body
        self._compressed = gzip.compress(body, mtime=0)
        self._media_type = media_type
        # Weak: the same tag is told of both forms.
        self._headers = {
            "ETag": f'W/"{sha256(body).hexdigest()[:32]}"',
            "Vary": "Accept-Encoding",
            "Cache-Control": "no-cache",  # to be kept, and asked for by its tag
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }

    def answer(self, request: Request) -> Response:
        """Return the document, or 304 to a client that has it (RFC 9110, section 13.1.2)."""
        known = {tag.strip() for tag in request.headers.get("if-none-match", "").split(",")}
        tag = self._headers["ETag"]
        if known & {tag, tag.removeprefix("W/"), "*"}:
            return Response(status_code=304, headers=self._headers)
        if len(self._compressed) < len(self._body) and accepts_gzip(request.headers):
            headers = {**self._headers, "Content-Encoding": "gzip"}
            return Response(self._compressed, media_type=self._media_type, headers=headers)
        return Response(self._body, media_type=self._media_type, headers=self._headers)
