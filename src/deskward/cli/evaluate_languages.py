"""`deskward eval languages`."""

from __future__ import annotations

import sys

from deskward.cli.session import Json, print_json, read_settings


def languages(*, json_: Json = False) -> None:
    """Ask for English articles in twelve languages, and say how often the right one is first.

    By meaning alone, with what EMBEDDINGS names: 204 questions, 61 articles. Exit code 1: there are
    no vectors.

    Example: `deskward eval languages`
    """
    import asyncio
    from dataclasses import asdict

    from deskward.evaluation.languages import evaluate_languages
    from deskward.integrations.embeddings.choose import choose_embedder
    from deskward.text.vectors import EmbeddingFailed

    embedder = choose_embedder(read_settings())
    if embedder is None:
        sys.exit("deskward: there are no vectors (EMBEDDINGS)")
    try:
        report = asyncio.run(evaluate_languages(embedder))
    except EmbeddingFailed as error:
        sys.exit(f"deskward: {error}")
    finally:
        embedder.close()
    if json_:
        print_json({"model": embedder.name, "share": report.share(), **asdict(report)})
        return
    print(f"{embedder.name}: of {report.articles} articles the right one came first")
    for language, asked in report.asked.items():
        print(f"{language:<6}{report.first[language]:>4} of {asked}")
    print(f"all   {report.share():7.1%}")
