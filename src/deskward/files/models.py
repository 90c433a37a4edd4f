"""Files: the table, and what is shown of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import sqlalchemy as sa
from pydantic import BaseModel, Field

from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL, LABEL, TEXT, VALUE
from deskward.core.written import Written

FileId = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{32}$",
        description="Id of a file that was uploaded, or made by a tool.",
        examples=["4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b"],
    ),
]

files = sa.Table(
    "files",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("owner", sa.String(80), nullable=False, info=LABEL),
    sa.Column("name", sa.String(200), nullable=False, info=TEXT),
    sa.Column("content_type", sa.String(100), nullable=False, info=IMPERSONAL),
    sa.Column("content", sa.LargeBinary, nullable=False, info=VALUE),
    sa.Column("created_at", UtcDateTime, nullable=False),
)


class StoredFile(BaseModel):
    """A file without its content."""

    file_id: FileId
    name: Annotated[str, Written(by="customer")] = Field(examples=["invoice.pdf"])
    content_type: Annotated[str, Written(by="customer")] = Field(examples=["application/pdf"])
    size: int = Field(description="In bytes.", examples=[20480])
    created_at: datetime
