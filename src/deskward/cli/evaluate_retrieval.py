"""`deskward eval retrieval`."""

from __future__ import annotations

import sys

from deskward.cli.progress import progress_bars
from deskward.cli.session import Json, print_json, read_settings

FIRST = 0.80
"""How many of the questions are to find their article first at least, and be answered from it."""


def retrieval(*, json_: Json = False) -> None:
    """Ask a desk 200 questions in German, Spanish, Japanese and Arabic, of 109 English articles.

    The articles are published on a fresh desk with what EMBEDDINGS names, and the questions asked
    as customers ask: how often the right one of them, many of which resemble each other, comes
    first, and how often the answer is from it. Then 40 questions that no article answers. Exit
    code 1: fewer than 80 % came first.

    Example: `deskward eval retrieval`
    """
    import asyncio
    import tempfile
    from pathlib import Path

    from deskward.evaluation.foreign import evaluate_foreign

    with tempfile.TemporaryDirectory(prefix="deskward-eval-") as folder, progress_bars() as show:
        report = asyncio.run(evaluate_foreign(read_settings(), Path(folder), show))
    figures = {language or "all": report.of(language) for language in (*report.languages, None)}
    if json_:
        refused = {"unanswerable": report.unanswerable, "refused": report.refused}
        print_json({"articles": report.articles, **figures, **refused})
    else:
        print(f"{report.articles} articles; the right one is")
        print(f"{'':8}{'asked':>8}{'first':>8}{'in five':>9}{'answers':>9}{'nothing':>9}")
        for name, one in figures.items():
            asked, *shares = one.values()
            told = "".join(f"{share:9.1%}" for share in shares)
            print(f"{name:8}{asked:8.0f}{told}")
        print(f"of {report.unanswerable} without an answer, {report.refused} were left unanswered")
    if figures["all"]["first"] < FIRST:
        sys.exit(1)
