"""What the program says that ran on a customer's machine, whatever it meets there."""

from __future__ import annotations

import io
import socket
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from deskward.diagnostics.collecting.making import PROGRAM


@contextmanager
def answering(answer: Callable[[socket.socket], Any]) -> Iterator[int]:
    """The port of somebody who answers connections so."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    wire, _ = server.accept()
                except OSError:
                    return
                with wire:
                    wire.recv(65_536)
                    answer(wire)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def running(port: int) -> types.ModuleType:
    """The program with a plan that looks at nothing, and sends to a port."""
    program = types.ModuleType("collector")
    exec(compile(PROGRAM.read_text("ascii"), "collector.py", "exec"), program.__dict__)
    plan = {"title": "T", "session": "D1", "suite": "s", "collector": "c", "token": "t"}
    to = f"http://127.0.0.1:{port}/"
    program.PLAN.update(plan, tests=[], to=to)
    return program


def ended(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """With which code, and saying what, it ends upon an answer, on a terminal of ASCII."""
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    monkeypatch.setattr(sys, "stdout", terminal)
    with answering(lambda wire: wire.sendall(answer)) as port:
        code: int = running(port).main([])
    terminal.flush()
    terminal.seek(0)
    return code, terminal.read().rpartition('? Type "yes": ')[2]


def http(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    "answer",
    [
        http(b"<html>"),
        http(b"{}"),
        http(b"[]"),
        http(b"\xff\xfe"),
        http(b"[" * 90_000),
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
        b"",
    ],
)
def test_an_answer_that_is_none_is_told_after_what_was_sent(
    monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    code, said = ended(answer, monkeypatch)
    assert code == 2
    assert said.startswith("It was sent. The desk's answer was not understood")


def test_what_the_desk_says_steers_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"message": "Taken\\u001b[31m\\u202e \\u00fc' + b"x" * 5_000 + b'"}'
    code, said = ended(http(body), monkeypatch)
    assert code == 0
    assert said.startswith("Taken [31m  \\xfcx")
    assert len(said) < 600
    code, said = ended(http(body, "409 Conflict"), monkeypatch)
    assert (code, "409" in said, "\x1b" in said, len(said) < 700) == (2, True, False, True)


def test_who_answers_drop_by_drop_holds_it_for_a_while() -> None:
    def drip(wire: socket.socket) -> None:
        try:
            wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n")
            for _ in range(100):
                wire.sendall(b"x")
                time.sleep(0.05)
        except OSError:
            pass

    with answering(drip) as port:
        begun = time.monotonic()
        test = {"kind": "http", "url": f"http://127.0.0.1:{port}/", "seconds": 0.2}
        assert running(port).looked(test) == {"reached": False, "problem": "timeout"}
        assert time.monotonic() - begun < 4


def test_what_redirects_on_and_on_has_failed_there_too() -> None:
    moved = http(b"", "302 Found").replace(b"\r\n\r\n", b"\r\nLocation: /\r\n\r\n")
    with answering(lambda wire: wire.sendall(moved)) as port:
        test = {"url": f"http://127.0.0.1:{port}/", "seconds": 2, "follow": 5, "requests": 2}
        program = running(port)
        for kind in (program.web, program.performance):
            assert kind(test)["problem"] == "redirect"
        assert program.web({**test, "follow": 0})["status"] == 302


def test_who_only_wants_to_see_it_gets_what_was_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert running(1).main(["--show"]) == 0
    assert running(1).main([]) == 1
