"""A bucket: signed as AWS's own example is, and read from a service that checks signatures."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.integrations.sources.s3 import Key, signed
from tests.conftest import Call, caller
from tests.knowledge.documents.conftest import Sync, documents_of, syncer

KEY = Key("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
ENTRY = "<Contents><Key>{}</Key><ETag>&quot;{}&quot;</ETag><Size>{}</Size></Contents>"


def test_the_signature_of_amazons_example() -> None:
    """`GET Bucket (List Objects)` in the reference of Amazon S3's API."""
    moment = datetime(2013, 5, 24, tzinfo=UTC)
    query = {"max-keys": "2", "prefix": "J"}
    host = "examplebucket.s3.amazonaws.com"
    headers = signed(KEY, "us-east-1", host, "/", query, moment)
    assert headers["authorization"].endswith(
        "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    )


class Service:
    """A service that keeps objects, gives two a page, and refuses what is not signed."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.fetched: list[str] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = service.answer(self.path, dict(self.headers.items()))
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"

    def answer(self, asked: str, headers: dict[str, str]) -> tuple[int, bytes]:
        told = {name.lower(): value for name, value in headers.items()}
        parts = urlsplit(asked)
        query = dict(parse_qsl(parts.query))
        moment = datetime.strptime(told["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        wanted = signed(KEY, "eu-test-1", self.host, parts.path, query, moment)
        if told.get("authorization") != wanted["authorization"]:
            return 403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>"
        if query.get("list-type") != "2":
            key = unquote(parts.path).removeprefix("/docs/")
            self.fetched.append(key)
            return (200, self.objects[key]) if key in self.objects else (404, b"<Error/>")
        keys = sorted(one for one in self.objects if one.startswith(query["prefix"]))
        at = int(query.get("continuation-token", "0 ").split()[0])
        entries = "".join(
            ENTRY.format(key, hash(self.objects[key]), len(self.objects[key]))
            for key in keys[at : at + 2]
        )
        more = f"<NextContinuationToken>{at + 2} +/=</NextContinuationToken>"
        space = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
        rest = more if len(keys) > at + 2 else ""
        return 200, f"<ListBucketResult {space}>{entries}{rest}</ListBucketResult>".encode()


@pytest.fixture
def service() -> Iterator[Service]:
    """The service."""
    made = Service()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.fixture
async def desk(sqlite_settings: Settings, offline: Any) -> AsyncIterator[Desk]:
    """A desk whose sources may be on this machine."""
    settings = sqlite_settings.changed(knowledge_networks="127.0.0.1/32")
    async with open_desk(settings, model=offline) as opened:
        yield opened


@pytest.fixture
def call(desk: Desk) -> Call:
    return caller(desk)


@pytest.fixture
def sync(desk: Desk, call: Call) -> Sync:
    return syncer(desk, call)


async def test_a_prefix_is_read_page_by_page(call: Call, sync: Sync, service: Service) -> None:
    service.objects = {
        f"help/{name}.md": f"# {name}\n\nText of {name}.".encode()
        for name in ("a", "b", "c d", "ü+e", "f")
    }
    service.objects |= {"help/logo.png": b"\x89", "other/x.md": b"# X\n\nElsewhere."}
    service.objects["help-internal/y.md"] = b"# Y\n\nFor nobody outside."
    settings = {"endpoint": f"http://{service.host}", "region": "eu-test-1"}
    asked = {"kind": "s3", "location": "s3://docs/help/", "settings": settings}
    secret = f"{KEY.id}:{KEY.secret}"
    source = await sync(**asked, secret=secret)
    assert (source["state"], source["ready"], source["failed"]) == ("ready", 5, 0), source
    assert sorted(await documents_of(call, source["source_id"])) == [
        "a.md", "b.md", "c d.md", "f.md", "ü+e.md",
    ]  # fmt: skip
    service.fetched.clear()
    service.objects["help/a.md"] = b"# a\n\nOther."
    del service.objects["help/b.md"]
    source = await sync(source["source_id"])
    assert (service.fetched, source["ready"]) == (["help/a.md"], 4)
    plain = await sync(**{**asked, "name": "plain", "location": "s3://docs/help"}, secret=secret)
    found = await documents_of(call, plain["source_id"])
    assert sorted(found) == ["a.md", "c d.md", "f.md", "ü+e.md"]
    wrong = await sync(**{**asked, "name": "wrong"}, secret=f"{KEY.id}:no")
    assert wrong["reason"] == "The bucket answers 403: SignatureDoesNotMatch."
    odd = await sync(**{**asked, "name": "odd"}, secret="no-key")
    assert odd["reason"] == "A bucket's secret is ID:SECRET, or ID:SECRET:SESSION."
