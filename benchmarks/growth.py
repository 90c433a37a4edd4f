"""What a search costs as passages become more: `python -m benchmarks.growth [MOST] [PLOT.svg]`.

One embedded index grows from a thousand passages to MOST (a million, where it is not said), and is
asked at each size in between: by words, and by words and vectors. Passages and questions are those
of `benchmarks.passages`. Times are of the processor, all threads together, so that they mean
something on a machine that has other work, too.
"""

from __future__ import annotations

import asyncio
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median, quantiles
from typing import Any

import numpy as np

from benchmarks.passages import DIMENSIONS, WORDS, Model, text_of_packages, window
from benchmarks.plots import draw
from benchmarks.report import Plot
from deskward.integrations.search.embedded import EmbeddedIndex
from deskward.knowledge.passages import Passage, Wanted

FIRST, MOST = 1_000, 1_000_000
AT_ONCE = 5_000
QUESTIONS = 60
THEMES = 2_000
KINDS = ("words", "words and vectors")


def main() -> None:
    """Measure, print a table, and draw it where a file is named."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else MOST
    series = asyncio.run(_measured(most))
    if len(sys.argv) > 2:
        plot = Plot(
            "Milliseconds of processor a search, embedded engine",
            "lines",
            {name: [(at, (ms, ms, ms)) for at, ms in points] for name, points in series.items()},  # type: ignore[misc]  # a Figure is a tuple
            x_title="passages",
        )
        Path(sys.argv[2]).write_text(draw([plot])[0], encoding="utf-8")


def _sizes(most: int) -> Iterator[int]:
    """From the first size to the last, three for each power of ten."""
    size, factors = FIRST, (1, 2, 5)
    while True:
        for factor in factors:
            if size * factor >= most:
                yield most
                return
            yield size * factor
        size *= 10


async def _measured(most: int) -> dict[str, list[tuple[int, float]]]:
    words, dice = text_of_packages().split(), random.Random(1)
    drawn = np.random.default_rng(1)
    themes = drawn.normal(size=(THEMES, DIMENSIONS)).astype(np.float32)
    series: dict[str, list[tuple[int, float]]] = {name: [] for name in KINDS}
    print(f"{'passages':>10}{'':20}{'cpu ms':>8}{'p50 ms':>9}{'p95 ms':>9}{'filled':>15}{'MB':>7}")
    with tempfile.TemporaryDirectory() as folder:
        index = EmbeddedIndex(Path(folder), Model())
        there, filled = 0, 0.0
        for size in _sizes(most):
            while there < size:
                count = min(AT_ONCE, size - there)
                vectors = _vectors(drawn, themes, count)
                passages = [
                    _passage(there + n, " ".join(window(words, dice, WORDS)), vectors[n])
                    for n in range(count)
                ]
                begun = time.process_time()
                await index.put("bench", passages)
                filled += time.process_time() - begun
                there += count
            asked = [" ".join(window(words, dice, dice.randint(3, 6))) for _ in range(QUESTIONS)]
            near = _vectors(drawn, themes, QUESTIONS)
            for name in KINDS:
                wanted = [
                    Wanted(text, ("customer",), vector=near[n] if name == KINDS[1] else None)
                    for n, text in enumerate(asked)
                ]
                worked, took = await _asked(index, wanted)
                series[name].append((size, worked))
                memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_000
                print(
                    f"{size:10}  {name:18}{worked:8.2f}{median(took):9.2f}"
                    f"{quantiles(took, n=20)[-1]:9.2f}{filled:15.1f}{memory:7}",
                    flush=True,
                )
        await index.aclose()
    return series


async def _asked(index: EmbeddedIndex, wanted: list[Wanted]) -> tuple[float, list[float]]:
    """Milliseconds of processor a search, and what each took; the first one warms up."""
    await index.search("bench", wanted[0])
    worked, took = [], []
    for one in wanted[1:]:
        begun, cpu = time.perf_counter(), time.process_time()
        await index.search("bench", one)
        took.append(1_000 * (time.perf_counter() - begun))
        worked.append(1_000 * (time.process_time() - cpu))
    return mean(worked), took


def _passage(number: int, text: str, vector: Any) -> Passage:
    return Passage(
        f"p{number}", f"d{number // 5}", "", (), text, "en", "customer", vector=vector
    )  # fmt: skip


def _vectors(drawn: np.random.Generator, themes: np.ndarray, count: int) -> np.ndarray:
    near = themes[drawn.integers(len(themes), size=count)]
    found = near + 0.7 * drawn.normal(size=near.shape).astype(np.float32) + np.float32(0.3)
    vectors: np.ndarray = found / np.linalg.norm(found, axis=1, keepdims=True)
    return vectors


if __name__ == "__main__":
    main()
