"""The tools of AWS, on a peer that speaks its protocols, and without one."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from deskward.agent.model import Model
from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.features import features_of
from deskward.gate.context import Context
from tests.aws.conftest import KEEPER, PROGRAM, STRANGER, at_aws
from tests.conftest import CUSTOMER, caller, recorded
from tests.demo_file import settings_in
from tests.services.moto import Moto

T = TypeVar("T", bound=Callable[..., object])
NOWHERE = "http://127.0.0.1:9"


def on_a_peer(test: T) -> T:
    """Mark a test that is on moto's server."""
    return pytest.mark.slow(pytest.mark.xdist_group("moto")(test))


async def calling(desk: Desk, tool: str, /, door: Any = "rest", who=PROGRAM, **arguments: Any):
    """A call whose arguments may be called as those of `caller` are."""
    return await desk.gate.call(tool, arguments, Context(who, door))


def test_without_a_key_there_are_no_tools_of_it(tmp_path: Path) -> None:
    plain = settings_in(tmp_path)
    assert "aws" not in {group.name for group in features_of(plain).groups}
    with pytest.raises(ValueError, match="aws_access_key_id"):
        features_of(plain, only="aws")


def test_a_desk_does_not_import_its_library() -> None:
    """Not even one with a key, before a tool asks."""
    code = "import sys, deskward.app; sys.exit(bool({'botocore', 'aiohttp'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


async def test_what_is_not_listed_is_refused_and_nobody_asked(
    sqlite_settings: Settings, offline: Model
) -> None:
    async with open_desk(at_aws(sqlite_settings, NOWHERE), model=offline) as desk:
        for name, arguments, setting in (
            ("s3_upload_file", {"bucket": "others", "key": "k", "content": "x"}, "AWS_BUCKETS"),
            ("s3_download_file", {"bucket": "others", "key": "k"}, "AWS_BUCKETS"),
            ("s3_list_objects", {"bucket": "others"}, "AWS_BUCKETS"),
            ("lambda_invoke", {"function_name": "drop-all"}, "AWS_FUNCTIONS"),
            ("get_parameter_store_value", {"name": "/other/hours"}, "AWS_PARAMETERS"),
        ):
            refused = await calling(desk, name, **arguments)
            assert refused.error.error_code == "FORBIDDEN", name
            assert setting in refused.error.message
            assert "none" in (await calling(desk, name, who=STRANGER, **arguments)).error.message
            denied = await calling(desk, name, who=CUSTOMER, **arguments)
            assert denied.error.error_code == "FORBIDDEN"
        both = {"bucket": "customer-documents", "key": "k"}
        neither = await calling(desk, "s3_upload_file", **both)
        assert neither.error.error_code == "INVALID_INPUT"
        odd = await calling(desk, "s3_upload_file", **both, content="%", encoding="base64")
        assert odd.error.error_code == "INVALID_INPUT"


async def test_a_service_that_is_not_there_is_told(
    sqlite_settings: Settings, offline: Model
) -> None:
    async with open_desk(at_aws(sqlite_settings, NOWHERE), model=offline) as desk:
        at = {"bucket": "customer-documents", "key": "k"}
        for name, arguments in (
            ("s3_upload_file", {**at, "content": "x"}),
            ("s3_download_file", at),
            ("lambda_invoke", {"function_name": "process-1"}),
        ):
            away = await calling(desk, name, **arguments)
            assert away.error.error_code == "UNAVAILABLE", name
            assert "Nothing was done" in away.error.message


@on_a_peer
async def test_objects_go_round(cloud: Moto, sqlite_settings: Settings, offline: Model) -> None:
    async with open_desk(at_aws(sqlite_settings, cloud.url), model=offline) as desk:
        at = {"bucket": "customer-documents", "key": "tickets/ticket-12345.txt"}
        put = await calling(desk, "s3_upload_file", **at, content="Grüß Gott")
        assert put.value["size"] == 11
        again = await calling(desk, "s3_upload_file", **at, content="other")
        assert again.error.error_code == "CONFLICT"
        over = await calling(desk, "s3_upload_file", **at, content="Servus", replace=True)
        assert over.status == "ok"
        got = await calling(desk, "s3_download_file", **at)
        assert got.value["name"] == "ticket-12345.txt"
        assert got.value["size"] == 6
        # What was downloaded is a file of the caller's, which can be uploaded again.
        copy = {**at, "key": "copies/1.txt", "file_id": got.value["file_id"]}
        assert (await calling(desk, "s3_upload_file", **copy)).status == "ok"
        strange = {**copy, "key": "copies/2.txt"}
        foreign = await calling(desk, "s3_upload_file", who=KEEPER, **strange)
        assert foreign.error.error_code == "FILE_NOT_FOUND"
        stored = cloud.client("s3").get_object(Bucket=at["bucket"], Key="copies/1.txt")
        assert stored["Body"].read() == b"Servus"
        assert stored["ContentType"] == "text/plain"
        raw = base64.b64encode(b"%PDF-1\xff").decode()
        packed = {**at, "key": "a.pdf", "content": raw, "encoding": "base64"}
        packed["content_type"] = "application/pdf"
        assert (await calling(desk, "s3_upload_file", **packed)).value["size"] == 7

        listed = await calling(desk, "s3_list_objects", bucket=at["bucket"], limit=2)
        assert [one["key"] for one in listed.value["objects"]] == ["a.pdf", "copies/1.txt"]
        page = listed.value["next_page"]
        rest = await calling(desk, "s3_list_objects", bucket=at["bucket"], page=page)
        assert [one["key"] for one in rest.value["objects"]] == [at["key"]]

        link = await calling(desk, "s3_link_object", who=KEEPER, **at, minutes=5)
        with urllib.request.urlopen(link.value["url"], timeout=30) as answer:
            assert answer.read() == b"Servus"
        modelled = await calling(desk, "s3_link_object", door="mcp", who=KEEPER, **at)
        assert modelled.error.error_code == "FORBIDDEN"
        gone = await calling(desk, "s3_delete_object", who=KEEPER, **at)
        assert gone.status == "ok"
        missing = await calling(desk, "s3_download_file", **at)
        assert missing.error.error_code == "OBJECT_NOT_FOUND"
        rows = {row["tool"] for row in await recorded(desk)}
        assert {"s3_upload_file", "s3_download_file", "upload_file"} <= rows


@on_a_peer
async def test_functions_and_parameters(
    cloud: Moto, sqlite_settings: Settings, offline: Model
) -> None:
    async with open_desk(at_aws(sqlite_settings, cloud.url), model=offline) as desk:
        feedback = {"feedback": "Great service!", "customer_id": "12345"}
        named: dict[str, Any] = {
            "function_name": "process-customer-feedback",
            "payload": feedback,
        }
        ran = await calling(desk, "lambda_invoke", **named)
        assert not ran.value["failed"]
        nothing = await calling(desk, "get_parameter_store_value", name="/support/nothing")
        assert nothing.error.error_code == "OBJECT_NOT_FOUND"
        hours = await calling(desk, "get_parameter_store_value", door="mcp", name="/support/hours")
        assert hours.value["value"] == "9 to 5"
        assert "outside" in hours.sources
        secret = await calling(desk, "get_parameter_store_value", name="/support/password")
        assert secret.error.error_code == "FORBIDDEN"
        assert "hunter2" not in str(secret)
        assert "hunter2" not in str(await recorded(desk))
        for name, found in (
            ("list_buckets", ["customer-documents"]),
            ("list_functions", ["process-customer-feedback"]),
            ("list_parameters", ["/support/hours"]),
        ):
            assert (await calling(desk, name)).value["names"] == found


@on_a_peer
async def test_what_was_cut_off_is_an_unknown_outcome(
    cloud: Moto, sqlite_settings: Settings, offline: Model
) -> None:
    told = at_aws(sqlite_settings, cloud.url, aws_timeout=2)
    async with open_desk(told, model=offline) as desk:
        at = {"bucket": "customer-documents", "key": "cut.txt"}
        assert (await calling(desk, "s3_list_objects", bucket=at["bucket"])).status == "ok"
        cloud.pause(on=True)
        try:
            cut, read, other = await asyncio.gather(
                calling(desk, "s3_upload_file", **at, content="x"),
                calling(desk, "s3_list_objects", bucket=at["bucket"]),
                caller(desk)("get_faq", q="fees"),
            )
        finally:
            cloud.pause(on=False)
        assert other.status == "ok"
        assert cut.error.error_code == "OUTCOME_UNKNOWN"
        assert read.error.error_code == "UNAVAILABLE"
