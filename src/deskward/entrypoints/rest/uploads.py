"""Uploading files, to be attached to mails."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Request, UploadFile
from pydantic import WithJsonSchema

from deskward.core.database import Database
from deskward.core.errors import InvalidInput
from deskward.entrypoints.identity import Callers
from deskward.entrypoints.openapi import error_responses
from deskward.files import service as files
from deskward.files.models import StoredFile

UPLOADS = "/api/v1/files"

UNTYPED = "application/octet-stream"

BODY = {
    "content": {
        "multipart/form-data": {
            "encoding": {
                "file": {
                    "contentType": UNTYPED,
                    "headers": {
                        "Content-Disposition": {
                            "description": "Has the file's name, whose ending says its type: "
                            f"{', '.join(sorted(files.TYPES))}.",
                            "schema": {"type": "string"},
                            "example": 'form-data; name="file"; filename="notes.txt"',
                        }
                    },
                }
            }
        }
    }
}
"""What FastAPI does not say of an upload's body."""


BYTES = {"type": "string", "format": "binary", "contentMediaType": UNTYPED, "minLength": 1}
"""The schema of a file. Only `format` tells older readers that it is bytes, and no text of JSON."""


def uploads_router(callers: Callers, database: Database, most: int) -> APIRouter:
    """The endpoint of uploads."""
    router = APIRouter(
        tags=["files"],
        responses=error_responses(400, 401, 403, 405, 413, 415, 429, 500, 503),
    )

    @router.post(UPLOADS, openapi_extra={"requestBody": BODY})
    async def upload_file(
        request: Request, file: Annotated[UploadFile, File(), WithJsonSchema(BYTES)]
    ) -> StoredFile:
        """Upload a file (`multipart/form-data`). Only who uploaded it can use it."""
        principal = await callers.identify(request.headers)
        if len((await request.form()).getlist("file")) > 1:
            raise InvalidInput("Send one file at a time.")
        data = await file.read()
        async with database.transaction() as transaction:
            return await files.store(
                transaction,
                principal.tenant,
                principal.label,
                file.filename or "",
                data,
                max_size=most,
            )

    return router
