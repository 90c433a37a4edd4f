"""The port to AWS, and what of it each tenant may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from deskward.aws.models import Invoked, Objects, ParameterValue
from deskward.core.allowed import Allowed


@dataclass(frozen=True)
class Got:
    """An object of S3."""

    data: bytes
    content_type: str


class Cloud(Protocol):
    """Speaks to AWS. All of it ends within the operator's time.

    Its errors are `core.errors`: `OutcomeUnknown` where an effect may have happened, `Unavailable`
    where surely none did.
    """

    async def put(
        self, bucket: str, key: str, data: bytes, content_type: str, *, replace: bool
    ) -> None:
        """Keep an object; one that is there already only where it may be replaced."""
        ...

    async def get(self, bucket: str, key: str, *, most: int) -> Got:
        """An object, of so many bytes at the most."""
        ...

    async def link(self, bucket: str, key: str, seconds: int) -> str:
        """An address by which anybody gets an object for a while."""
        ...

    async def objects(self, bucket: str, prefix: str, page: str | None, most: int) -> Objects:
        """A page of a bucket's objects."""
        ...

    async def delete(self, bucket: str, key: str) -> None:
        """Delete an object."""
        ...

    async def invoke(self, name: str, payload: Mapping[str, Any]) -> Invoked:
        """Have a function run, once, and wait for its answer."""
        ...

    async def parameter(self, name: str) -> ParameterValue:
        """A parameter that is no secret."""
        ...

    async def buckets(self) -> list[str]:
        """The names of all buckets."""
        ...

    async def functions(self) -> list[str]:
        """The names of all functions."""
        ...

    async def parameters(self) -> list[str]:
        """The names of all parameters that are no secrets."""
        ...


@dataclass(frozen=True)
class Aws:
    """AWS, as far as the operator lets tenants use it."""

    cloud: Cloud
    buckets: Allowed
    functions: Allowed
    parameters: Allowed
