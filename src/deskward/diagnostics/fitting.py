"""Which workflow an issue means: by the vectors of sentences, in whatever language it is told.

A linear model is fitted to the example sentences of the workflows, and to sentences of issues for
which there is no workflow, so that none is an answer, too. Each class weighs the same, however many
sentences it has.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from deskward.core.tasks import end
from deskward.diagnostics.workflow import Workflow
from deskward.text.vectors import Embedder, EmbeddingFailed, embedded

if TYPE_CHECKING:
    from deskward.text.vectors import Vectors

log = logging.getLogger(__name__)

RIDGE = 1.0
"""How much large weights cost: with some hundred sentences the vectors alone would fit anything.
From 0.3 to 3 as many of the sentences are told right that `tests/diagnostics/issues.yaml` holds."""
WAIT = 6.0
"""Seconds that an issue waits for the examples to be learned, some three where nothing else is
done; until then words alone tell. The first customer of a desk that was just started is to find
what the second one finds."""
ABROAD = 0.6
"""The score from which vectors tell of an issue in a script of which no example is. Of Hebrew or
Greek they knew nothing, at 0.3 to 0.46; what was right in Russian, Korean and Chinese was
at 0.66 and more."""
NEAR = 0.12
"""How much less near than the best another workflow may be to fit as well."""
LONGEST = 1_000
"""Characters of an issue that are looked at: its beginning says what it is."""
NONE = ""
"""The class of what no workflow is meant for."""
_OTHERS = Path(__file__).with_name("others.yaml")


class Fitting:
    """Finds the workflow that an issue means."""

    def __init__(self, embedder: Embedder) -> None:
        """Make one. It learns when the first issue comes, beside the event loop."""
        self._embedder = embedder
        self._learning: asyncio.Task[_Linear] | None = None

    async def meant(
        self, workflows: Mapping[str, Workflow], among: Sequence[str], issue: str
    ) -> str | None:
        """The workflow among some that an issue means; `NONE` where it means none of any.

        Returns:
            None as long as that is not known: the examples are still learned, there are no vectors,
            or they know too little of the script that it is in.
        """
        scores = await self._scores(workflows, among, issue)
        return scores[0][1] if scores else None

    async def fits(
        self, workflows: Mapping[str, Workflow], among: Sequence[str], issue: str
    ) -> list[str] | None:
        """The workflows among some that an issue may mean, the likeliest first; see `meant`."""
        scores = await self._scores(workflows, among, issue)
        if scores is None:
            return None
        none = next(score for score, name in scores if name == NONE)
        best = scores[0][0]
        return [name for score, name in scores if score > none and score >= best - NEAR]

    async def _scores(
        self, workflows: Mapping[str, Workflow], among: Sequence[str], issue: str
    ) -> list[tuple[float, str]] | None:
        """How near an issue is to each, the nearest first; None where that is not known."""
        if self._learning is None:
            self._learning = asyncio.create_task(self._learn(workflows))
        await asyncio.wait([self._learning], timeout=WAIT)
        if not self._learning.done():
            return None
        try:
            linear = self._learning.result()
            (vector,) = await embedded(self._embedder, [issue[:LONGEST]], query=True)
        except EmbeddingFailed as error:
            log.warning("which workflow fits is told by words alone: %s", error)
            self._learning = None
            return None
        scores = linear.scores(vector, (*among, NONE))
        if scores[0][0] < ABROAD and _script_of(issue[:LONGEST]) not in linear.scripts:
            return None
        return scores

    async def aclose(self) -> None:
        """Leave it, where it is still learning."""
        if self._learning is not None:
            await end(self._learning)
            with contextlib.suppress(EmbeddingFailed, asyncio.CancelledError):
                self._learning.exception()

    async def _learn(self, workflows: Mapping[str, Workflow]) -> _Linear:
        classes = {name: sentences_of(one) for name, one in workflows.items()} | {NONE: _others()}
        names = [name for name, sentences in classes.items() for _ in sentences]
        texts = [one for sentences in classes.values() for one in sentences]
        scripts = frozenset(map(_script_of, texts))
        return _Linear(list(classes), names, await embedded(self._embedder, texts), scripts)


class _Linear:
    """Ridge regression to the classes as indicators, solved in closed form."""

    def __init__(
        self,
        classes: Sequence[str],
        names: Sequence[str],
        vectors: Vectors,
        scripts: frozenset[str],
    ) -> None:
        import numpy as np

        self.scripts = scripts
        self._classes = list(classes)
        wanted = np.array([[float(name == one) for one in classes] for name in names])
        weight = wanted @ (1.0 / wanted.sum(axis=0)) * (len(names) / len(classes))
        found = np.c_[vectors, np.ones(len(names))]
        costs = RIDGE * np.eye(found.shape[1])
        costs[-1, -1] = 0.0
        weighed = found * weight[:, None]
        self._weights = np.linalg.solve(weighed.T @ found + costs, weighed.T @ wanted)

    def scores(self, vector: Vectors, among: Sequence[str]) -> list[tuple[float, str]]:
        """How near a vector is to each class among some, the nearest first."""
        found = [*vector, 1.0] @ self._weights
        return sorted(
            ((float(found[self._classes.index(name)]), name) for name in among), reverse=True
        )


def _script_of(text: str) -> str:
    """The script of most letters of a text, as Unicode begins to name them: "GREEK"."""
    names = (unicodedata.name(letter, "").partition(" ")[0] for letter in text if letter.isalpha())
    most = Counter(names).most_common(1)
    return most[0][0] if most else ""


def sentences_of(workflow: Workflow) -> list[str]:
    """What issues of a workflow are like; of one without examples what its causes are called."""
    told = [one for language in workflow.examples.values() for one in language]
    return told or [workflow.title, *(one.title for one in workflow.causes.values())]


@cache
def _others() -> list[str]:
    read = yaml.load(_OTHERS.read_text("utf-8"), Loader=yaml.CSafeLoader)
    return [one for language in read.values() for one in language]
