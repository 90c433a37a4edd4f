"""What a function answers, of which the simple one of the test's peer gives only small ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from deskward.core.aws_settings import Aws
from deskward.integrations.aws.cloud import MOST_ANSWER, BotoCloud


class Body:
    """A body that is longer than what is told of one."""

    async def __aenter__(self) -> Body:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def iter_chunks(self, size: int) -> AsyncIterator[bytes]:
        for _ in range(MOST_ANSWER // size + 2):
            yield b"x" * size


class Functions:
    """Lambda's client, as far as it is used."""

    def __init__(self) -> None:
        self.runs = 0

    async def invoke(self, **_: Any) -> dict[str, Any]:
        self.runs += 1
        return {"Payload": Body()}


async def test_a_function_that_ran_is_no_error_however_long_its_answer_is() -> None:
    cloud, functions = BotoCloud(Aws()), Functions()
    cloud._clients["lambda"] = functions
    told = await cloud.invoke("counts", {})
    assert functions.runs == 1
    assert told.result.startswith("[an answer of more than")
    assert not told.failed
