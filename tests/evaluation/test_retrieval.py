"""The measures of a search, against cases that were computed by hand; and the files."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from deskward.evaluation.retrieval import (
    average_precision,
    chance_of_difference,
    ndcg_at,
    read_corpus,
    read_qrels,
    read_queries,
    recall_at,
)

JUDGED = {"a": 2, "b": 1, "c": 1, "d": 0}


def test_ndcg_by_hand() -> None:
    # x, a, d, b: 2/log2(3) + 1/log2(5); at best a, b, c: 2 + 1/log2(3) + 1/2.
    expected = (2 / math.log2(3) + 1 / math.log2(5)) / (2 + 1 / math.log2(3) + 0.5)
    assert ndcg_at(["x", "a", "d", "b"], JUDGED, 10) == pytest.approx(expected)
    assert ndcg_at(["a", "b", "c"], JUDGED, 10) == 1
    assert ndcg_at(["x", "a"], JUDGED, 1) == 0
    assert ndcg_at(["a"], {"d": 0}, 10) == 0
    assert ndcg_at(["n", "a"], {"n": -1, "a": 1}, 10) == pytest.approx(1 / math.log2(3))


def test_average_precision_by_hand() -> None:
    # b at 1, a at 3, and c is not found.
    assert average_precision(["b", "d", "a", "x"], JUDGED) == pytest.approx((1 + 2 / 3) / 3)
    assert average_precision([], JUDGED) == 0
    assert average_precision(["a"], {}) == 0


def test_recall_by_hand() -> None:
    assert recall_at(["a", "x", "b"], JUDGED, 2) == pytest.approx(1 / 3)
    assert recall_at(["a", "x", "b"], JUDGED, 100) == pytest.approx(2 / 3)


def test_chance_is_counted_exactly_where_there_are_few() -> None:
    # Three questions better by the same: of 8 ways to turn signs 2 are as large.
    assert chance_of_difference([1, 1, 1], [0, 0, 0]) == pytest.approx(0.25, abs=0.02)
    assert chance_of_difference([1, 0.5], [1, 0.5]) == 1
    assert chance_of_difference([0.5] * 20, [0.1] * 20) < 0.001
    assert chance_of_difference([1, 0] * 20, [0, 1] * 20) == 1


def test_files_of_beir_and_of_trec_are_read(tmp_path: Path) -> None:
    def file(text: str) -> Path:
        path = tmp_path / "file"
        path.write_text(text, encoding="utf-8")
        return path

    assert read_queries(file('{"_id": 1, "text": "who"}\n\n{"_id": "b", "text": "wo"}\n')) == {
        "1": "who",
        "b": "wo",
    }
    assert read_queries(file("1\twho is\tit\n2\two\n")) == {"1": "who is\tit", "2": "wo"}
    topics = "<top>\n<num> Number: 301\n<title> Organized\n crime\n<desc> x\n</top>\n"
    assert read_queries(file(topics)) == {"301": "Organized crime"}
    assert read_qrels(file("query-id\tcorpus-id\tscore\n1\td1\t2\n1\td2\t0\n")) == {
        "1": {"d1": 2, "d2": 0}
    }
    assert read_qrels(file("1 0 d1 1\n2 0 d2 -1\n")) == {"1": {"d1": 1}, "2": {"d2": -1}}
    (one,) = read_corpus(file('{"_id": "d1", "title": "T", "text": "x"}\n'))
    assert (one.id, one.title, one.text) == ("d1", "T", "x")
    for read, text in (
        (read_queries, "no tab"),
        (read_queries, '{"_id": 1}'),
        (read_queries, "<top><num>1</top>"),
        (read_qrels, "1 0 d1 1\none two"),
        (read_corpus, "[]"),
    ):
        with pytest.raises(ValueError, match=r"file: (line \d|a topic)"):
            read(file(text))
