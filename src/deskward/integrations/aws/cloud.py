"""AWS by aiobotocore: one client a service, opened when a tool asks for the first time.

Requests are made once: botocore's own repetitions could have a function run twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any

from pydantic_core import to_json

from deskward.aws.cloud import Got
from deskward.aws.models import Invoked, Object, Objects, ParameterValue
from deskward.core.aws_settings import Aws as AwsSettings
from deskward.core.errors import Forbidden, TooLarge
from deskward.core.foreign_json import read_json

MOST_NAMES = 1_000
"""Names of one listing."""
MOST_ANSWER = 1_000_000
"""Bytes of a function's answer."""


class BotoCloud:
    """See `aws.cloud.Cloud`."""

    def __init__(self, told: AwsSettings) -> None:
        self._told = told
        self._stack = contextlib.AsyncExitStack()
        self._clients: dict[str, Any] = {}
        self._opening = asyncio.Lock()

    async def aclose(self) -> None:
        """Close what is open."""
        self._clients.clear()
        await self._stack.aclose()

    async def put(
        self, bucket: str, key: str, data: bytes, content_type: str, *, replace: bool
    ) -> None:
        """See `Cloud`."""
        condition = {} if replace else {"IfNoneMatch": "*"}
        async with self._asking("s3", f"{bucket}/{key}", acts=True) as s3:
            await s3.put_object(
                Bucket=bucket, Key=key, Body=data, ContentType=content_type, **condition
            )

    async def get(self, bucket: str, key: str, *, most: int) -> Got:
        """See `Cloud`."""
        async with self._asking("s3", f"{bucket}/{key}") as s3:
            found = await s3.get_object(Bucket=bucket, Key=key)
            async with found["Body"] as body:
                data = await _at_most(body, most)
            return Got(data, str(found.get("ContentType", "")))

    async def link(self, bucket: str, key: str, seconds: int) -> str:
        """See `Cloud`."""
        async with self._asking("s3", f"{bucket}/{key}") as s3:
            await s3.head_object(Bucket=bucket, Key=key)
            asked = {"Bucket": bucket, "Key": key}
            url: str = await s3.generate_presigned_url("get_object", asked, ExpiresIn=seconds)
            return url

    async def objects(self, bucket: str, prefix: str, page: str | None, most: int) -> Objects:
        """See `Cloud`."""
        asked: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": most}
        if page is not None:
            asked["ContinuationToken"] = page
        async with self._asking("s3", bucket) as s3:
            found = await s3.list_objects_v2(**asked)
        return Objects(
            bucket=bucket,
            objects=[
                Object(key=one["Key"], size=one["Size"], changed_at=one.get("LastModified"))
                for one in found.get("Contents", ())
            ],
            next_page=found.get("NextContinuationToken"),
        )

    async def delete(self, bucket: str, key: str) -> None:
        """See `Cloud`."""
        async with self._asking("s3", f"{bucket}/{key}", acts=True) as s3:
            await s3.delete_object(Bucket=bucket, Key=key)

    async def invoke(self, name: str, payload: Mapping[str, Any]) -> Invoked:
        """See `Cloud`."""
        async with self._asking("lambda", name, acts=True) as client:
            found = await client.invoke(FunctionName=name, Payload=to_json(payload))
            async with found["Payload"] as body:
                try:
                    result = _told(await _at_most(body, MOST_ANSWER))
                except TooLarge:  # it ran: an error would have it run once more
                    result = f"[an answer of more than {MOST_ANSWER:,} bytes, too large to tell]"
        failed = found.get("FunctionError") is not None
        return Invoked(function_name=name, failed=failed, result=result)

    async def parameter(self, name: str) -> ParameterValue:
        """See `Cloud`."""
        async with self._asking("ssm", name) as ssm:
            found = (await ssm.get_parameter(Name=name, WithDecryption=False))["Parameter"]
        if found["Type"] == "SecureString":
            raise Forbidden(f"The parameter {name!r} is a secret, which is told to nobody here.")
        return ParameterValue(name=name, value=found["Value"], version=found["Version"])

    async def buckets(self) -> list[str]:
        """See `Cloud`."""
        async with self._asking("s3", "") as s3:
            found = await s3.list_buckets()
        return [one["Name"] for one in found["Buckets"][:MOST_NAMES]]

    async def functions(self) -> list[str]:
        """See `Cloud`."""
        return await self._names("lambda", "list_functions", "Functions", "FunctionName")

    async def parameters(self) -> list[str]:
        """See `Cloud`."""
        open_ones = {"Key": "Type", "Option": "Equals", "Values": ["String", "StringList"]}
        asked = {"ParameterFilters": [open_ones]}
        return await self._names("ssm", "describe_parameters", "Parameters", "Name", **asked)

    async def _names(
        self, service: str, operation: str, listed: str, name: str, **asked: Any
    ) -> list[str]:
        found: list[str] = []
        async with self._asking(service, "") as client:
            async for page in client.get_paginator(operation).paginate(**asked):
                found += [one[name] for one in page[listed]]
                if len(found) >= MOST_NAMES:
                    break
        return found

    @contextlib.asynccontextmanager
    async def _asking(self, service: str, what: str, *, acts: bool = False) -> AsyncIterator[Any]:
        """A client, for one thing. What goes wrong in the block is told in our words.

        Args:
            what: What is asked for or done to.
            acts: Whether it changes anything there.
        """
        client = await self._client(service)
        from deskward.integrations.aws.faults import told

        # The library's own limits are for each step; this one is for all of them.
        try:
            async with asyncio.timeout(2 * self._told.timeout):
                yield client
        except Exception as error:
            raise told(error, what, acts=acts, seconds=self._told.timeout) from None

    async def _client(self, service: str) -> Any:
        async with self._opening:
            if service not in self._clients:
                made = await asyncio.to_thread(_made, self._told, service)
                self._clients[service] = await self._stack.enter_async_context(made)
        return self._clients[service]


def _made(told: AwsSettings, service: str) -> Any:
    """A client, as a context. Blocks: the libraries, and what they know of a service, are large."""
    from aiobotocore.config import AioConfig
    from aiobotocore.session import AioSession

    session = AioSession()
    for variable in ("config_file", "credentials_file"):  # the settings alone say how
        session.set_config_variable(variable, os.devnull)
    assert told.secret_access_key is not None
    return session.create_client(
        service,
        region_name=told.default_region,
        endpoint_url=told.endpoint_url,
        aws_access_key_id=told.access_key_id,
        aws_secret_access_key=told.secret_access_key.get_secret_value(),
        aws_session_token=told.session_token.get_secret_value() if told.session_token else None,
        config=AioConfig(
            connect_timeout=told.timeout,
            read_timeout=told.timeout,
            retries={"total_max_attempts": 1},
            signature_version="s3v4" if service == "s3" else None,
            s3={"addressing_style": "path" if told.endpoint_url else "virtual"},
        ),
    )


async def _at_most(body: Any, most: int) -> bytes:
    data = bytearray()
    async for piece in body.iter_chunks(65_536):
        data += piece
        if len(data) > most:
            raise TooLarge(f"It has more than {most:,} bytes, which is the most that is taken.")
    return bytes(data)


def _told(answer: bytes) -> Any:
    try:
        return read_json(answer)
    except ValueError:
        return answer.decode(errors="replace").replace("\0", "")
