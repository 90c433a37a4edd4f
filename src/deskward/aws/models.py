"""What is asked and answered about AWS."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from deskward.core.written import Ours, Written
from deskward.files.models import FileId

Bucket = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        description="Name of a bucket of S3.",
        examples=["customer-documents"],
    ),
]
Key = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1_000,
        description="Key of an object.",
        examples=["tickets/ticket-12345.pdf"],
    ),
]
FunctionName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Name of a function of Lambda.",
        examples=["process-customer-feedback"],
    ),
]
ParameterName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_./-]{1,1000}$",
        description="Name of a parameter of the Parameter Store.",
        examples=["/support/opening-hours"],
    ),
]
ContentType = Annotated[
    str, Field(pattern=r"^[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,80}(; ?charset=[a-zA-Z0-9-]{1,20})?$")
]
Theirs = Written(by="outside")
"""Whoever fills buckets and parameters, and what functions answer."""


class Uploaded(BaseModel):
    """The receipt of an upload."""

    bucket: Bucket
    key: Annotated[str, Written(by="requester")]
    size: int = Field(description="In bytes.")
    message: Ours


class Downloaded(BaseModel):
    """An object that is now a file of the caller's."""

    bucket: Bucket
    key: Annotated[str, Theirs]
    file_id: FileId
    name: Annotated[str, Theirs]
    content_type: Annotated[str, Theirs]
    size: int = Field(description="In bytes.")


class Link(BaseModel):
    """A link by which whoever has it can get an object, without signing in."""

    bucket: Bucket
    key: Annotated[str, Written(by="requester")]
    url: Annotated[str, Theirs]
    minutes: int = Field(description="How long it works.")


class Object(BaseModel):
    """An object of a bucket."""

    key: Annotated[str, Theirs]
    size: int = Field(description="In bytes.")
    changed_at: datetime | None


class Objects(BaseModel):
    """A page of a bucket's objects."""

    bucket: Bucket
    objects: list[Object]
    next_page: Annotated[str | None, Theirs] = Field(
        description="To be given as `page` for the objects after these; null: there are none."
    )


class Deleted(BaseModel):
    """The receipt of a deletion."""

    bucket: Bucket
    key: Annotated[str, Written(by="requester")]
    message: Ours


class Invoked(BaseModel):
    """What a function has answered."""

    function_name: FunctionName
    failed: bool = Field(description="Whether it ended in an error, which `result` then tells.")
    result: Annotated[Any, Theirs] = Field(description="A value of JSON, or a text.")


class ParameterValue(BaseModel):
    """A parameter's value."""

    name: ParameterName
    value: Annotated[str, Theirs]
    version: int


class Names(BaseModel):
    """What there is, of what the tenant may use."""

    names: list[Annotated[str, Theirs]]
    allowed: list[Ours] = Field(description="What the operator lists for the tenant.")
