"""Long texts are looked at beside the event loop, and not for ever."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from deskward.core import aside as module
from deskward.core.aside import SHORT, aside
from deskward.core.errors import TimeLimitExceeded


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opened at the end at the latest: nobody can stop a thread."""
    event = threading.Event()
    yield event
    event.set()


async def test_the_loop_goes_on_while_a_long_text_is_looked_at(gate: threading.Event) -> None:
    def look() -> str:
        gate.wait(30)
        return threading.current_thread().name

    looking = asyncio.create_task(aside(look, SHORT + 1))
    for _ in range(10):  # a look in the loop's own thread would never let it come here
        await asyncio.sleep(0)
    assert not looking.done()
    gate.set()
    assert (await looking).startswith("texts")


async def test_a_short_text_is_looked_at_at_once() -> None:
    assert await aside(threading.get_ident, SHORT) == threading.get_ident()


async def test_what_takes_too_long_is_not_waited_for(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIMIT", 0.05)
    with pytest.raises(TimeLimitExceeded):
        await aside(lambda: gate.wait(30), SHORT + 1)
    done: list[int] = []
    with pytest.raises(TimeLimitExceeded):  # its turn never came, and never will
        await aside(lambda: done.append(1), SHORT + 1)
    gate.set()
    await aside(lambda: None, SHORT + 1, limit=30)
    assert not done
    with pytest.raises(ZeroDivisionError):
        await aside(lambda: 1 // 0, SHORT + 1)
