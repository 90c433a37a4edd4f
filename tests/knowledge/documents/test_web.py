"""Web addresses, from a real server: what is unchanged is not sent again."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from tests.conftest import Call, caller
from tests.knowledge.documents.conftest import CHIEF, Sync, documents_of, syncer

PAGE = "<html lang='de'><title>Hilfe</title><main><h1>Hilfe</h1><p>{}</p></main>"


class Site:
    """A web server, what it gives, and what it was asked."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[tuple[str, str]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.path, self.headers.get("if-none-match", "")))
                status, headers, body = site.pages.get(self.path, (404, {}, b""))
                if headers.get("etag") and headers["etag"] == self.headers.get("if-none-match"):
                    status, body = 304, b""
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # a client that has read enough
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"

    def page(self, path: str, text: str, **headers: str) -> str:
        """Have a page at a path; gives its address."""
        told = {"content-type": "text/html; charset=utf-8", **headers}
        self.pages[path] = (200, told, PAGE.format(text).encode())
        return self.base + path

    def leads(self, path: str, to: str) -> str:
        """Have a path lead somewhere else; gives its address."""
        self.pages[path] = (302, {"location": to}, b"")
        return self.base + path


@pytest.fixture
def site() -> Iterator[Site]:
    """The server."""
    made = Site()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.fixture
async def desk(sqlite_settings: Settings, offline: Any) -> AsyncIterator[Desk]:
    """A desk whose sources may be on one address of this machine."""
    settings = sqlite_settings.changed(knowledge_networks="127.0.0.1/32", knowledge_max_mb=1)
    async with open_desk(settings, model=offline) as opened:
        yield opened


@pytest.fixture
def call(desk: Desk) -> Call:
    return caller(desk)


@pytest.fixture
def sync(desk: Desk, call: Call) -> Sync:
    return syncer(desk, call)


async def test_pages_are_read_and_unchanged_ones_not_again(
    call: Call, sync: Sync, site: Site
) -> None:
    first = site.page("/a", "Stecken Sie das Gerät ein.", etag='"1"')
    other = site.page("/b", "Das ist der Rest.")
    source = await sync(kind="web", location=f"{first}\n{other}")
    found = await documents_of(call, source["source_id"])
    assert {(one["title"], one["language"], one["audience"]) for one in found.values()} == {
        ("Hilfe", "de", "staff")
    }
    before = {path: one["changed_at"] for path, one in found.items()}
    site.asked.clear()
    source = await sync(source["source_id"])
    assert ("/a", '"1"') in site.asked
    after = await documents_of(call, source["source_id"])
    assert {path: one["changed_at"] for path, one in after.items()} == before
    site.page("/a", "Ziehen Sie das Gerät ab.", etag='"2"')
    del site.pages["/b"]
    source = await sync(source["source_id"])
    failed = await documents_of(call, source["source_id"], state="failed")
    assert failed[other]["reason"] == "the server answers 404: it is not there"
    assert (source["ready"], source["passages"]) == (1, 1)


async def test_what_leads_inside_is_not_read(call: Call, sync: Sync, site: Site) -> None:
    inner = f"http://127.0.0.2:{site.server.server_port}/secret"
    listed = {
        site.leads("/out", inner): "none of the source's hosts",
        site.leads("/meta", "http://169.254.169.254/latest"): "none of the source's hosts",
        site.leads("/file", "file:///etc/passwd"): "none of the source's hosts",
        site.leads("/round", "/round"): "more than 5 times",
        site.base + "/none": "404",
    }
    source = await sync(kind="web", location="\n".join(listed))
    failed = await documents_of(call, source["source_id"], state="failed")
    assert failed.keys() == listed.keys()
    for address, reason in listed.items():
        assert reason in failed[address]["reason"]
    refused = await call("add_source", CHIEF, name="inner", kind="web", location=inner)
    assert "not public" in refused.error.message


async def test_robots_txt_is_obeyed(call: Call, sync: Sync, site: Site) -> None:
    site.pages["/robots.txt"] = (200, {}, b"User-agent: Deskward\nDisallow: /intern/\n")
    closed, opened = site.page("/intern/a", "Nein."), site.page("/a", "Ja.")
    source = await sync(kind="web", location=f"{closed} {opened}")
    found = await documents_of(call, source["source_id"])
    assert found[closed]["reason"] == "its host's robots.txt does not allow to read it"
    assert found[opened]["state"] == "ready"
    assert "/intern/a" not in [path for path, _ in site.asked]


async def test_what_is_odd_costs_that_page_alone(call: Call, sync: Sync, site: Site) -> None:
    good = site.page("/good", "Gut.<script>alert('böse')</script>")
    large = site.page("/large", "x" * 1_100_000)
    packed = site.page("/packed", "y", **{"content-encoding": "gzip"})
    picture = site.page("/picture", "z", **{"content-type": "image/png"})
    broken = site.page("/broken", "w")
    site.pages["/broken"] = (500, {}, b"")
    source = await sync(kind="web", location=" ".join((good, large, packed, picture, broken)))
    found = await documents_of(call, source["source_id"])
    reasons = {path.rpartition("/")[2]: one["reason"] for path, one in found.items()}
    assert reasons == {
        "good": None,
        "large": "it is larger than 1.0 MB (KNOWLEDGE_MAX_MB)",
        "packed": "its host does not answer: it answers packed, though it was asked not to",
        "picture": "it is of the kind image/png, which is not read",
        "broken": "the server answers 500",
    }
    assert source["state"] == "ready"
    site.page("/broken", "Wieder da.")
    source = await sync(source["source_id"])
    assert (await documents_of(call, source["source_id"]))[broken]["state"] == "ready"
