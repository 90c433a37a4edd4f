"""Which skill a sentence means by its vector, too, learned in a thread while words alone answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from deskward.text.vectors import EmbeddingFailed

if TYPE_CHECKING:
    from deskward.agent.offline.matching import Match, Matcher

log = logging.getLogger(__name__)

Learn = Callable[[Callable[[float], None]], "Sequence[Matcher | None]"]
"""Learns skills, wishes and turns; tells its argument which share is done, and ends with what that
raises."""


class _Stopped(Exception):
    """Nobody waits for it any more."""


class Meaning:
    """Matchers of skills, of wishes and of turns that are there when they have been learned.

    Loading a model and making vectors of some thousands of examples takes half a minute where it
    is the first time on a machine. Nobody waits for that, and who is never asked does not do it.
    """

    def __init__(self, learn: Learn) -> None:
        self._learn = learn
        self._thread = threading.Thread(target=self._work, name="skills-by-meaning", daemon=True)
        self._started = threading.Lock()
        self._stop = threading.Event()
        self._matchers: Sequence[Matcher | None] = ()

    def start(self) -> None:
        """Begin to learn, if that was not begun."""
        if self._started.acquire(blocking=False):
            self._thread.start()

    def wait(self) -> None:
        """Learn, and return when that is done."""
        self.start()
        self._thread.join()

    def close(self) -> None:
        """Leave it, where it is still learning."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def match(self, text: str) -> Sequence[Match] | None:
        """All skills, the most probable first; None as long as that is not known."""
        return self._of(0, text)

    def wished(self, text: str) -> Sequence[Match] | None:
        """The same of what a message wishes."""
        return self._of(1, text)

    def turned(self, text: str) -> Sequence[Match] | None:
        """The same of what a message is in the middle of a conversation."""
        return self._of(2, text)

    def _of(self, number: int, text: str) -> Sequence[Match] | None:
        matcher = self._matchers[number] if self._matchers else None
        if matcher is None:
            return None
        try:
            return matcher.match(text)
        except EmbeddingFailed as error:
            log.warning("a sentence is understood by its words alone: %s", error)
            return None

    def _work(self) -> None:
        try:
            self._matchers = self._learn(self._told)
        except _Stopped:
            pass
        except EmbeddingFailed as error:
            log.warning("skills are told apart by words alone: %s", error)
        except Exception:
            log.exception("skills are told apart by words alone")

    def _told(self, share: float) -> None:
        if self._stop.is_set():
            raise _Stopped
