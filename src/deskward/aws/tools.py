"""The tools of AWS."""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import Field

from deskward.aws.cloud import Aws
from deskward.aws.models import (
    Bucket,
    ContentType,
    Deleted,
    Downloaded,
    FunctionName,
    Invoked,
    Key,
    Link,
    Names,
    Objects,
    ParameterName,
    ParameterValue,
    Uploaded,
)
from deskward.core.errors import InvalidInput
from deskward.core.paging import Limit
from deskward.files import service as files
from deskward.files.models import FileId
from deskward.files.tools import FileRules
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.reconcile import Reconcile
from deskward.gate.resources import Resource
from deskward.gate.tool import Risk, ToolGroup

tools = ToolGroup("aws")
_JSON = "application/json"


@tools.tool(scope="aws:store", risk=Risk.OUTSIDE, rest="PUT /aws/s3/{bucket}/objects")
async def s3_upload_file(
    ctx: Context,
    bucket: Bucket,
    key: Key,
    file_id: FileId | None = None,
    content: Annotated[str, Field(max_length=2_000_000)] | None = None,
    encoding: Literal["text", "base64"] = "text",
    content_type: ContentType | None = None,
    replace: bool = False,
) -> Uploaded:
    """Upload a file to S3: one that the caller keeps at the desk, or a content.

    Args:
        bucket: The bucket.
        key: The key that it gets.
        file_id: A file of the caller's.
        content: What is uploaded, in its place.
        encoding: Whether `content` is a text, or bytes in base64.
        content_type: Its media type. Default: the file's, or plain text.
        replace: Whether an object that has this key already is replaced.
    """
    aws = ctx.port(Aws)
    aws.buckets.check(ctx.tenant, "bucket", bucket)
    if (file_id is None) == (content is None):
        raise InvalidInput("Say `file_id`, a file at the desk, or `content`, and not both.")
    if file_id is not None:
        kept = ctx.port(FileRules).kept
        (found,) = await files.load(ctx.db, ctx.tenant, ctx.principal.label, [file_id], kept=kept)
        data, usual = found.data, found.content_type
    else:
        assert content is not None
        data = _bytes_of(content) if encoding == "base64" else content.encode()
        usual = "application/octet-stream" if encoding == "base64" else "text/plain; charset=utf-8"
    await aws.cloud.put(bucket, key, data, content_type or usual, replace=replace)
    return Uploaded(bucket=bucket, key=key, size=len(data), message="It was uploaded.")


@tools.tool(
    scope="aws:fetch", risk=Risk.WRITE, rest="POST /aws/s3/{bucket}/downloads", composed=True
)
async def s3_download_file(ctx: Context, bucket: Bucket, key: Key) -> Downloaded:
    """Download an object of S3 into a file at the desk, which is then the caller's.

    Args:
        bucket: The bucket.
        key: The object.
    """
    aws = ctx.port(Aws)
    aws.buckets.check(ctx.tenant, "bucket", bucket)
    got = await aws.cloud.get(bucket, key, most=ctx.port(FileRules).largest)
    asked = {"name": PurePosixPath(key).name, "sha256": hashlib.sha256(got.data).hexdigest()}
    kept = await ctx.port(Gate).act("upload_file", asked, ctx.completed(carried=got.data))
    if kept.error is not None:
        raise kept.error
    told = kept.value
    return Downloaded(
        bucket=bucket,
        key=key,
        file_id=told["file_id"],
        name=told["name"],
        content_type=told["content_type"],
        size=told["size"],
    )


@tools.tool(scope="aws:share", risk=Risk.READ, rest="POST /aws/s3/{bucket}/links")
async def s3_link_object(
    ctx: Context, bucket: Bucket, key: Key, minutes: Annotated[int, Field(ge=1, le=60)] = 15
) -> Link:
    """Make a link by which anybody who has it can get an object of S3 for some minutes.

    Args:
        bucket: The bucket.
        key: The object.
        minutes: How long it works.
    """
    aws = ctx.port(Aws)
    aws.buckets.check(ctx.tenant, "bucket", bucket)
    url = await aws.cloud.link(bucket, key, minutes * 60)
    return Link(bucket=bucket, key=key, url=url, minutes=minutes)


@tools.tool(scope="aws:read", risk=Risk.READ, rest="GET /aws/s3/{bucket}/objects")
async def s3_list_objects(
    ctx: Context,
    bucket: Bucket,
    prefix: Annotated[str, Field(max_length=1_000)] = "",
    page: Annotated[str, Field(max_length=2_000)] | None = None,
    limit: Limit = 20,
) -> Objects:
    """List the objects of a bucket.

    Args:
        bucket: The bucket.
        prefix: Only those whose key begins so.
        page: `next_page` of the page before.
        limit: How many to list at the most.
    """
    aws = ctx.port(Aws)
    aws.buckets.check(ctx.tenant, "bucket", bucket)
    return await aws.cloud.objects(bucket, prefix, page, limit)


_IS_THERE = "answer.objects.exists(o, o.key == call.arguments.key)"


@tools.tool(
    scope="aws:delete",
    risk=Risk.OUTSIDE,
    rest="DELETE /aws/s3/{bucket}/objects",
    reconcile=Reconcile.declared(
        tool="s3_list_objects",
        ask={"bucket": "call.arguments.bucket", "prefix": "call.arguments.key"},
        done=f"!{_IS_THERE}",
        not_done=_IS_THERE,
    ),
)
async def s3_delete_object(ctx: Context, bucket: Bucket, key: Key) -> Deleted:
    """Delete an object of S3.

    Args:
        bucket: The bucket.
        key: The object.
    """
    aws = ctx.port(Aws)
    aws.buckets.check(ctx.tenant, "bucket", bucket)
    await aws.cloud.delete(bucket, key)
    return Deleted(bucket=bucket, key=key, message="It is not there any more.")


@tools.tool(scope="aws:invoke", risk=Risk.OUTSIDE, rest="POST /aws/lambda/{function_name}")
async def lambda_invoke(
    ctx: Context, function_name: FunctionName, payload: dict[str, Any] | None = None
) -> Invoked:
    """Have a function of Lambda run, once, and tell what it answers.

    Args:
        function_name: The function.
        payload: What it is given.
    """
    aws = ctx.port(Aws)
    aws.functions.check(ctx.tenant, "function", function_name)
    return await aws.cloud.invoke(function_name, payload or {})


@tools.tool(scope="aws:read", risk=Risk.READ, rest="GET /aws/ssm/parameter")
async def get_parameter_store_value(ctx: Context, name: ParameterName) -> ParameterValue:
    """Tell the value of a parameter of the Parameter Store, if it is no secret.

    Args:
        name: The parameter.
    """
    aws = ctx.port(Aws)
    aws.parameters.check(ctx.tenant, "parameter", name)
    return await aws.cloud.parameter(name)


@tools.tool(
    scope="aws:read",
    risk=Risk.READ,
    rest="GET /aws/s3",
    resource=Resource("aws://s3/buckets", name="buckets", mime_type=_JSON),
)
async def list_buckets(ctx: Context) -> Names:
    """List the buckets of S3 that may be used here."""
    aws = ctx.port(Aws)
    found = aws.buckets.among(ctx.tenant, await aws.cloud.buckets())
    return Names(names=found, allowed=list(aws.buckets.of(ctx.tenant)))


@tools.tool(
    scope="aws:read",
    risk=Risk.READ,
    rest="GET /aws/lambda",
    resource=Resource("aws://lambda/functions", name="functions", mime_type=_JSON),
)
async def list_functions(ctx: Context) -> Names:
    """List the functions of Lambda that may be invoked here."""
    aws = ctx.port(Aws)
    found = aws.functions.among(ctx.tenant, await aws.cloud.functions())
    return Names(names=found, allowed=list(aws.functions.of(ctx.tenant)))


@tools.tool(
    scope="aws:read",
    risk=Risk.READ,
    rest="GET /aws/ssm",
    resource=Resource("aws://ssm/parameters", name="parameters", mime_type=_JSON),
)
async def list_parameters(ctx: Context) -> Names:
    """List the parameters of the Parameter Store that may be read here, without secret ones."""
    aws = ctx.port(Aws)
    found = aws.parameters.among(ctx.tenant, await aws.cloud.parameters())
    return Names(names=found, allowed=list(aws.parameters.of(ctx.tenant)))


def _bytes_of(content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput("`content` is not base64, though `encoding` says so.") from None
