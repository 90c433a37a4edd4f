"""Running a suite: its tests at once, each within its time, and the whole within one."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from deskward.core.characters import seen as visible
from deskward.core.database import now
from deskward.core.errors import InvalidInput, TimeLimitExceeded
from deskward.core.foreign_json import TooMuchJson, read_json, tidied
from deskward.core.outside import NotAllowed
from deskward.core.veil import secrets_in, veiled
from deskward.diagnostics.suites import inside
from deskward.diagnostics.suites.filling import Unknown, configured, filled
from deskward.diagnostics.suites.inside import Seen
from deskward.diagnostics.suites.judging import judged, of_form
from deskward.diagnostics.suites.reach import Reach
from deskward.diagnostics.suites.report import Expected, Outcome, TestReport, TestResult
from deskward.diagnostics.suites.suite import Clock, Configuration, Suite, Test, Version

log = logging.getLogger(__name__)

AT_ONCE = 16
"""Tests of one run that go at the same time."""
MOST_AT_ONCE = 64
"""Tests of all runs of a process that go at the same time."""
MOST_RUN = 30.0
"""Seconds that one run may take."""
LEAST = 0.5
"""Seconds that have to be left of a run for another test to begin."""
JUDGING = 5.0
"""Seconds that may go by until it is known whether what was seen is as it is expected."""
OUR_SIDE = "Something went wrong on our side."
MOST_TEXT = 4_000
"""Characters of a text that was seen, as it is kept."""


class Looks(Protocol):
    """What looks at things outside."""

    async def look(self, test: Test, reach: Reach) -> Seen:
        """What a test sees. What cannot be reached is seen, too: `reached`, `problem`.

        Raises:
            NotAllowed: The test may not go there.
        """
        ...


Tell = Callable[[int, int, str], None]
"""Told how many tests are done, of how many, and the last one's name."""


@dataclass
class Runner:
    """Runs tests.

    Attributes:
        seconds: What one run may take.
    """

    looks: Looks
    seconds: float

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(MOST_AT_ONCE)

    async def run(
        self,
        suite: Suite,
        tests: Sequence[Test],
        values: Mapping[str, Any],
        reach: Callable[[Test], Reach],
        tell: Tell | None = None,
        *,
        private: bool = False,
    ) -> TestReport:
        """Run tests of a suite.

        Args:
            values: `environment` and `configuration`, as they are known.
            reach: Where each may go.
            tell: Is told of each test that is done.
            private: Whether nothing of the configuration may be in the report.

        Raises:
            InvalidInput: The values are nested too deeply, or too many.
        """
        values = _sound(values)
        begun, started = now(), time.monotonic()
        here = asyncio.Semaphore(AT_ONCE)
        done = 0

        async def one(test: Test) -> TestResult:
            nonlocal done
            left = self.seconds - (time.monotonic() - started)
            try:
                async with asyncio.timeout(left), here, self._places:
                    left = self.seconds - (time.monotonic() - started)
                    if left < LEAST:
                        raise TimeoutError
                    result = await self._one(test, values, reach(test), left)
                    result = hidden(result, test, values, private=private)
            except TimeoutError:  # it waited for others, and the run's time is over
                said = f"There was no time left for it: a run may take {self.seconds:g} seconds."
                result = result_of(test, "error", said)
            done += 1
            if tell is not None:
                tell(done, len(tests), test.title)
            return result

        results = await asyncio.gather(*map(one, tests))
        return TestReport.of(suite, results, begun, time.monotonic() - started)

    async def _one(
        self, test: Test, values: Mapping[str, Any], reach: Reach, left: float
    ) -> TestResult:
        started = time.monotonic()
        try:
            ready = filled(test, values)
        except Unknown as unknown:
            return result_of(test, "skipped", str(unknown))
        target = target_of(ready)
        seconds = max(min(test.seconds, left - 0.2), 0.1)
        try:
            async with asyncio.timeout(seconds):
                seen, told = await self._seen(ready, values, reach, seconds)
        except TimeoutError:
            seen = {"reached": False, "problem": "timeout"}
            told = f"It did not end within {seconds:.3g} seconds."
        except Unknown as unknown:
            return result_of(test, "skipped", str(unknown), target)
        except NotAllowed as refusal:
            return result_of(test, "refused", f"{refusal}."[:MOST_TEXT], target)
        except TimeLimitExceeded as error:
            return result_of(test, "error", error.message, target)
        except Exception:
            log.exception("the test %s failed by itself", test.id)
            return result_of(test, "error", OUR_SIDE, target)
        try:
            expected = await judged(test, {**values, "seen": seen}, JUDGING)
        except TimeLimitExceeded as error:
            return result_of(test, "error", error.message, target, seen=seen)
        except Exception:
            log.exception("the test %s was not judged", test.id)
            return result_of(test, "error", OUR_SIDE, target, seen=seen)
        outcome: Outcome = "passed" if all(one.held for one in expected) else "failed"
        return result_of(test, outcome, told, target, expected, seen, time.monotonic() - started)

    async def _seen(
        self, test: Test, values: Mapping[str, Any], reach: Reach, seconds: float
    ) -> Seen:
        if isinstance(test, Configuration):
            return await of_form(test, values, min(seconds - 0.1, JUDGING))
        if isinstance(test, Version):
            return inside.of_version(test)
        if isinstance(test, Clock) and test.moment is not None:
            return inside.of_clock(test)
        seen, told = await self.looks.look(test, reach)
        # An answer's JSON was put right when it was read.
        rest = {name: part for name, part in seen.items() if name not in ("json", "found")}
        return {**seen, **tidied(rest)}, told


def _sound(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Values as conditions can be asked of them."""
    try:
        sound: dict[str, Any] = read_json(json.dumps(values))
    except (TooMuchJson, RecursionError) as error:
        told = f"`product_configuration` is not looked at: {error}."
        raise InvalidInput(told) from None
    return sound


def hidden(
    result: TestResult, test: Test, values: Mapping[str, Any], *, private: bool
) -> TestResult:
    """What came of a test, without the secrets that it was given: a server can say them again.

    Args:
        private: Whether all that it was given of a configuration is hidden.
    """
    secrets = {*secrets_in(dict(values)), *configured(test, values, whole=private)}
    if not secrets:
        return result
    shown = {name: veiled(getattr(result, name), secrets) for name in ("target", "told", "seen")}
    return result.model_copy(update=shown)


def target_of(test: Test) -> str:
    """What a test looks at, for people."""
    url = getattr(test, "url", None)
    if url is not None:
        return str(veiled(str(url)))[:300]
    host = getattr(test, "host", None) or (test.name if test.kind == "dns" else "")
    port = getattr(test, "port", None)
    return f"{host}:{port}"[:300] if port is not None else str(host)[:300]


def result_of(
    test: Test,
    outcome: Outcome,
    told: str,
    target: str = "",
    expected: Sequence[Expected] = (),
    seen: Mapping[str, Any] | None = None,
    seconds: float = 0.0,
) -> TestResult:
    """What came of a test, as it is kept."""
    return TestResult(
        test=test.id,
        title=test.title,
        kind=test.kind,
        target=veiled(visible(target)),
        outcome=outcome,
        told=veiled(visible(told))[:MOST_TEXT],
        expected=list(expected),
        seen={name: _kept(value) for name, value in veiled(seen or {}).items()},
        hint=test.hint if outcome == "failed" else "",
        seconds=round(seconds, 3),
    )


def _kept(value: Any) -> Any:
    """What was seen, as it is kept: nothing that acts unseen, and of long texts the beginning."""
    if isinstance(value, str):
        text = visible(value)
        return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"
    if isinstance(value, dict | list) and len(str(value)) > MOST_TEXT:
        return _kept(str(value))
    if isinstance(value, dict):
        return {visible(str(name)): _kept(part) for name, part in value.items()}
    return [_kept(part) for part in value] if isinstance(value, list) else value
