"""How well the offline model routes labelled utterances of any kind, and how quickly."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from deskward.agent.offline.matching import Match, Matcher, Router
from deskward.evaluation.labelled import OUT_OF_SCOPE, Utterance
from deskward.evaluation.metrics import accuracy, f1_scores, macro_f1, percentile, recall
from deskward.text.vectors import Embedder

LOST = 0.04
"""The share of the utterances in scope that may be given up to leave alone what is not."""
SHOWN = 10
"""So many of the weakest intents and of the commonest mistakes are told."""

Progress = Callable[[str, float], None]
"""Is told what is being done and which share of it is."""
Learn = Callable[[Mapping[str, Sequence[str]], Callable[[float], None]], Router]
"""Makes a router of label → utterances; tells the second which share is done."""


@dataclass(frozen=True)
class Mistake:
    """Utterances of one intent that were routed to another."""

    wanted: str
    told: str
    count: int


@dataclass(frozen=True)
class IntentReport:
    """What was measured. Shares are of one; `None` is what these data cannot tell.

    Attributes:
        train_utterances: Utterances learned from.
        test_utterances: Utterances routed.
        intents: Intents learned, out of scope not counted.
        unknown_intents: Intents of the test file that the training file does not have; their
            utterances count as wrong.
        accuracy: Share of all test utterances that were routed right.
        in_scope_accuracy: The same of those in scope.
        macro_f1: Mean F1 of all labels, out of scope among them where it occurs.
        out_of_scope_recall: Share of what is out of scope that was left alone.
        left_alone: Share of what is in scope that was left alone all the same.
        floor: The fit below which an utterance is left alone; `None` where none is.
        training_seconds: How long the learning took.
        latency_ms: Milliseconds to route one utterance: mean, median (p50), p99 and max.
        weakest: The intents with the lowest F1, and that.
        mistakes: The commonest mistakes.
    """

    train_utterances: int
    test_utterances: int
    intents: int
    unknown_intents: int
    accuracy: float
    in_scope_accuracy: float
    macro_f1: float
    out_of_scope_recall: float | None
    left_alone: float
    floor: float | None
    training_seconds: float
    latency_ms: dict[str, float]
    weakest: list[tuple[str, float]]
    mistakes: list[Mistake]


def learning(embedder: Embedder | None = None) -> Learn:
    """The offline model's own method, without the lexicon and the ids of this desk.

    Args:
        embedder: Makes vectors of utterances; without one, words alone tell.
    """

    def learn(examples: Mapping[str, Sequence[str]], progress: Callable[[float], None]) -> Router:
        return Matcher(examples, {}, rest=OUT_OF_SCOPE, progress=progress, embedder=embedder)

    return learn


def evaluate_intents(
    train: Iterable[Utterance],
    test: Sequence[Utterance],
    *,
    reject: bool | None = None,
    learn: Learn | None = None,
    progress: Progress = lambda what, share: None,
) -> IntentReport:
    """Learn from some utterances and route others.

    Args:
        train: Utterances to learn from.
        test: Utterances to route, at least one.
        reject: Whether unlikely utterances are left alone; by default where either file has
            utterances that are out of scope. How unlikely that is, is set on `train` alone.
        learn: Makes the router; by default by words alone.
        progress: Is told how far it is.

    Raises:
        ValueError: There are fewer than two intents to learn.
        EmbeddingFailed: There are no vectors.
    """
    examples: dict[str, list[str]] = {}
    for utterance in train:
        examples.setdefault(utterance.label, []).append(utterance.text)
    intents = examples.keys() - {OUT_OF_SCOPE}
    if len(intents) < 2:
        raise ValueError("the training file has fewer than two intents to tell apart")
    wanted = [utterance.label for utterance in test]
    if reject is None:
        reject = OUT_OF_SCOPE in examples or OUT_OF_SCOPE in wanted
    began = time.perf_counter()
    router = (learn or learning())(examples, lambda share: progress("learning", share))
    seconds = time.perf_counter() - began
    floor = floor_of(router.put_aside()) if reject else None
    told, latencies = _route(router, floor, test, progress)
    inside = [pair for pair in zip(wanted, told, strict=True) if pair[0] != OUT_OF_SCOPE]
    in_scope = [want for want, _ in inside], [tell for _, tell in inside]
    return IntentReport(
        train_utterances=sum(map(len, examples.values())),
        test_utterances=len(test),
        intents=len(intents),
        unknown_intents=len(set(wanted) - intents - {OUT_OF_SCOPE}),
        accuracy=accuracy(wanted, told),
        in_scope_accuracy=accuracy(*in_scope),
        macro_f1=macro_f1(wanted, told),
        out_of_scope_recall=recall(wanted, told, OUT_OF_SCOPE),
        left_alone=in_scope[1].count(OUT_OF_SCOPE) / max(1, len(inside)),
        floor=floor,
        training_seconds=seconds,
        latency_ms=_latency(latencies),
        weakest=sorted(f1_scores(wanted, told).items(), key=lambda pair: (pair[1], pair[0]))[
            :SHOWN
        ],
        mistakes=_mistakes(wanted, told),
    )


def floor_of(put_aside: Sequence[tuple[str, Match]]) -> float | None:
    """The fit below which an utterance is out of scope, or nothing where none need be.

    At most a share of `LOST` of the examples in scope is given up, as it was before they were
    learned from: those that the router itself took for out of scope, and those that it routed
    right with a fit below the floor.
    """
    inside = [(name, match) for name, match in put_aside if name != OUT_OF_SCOPE]
    given_up = sum(match.name == OUT_OF_SCOPE for _, match in inside)
    right = sorted(match.fit for name, match in inside if match.name == name)
    allowed = int(LOST * len(inside)) - given_up
    return right[allowed] if 0 <= allowed < len(right) else None


def _route(
    router: Router, floor: float | None, test: Sequence[Utterance], progress: Progress
) -> tuple[list[str], list[float]]:
    """What each utterance was routed to, and the seconds that took."""
    told, latencies = [], []
    for number, utterance in enumerate(test, start=1):
        began = time.perf_counter()
        best = router.match(utterance.text)[0]
        told.append(OUT_OF_SCOPE if floor is not None and best.fit < floor else best.name)
        latencies.append(time.perf_counter() - began)
        progress("routing", number / len(test))
    return told, latencies


def _latency(seconds: Sequence[float]) -> dict[str, float]:
    return {
        "mean": 1000 * sum(seconds) / len(seconds),
        "p50": 1000 * percentile(seconds, 0.5),
        "p99": 1000 * percentile(seconds, 0.99),
        "max": 1000 * max(seconds),
    }


def _mistakes(wanted: Sequence[str], told: Sequence[str]) -> list[Mistake]:
    pairs = Counter(pair for pair in zip(wanted, told, strict=True) if pair[0] != pair[1])
    ordered = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    return [Mistake(want, tell, count) for (want, tell), count in ordered[:SHOWN]]
