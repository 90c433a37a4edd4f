"""A service of vectors, over real HTTP."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from deskward.core.settings import Settings
from deskward.integrations.embeddings.choose import choose_embedder
from deskward.integrations.embeddings.remote import Remote
from deskward.text.vectors import EmbeddingFailed
from tests.services.aimock import aimock

Answer = Callable[[dict[str, Any], int], tuple[int, Any]]


@contextlib.contextmanager
def serving(answer: Answer) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server; yields its address and what it was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append({"path": self.path, "headers": dict(self.headers), **body})
            status, told = answer(body, len(asked))
            data = told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            if status == 429:
                self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def good(body: dict[str, Any], _: int) -> tuple[int, Any]:
    entries = [
        {"index": index, "embedding": [float(len(text)), 1.0, 0.5]}
        for index, text in enumerate(body["input"])
    ]
    # The order is not promised.
    return 200, {"data": entries[::-1]}


@pytest.fixture
def chosen() -> Iterator[Callable[..., Remote]]:
    """Chooses by a setting; closes what it chose."""
    with contextlib.ExitStack() as stack:

        def choose(named: str, **values: Any) -> Remote:
            found = choose_embedder(Settings.alone(embeddings=named, **values))
            assert isinstance(found, Remote)
            stack.callback(found.close)
            return found

        yield choose


Choose = Callable[..., Remote]


def test_texts_get_their_own_vectors(chosen: Choose) -> None:
    with serving(good) as (address, asked):
        model = chosen(f"{address}/v1#small", openai_api_key="sk-1")
        vectors = model.embed(["a", "bcd", ""] * 50, query=True)
    assert vectors.shape == (150, 3)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(150))
    assert vectors[1, 0] > vectors[0, 0]
    assert np.array_equal(vectors[:3], vectors[147:])
    first = asked[0]
    assert first["path"] == "/v1/embeddings"
    assert first["headers"]["Authorization"] == "Bearer sk-1"
    assert first["model"] == "small"
    # The API refuses empty texts.
    assert all(text for request in asked for text in request["input"])
    assert max(len(request["input"]) for request in asked) == 64
    assert model.name == f"small@{address.removeprefix('http://')}"


def test_the_dimensions_are_asked_once_and_no_texts_need_no_vectors(chosen: Choose) -> None:
    with serving(good) as (address, asked):
        model = chosen(f"{address}#small")
        assert model.dimensions == model.dimensions == 3
        assert model.embed([]).shape == (0, 3)
    assert len(asked) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_service_that_is_busy_is_asked_again(chosen: Choose, status: int) -> None:
    def answer(body: dict[str, Any], number: int) -> tuple[int, Any]:
        return good(body, number) if number > 2 else (status, {"error": "busy"})

    with serving(answer) as (address, asked):
        assert chosen(f"{address}#small").embed(["a"]).shape == (1, 3)
    assert len(asked) >= 3


@pytest.mark.parametrize(
    ("status", "told", "why"),
    [
        (401, {"error": {"message": "wrong key"}}, "401: wrong key"),
        (400, b"no JSON", "400"),
        (500, {"error": {"message": "broken"}}, "500: broken"),
        (200, b"no JSON", "not understood"),
        (200, {"data": []}, "one vector for each"),
        (200, {"data": [{"embedding": ["a"]}]}, "something else than numbers"),
        (200, {"data": [{"embedding": [True]}]}, "something else than numbers"),
        (200, {"data": [{"embedding": [float("nan")]}]}, "something else than numbers"),
        (200, {"data": [{"embedding": []}]}, "no list of numbers"),
        (200, {"data": [{"index": 7, "embedding": [1.0]}]}, "one for each text"),
        (200, [], "one vector for each"),
        (302, {}, "302"),
    ],
)
def test_what_is_no_vector_is_told(chosen: Choose, status: int, told: Any, why: str) -> None:
    with serving(lambda body, number: (status, told)) as (address, _):
        model = chosen(f"{address}#small", openai_api_key="sk-secret")
        with pytest.raises(EmbeddingFailed, match=why) as caught:
            model.embed(["a"])
    assert "sk-secret" not in str(caught.value)


def test_a_service_that_is_away_is_told(chosen: Choose) -> None:
    with serving(good) as (address, _):
        model = chosen(f"{address}#small", embeddings_timeout=1.0)
    with pytest.raises(EmbeddingFailed, match="gives no vectors"):
        model.embed(["a"])


def test_another_model_at_the_same_address_is_noticed(chosen: Choose) -> None:
    def answer(body: dict[str, Any], number: int) -> tuple[int, Any]:
        size = 3 if number < 3 else 5
        return 200, {"data": [{"embedding": [1.0] * size} for _ in body["input"]]}

    with serving(answer) as (address, _):
        model = chosen(f"{address}#small")
        model.embed(["a"])
        with pytest.raises(EmbeddingFailed, match="another model"):
            model.embed(["a"])


@pytest.mark.parametrize(
    ("named", "values", "why"),
    [
        ("openai:small", {}, "OPENAI_API_KEY"),
        ("azure:small", {}, "AZURE_OPENAI_ENDPOINT"),
        ("http://host/v1", {}, "#NAME"),
        ("bert", {}, "It is `embedded`"),
        ("folder:", {}, "It is `embedded`"),
    ],
)
def test_what_lacks_something_is_told_at_start(named: str, values: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        choose_embedder(Settings.alone(embeddings=named, **values))


def test_azure_has_addresses_and_a_header_of_its_own(chosen: Choose) -> None:
    with serving(good) as (address, asked):
        chosen(
            "azure:my model", azure_openai_endpoint=f"{address}/", azure_openai_api_key="k"
        ).embed(["a"])
    assert asked[0]["path"].startswith("/openai/deployments/my%20model/embeddings?api-version=")
    assert asked[0]["headers"]["api-key"] == "k"


def test_vectors_can_be_switched_off() -> None:
    assert choose_embedder(Settings.alone(embeddings="off")) is None


@pytest.mark.slow
def test_a_peer_that_others_wrote(chosen: Choose) -> None:
    fixture = {"match": {"userMessage": "hello"}, "response": {"content": "hello"}}
    with aimock([fixture]) as address:
        model = chosen(
            "openai:text-embedding-3-small", openai_base_url=f"{address}/v1", openai_api_key="k"
        )
        vectors = model.embed(["a lost card", "a lost card", "opening hours"], query=True)
    assert vectors.shape == (3, model.dimensions)
    assert vectors[0] @ vectors[1] == pytest.approx(1)
    assert vectors[0] @ vectors[2] < 0.99
