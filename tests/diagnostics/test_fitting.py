"""Which workflow an issue means, in whatever language it is told."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from deskward.app import open_desk
from deskward.core.errors import NotFound
from deskward.core.settings import Settings
from deskward.diagnostics.checking import SHIPPED, load
from deskward.diagnostics.fitting import NONE, Fitting
from deskward.diagnostics.shelf import Shelf
from deskward.diagnostics.suites.loading import Suites
from deskward.integrations.embeddings.choose import for_sentences
from deskward.text.vectors import Embedder, EmbeddingFailed
from tests.conftest import caller
from tests.demo_file import settings_in

ISSUES = Path(__file__).with_name("issues.yaml")
WORKFLOWS = load(SHIPPED)


@pytest.fixture
def sentences(tmp_path: Path) -> Embedder:
    """What makes vectors of sentences on this machine."""
    found = for_sentences(settings_in(tmp_path, embeddings=""), None)
    if found is None:
        pytest.skip("the weights of a model of sentences are not installed")
    return found


async def ready(fitting: Fitting) -> Fitting:
    """It, once it has learned."""
    while await fitting.meant(WORKFLOWS, list(WORKFLOWS), "x") is None:
        await asyncio.sleep(0.1)
    return fitting


@pytest.mark.slow
async def test_issues_in_eight_languages_find_their_workflow(sentences: Embedder) -> None:
    fitting = await ready(Fitting(sentences))
    wrong, stated, count = [], 0, 0
    for wanted, issues in yaml.load(ISSUES.read_text("utf-8"), Loader=yaml.CSafeLoader).items():
        for issue in issues:
            found = await fitting.meant(WORKFLOWS, list(WORKFLOWS), issue)
            count += 1
            if (found or "none") != wanted:
                wrong.append((wanted, found, issue))
                stated += found != NONE
    assert len(wrong) <= 0.1 * count, wrong
    assert stated <= 0.06 * count, wrong
    await fitting.aclose()


@pytest.mark.slow
async def test_a_session_begins_in_german_and_nothing_begins_where_nothing_fits(
    tmp_path: Path, template: Path, sentences: Embedder
) -> None:
    (tmp_path / "deskward.db").write_bytes(template.read_bytes())
    settings = settings_in(tmp_path, secret_key="k" * 32, embeddings="")
    async with open_desk(settings, chat=False) as desk:
        call = caller(desk)

        async def begin(issue: str) -> Any:
            asked = {"product_name": "Acme", "issue_description": issue}
            return await call("start_diagnostic_session", **asked)

        told = "Das Netz zu euch bricht alle paar Minuten weg."
        for _ in range(100):  # while the examples are learned, there are words alone
            if (outcome := await begin(told)).status == "ok":
                break
        assert outcome.value["workflow_id"] == "network-connectivity"
        none = await begin("Ich möchte die Bestellung zurückschicken.")
        assert none.value["error"]["code"] == "WORKFLOW_NOT_FOUND"
        assert "api, " in none.value["error"]["message"]


class Broken:
    """Makes no vectors."""

    name, dimensions, local = "broken", 4, True

    def embed(self, texts: Any, *, query: bool = False) -> Any:
        raise EmbeddingFailed("no weights")

    def close(self) -> None:
        """Close it."""


async def test_without_vectors_words_tell(sqlite_settings: Settings) -> None:
    fitting = Fitting(Broken())
    assert await fitting.meant(WORKFLOWS, list(WORKFLOWS), "We get a 429.") is None
    await fitting.aclose()


@pytest.mark.slow
async def test_no_workflow_is_guessed_in_a_script_that_vectors_know_too_little_of(
    sentences: Embedder,
) -> None:
    fitting = await ready(Fitting(sentences))

    async def meant(issue: str) -> str | None:
        return await fitting.meant(WORKFLOWS, list(WORKFLOWS), issue)

    assert await meant("אי אפשר להתחבר לשירות שלכם מהמשרד.") is None
    assert await meant("Δεν μπορώ να συνδεθώ με το SSO.") is None
    assert await meant("로그인이 안 됩니다.") == "sign-in"
    russian = await meant("Мы не можем подключиться к вашему сервису из офиса.")
    assert russian == "network-connectivity"
    await fitting.aclose()


@pytest.mark.parametrize(
    "issue",
    [
        "The connection is fine, nothing is wrong.",
        "Die Verbindung läuft, alles in Ordnung.",
        "Спасибо, соединение есть, всё работает.",
        "接続は問題ありません。",
    ],
)
async def test_who_says_that_nothing_is_wrong_has_no_issue(issue: str) -> None:
    shelf = Shelf(None, Suites(None))
    with pytest.raises(NotFound, match="does not show what kind"):
        await shelf.for_issue("Acme", issue)


async def test_who_says_what_else_is_fine_has_one() -> None:
    shelf = Shelf(None, Suites(None))
    found = await shelf.for_issue("Acme", "Sign-in works fine, but the connection is slow.")
    assert found.workflow == "network-connectivity"
