"""A model that is loaded when it is needed, and let go when it is not."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from deskward.integrations.embeddings.lazy import Lazy

if TYPE_CHECKING:
    from deskward.text.vectors import Embedder, Vectors


class Model:
    """Counts how often it was closed."""

    name, dimensions, local = "model", 2, True
    closed = 0

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        return np.tile(np.array([1, 0], np.float32), (len(texts), 1))

    def close(self) -> None:
        self.closed += 1


def _lazy(idle: float) -> tuple[Lazy, list[weakref.ref[Model]]]:
    made: list[weakref.ref[Model]] = []

    def make() -> Embedder:
        model = Model()
        made.append(weakref.ref(model))
        return model

    return Lazy("model", 2, make, idle=idle), made


def _until(gone: weakref.ref[Model]) -> None:
    end = time.monotonic() + 10
    while gone() is not None and time.monotonic() < end:
        gc.collect()
        time.sleep(0.01)
    assert gone() is None


@pytest.mark.slow
def test_it_is_made_at_the_first_text_and_once() -> None:
    lazy, made = _lazy(60)
    assert not made
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: lazy.embed(["a", "b"]), range(8)))
    assert all(each.shape == (2, 2) for each in found)
    assert len(made) == 1
    model = made[0]()
    lazy.close()
    assert model is not None
    assert model.closed == 1


@pytest.mark.slow
def test_it_is_let_go_when_idle_and_made_again() -> None:
    lazy, made = _lazy(0.05)
    lazy.embed(["a"])
    _until(made[0])
    assert lazy.embed(["a"]).shape == (1, 2)
    assert len(made) == 2
    lazy.close()
    _until(made[1])


def test_who_uses_it_keeps_it() -> None:
    lazy, made = _lazy(0.3)
    end = time.monotonic() + 0.9
    while time.monotonic() < end:
        lazy.embed(["a"])
        time.sleep(0.02)
    assert len(made) == 1
    lazy.close()


def test_nobody_waits_for_the_timer_at_the_end() -> None:
    before = set(threading.enumerate())
    lazy, _ = _lazy(60)
    lazy.embed(["a"])
    begun = set(threading.enumerate()) - before
    timers = [thread for thread in begun if isinstance(thread, threading.Timer)]
    assert timers
    assert all(timer.daemon for timer in timers)
    lazy.close()
    for timer in timers:
        timer.join(5)
        assert not timer.is_alive()


def test_the_memory_of_a_model_is_given_back() -> None:
    code = (
        "import time\n"
        "from deskward.integrations.embeddings.choose import _e5\n"
        "from deskward.integrations.embeddings.weights import e5_weights\n"
        "def taken():\n"
        "    lines = open('/proc/self/status').read().splitlines()\n"
        "    return next(int(line.split()[1]) for line in lines if line.startswith('VmRSS'))\n"
        "model = _e5(e5_weights())\n"
        "model.embed(['a'])\n"
        "loaded = taken()\n"
        "model.close()\n"
        "assert loaded - taken() > 50_000, (loaded, taken())\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
