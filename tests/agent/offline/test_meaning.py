"""Skills told apart by vectors, too."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from deskward.agent.linear import Rows
from deskward.agent.model import Message, ModelRequest, TextPiece
from deskward.agent.offline.matching import Match, Matcher, beside
from deskward.agent.offline.meaning import Meaning
from deskward.agent.offline.model import OfflineModel
from deskward.core.settings import Settings
from deskward.features import all_features
from deskward.integrations.embeddings.choose import choose_embedder
from deskward.shipped import shipped_skills
from deskward.text.vectors import Embedder, EmbeddingFailed

if TYPE_CHECKING:
    from deskward.text.vectors import Vectors

LANGUAGES = Path(__file__).parent / "paraphrases" / "languages.yaml"
TOPICS = {
    "money": ("balance", "saldo", "guthaben", "solde"),
    "parcel": ("parcel", "paquete", "paket", "colis"),
}


class Translating:
    """Knows words of four languages, and gives each topic a direction."""

    name, dimensions, local = "translating", 3, True

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails = False

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        if self.fails:
            raise EmbeddingFailed("away")
        self.asked += texts
        vectors = np.full((len(texts), 3), 0.01, np.float32)
        for row, text in enumerate(texts):
            for column, known in enumerate(TOPICS.values()):
                vectors[row, column] += any(word in text.casefold() for word in known)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def close(self) -> None:
        """Nothing is open."""


EXAMPLES = {
    "money": ["what is my balance", "tell me the balance", "balance please", "my balance now"],
    "parcel": ["where is my parcel", "when does the parcel come", "parcel please", "my parcel now"],
    "none": ["what is the weather", "tell me a joke", "sing please", "do you dream now"],
}


def test_words_that_no_example_has_are_understood_by_their_vector() -> None:
    alone = Matcher(EXAMPLES, {}, rest="none")
    model = Matcher(EXAMPLES, {}, rest="none", embedder=Translating())
    for text, wanted in (("mein guthaben", "money"), ("dov'è il paquete", "parcel")):
        assert model.match(text)[0].name == wanted
        assert alone.match(text)[0].score < model.match(text)[0].score


def test_only_the_beginning_of_a_long_text_is_given_to_the_embedder() -> None:
    embedder = Translating()
    model = Matcher(EXAMPLES, {}, rest="none", embedder=embedder)
    model.match("my balance " * 5_000)
    assert max(map(len, embedder.asked)) <= 600


def test_rows_keep_length_one_and_their_own_columns() -> None:
    rows = Rows(np.array([0, 2, 2, 3]), np.array([4, 1, 0]), np.array([0.6, 0.8, 1.0]))
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    both = beside(rows, vectors, 10)
    dense = np.zeros((3, 12))
    for number in range(3):
        indices, values = both.row(number)
        dense[number, indices] = values
    half = np.sqrt(0.5)
    assert np.allclose(dense[:, 10:], vectors * half)
    assert dense[0, 4] == pytest.approx(0.6 * half)
    assert dense[2, 0] == pytest.approx(half)
    assert np.linalg.norm(dense, axis=1) == pytest.approx([1, half, 1])


def test_what_is_still_learned_is_not_waited_for() -> None:
    goes, told = threading.Event(), Translating()

    def learn(progress: Any) -> tuple[Matcher, Matcher]:
        goes.wait(10)
        one = Matcher(EXAMPLES, {}, rest="none", progress=progress, embedder=told)
        return one, one

    meaning = Meaning(learn)
    assert meaning.match("my balance") is None
    meaning.start()
    meaning.start()
    assert meaning.match("my balance") is None
    goes.set()
    meaning.wait()
    found = meaning.match("my balance")
    assert found
    assert found[0].name == "money"
    assert meaning.wished("my balance") == found
    told.fails = True
    assert meaning.match("another balance") is None
    meaning.close()


def test_who_closes_does_not_wait_for_the_whole_lesson() -> None:
    begun = threading.Event()

    def learn(progress: Any) -> tuple[Matcher, Matcher]:
        begun.set()
        for _ in range(10_000):
            threading.Event().wait(0.001)
            progress(0.1)
        raise AssertionError("nobody stopped it")

    meaning = Meaning(learn)
    meaning.start()
    assert begun.wait(5)
    meaning.close()
    assert meaning.match("my balance") is None


@pytest.mark.parametrize("error", [EmbeddingFailed("no weights"), RuntimeError("odd")])
def test_a_lesson_that_fails_leaves_words(error: Exception) -> None:
    def learn(_: Any) -> tuple[Matcher, Matcher]:
        raise error

    meaning = Meaning(learn)
    meaning.wait()
    assert meaning.match("my balance") is None


def test_a_service_elsewhere_is_not_told_what_customers_say() -> None:
    class Elsewhere(Translating):
        local = False

    embedder: Embedder = Elsewhere()
    model = OfflineModel(shipped_skills(all_features()), lazy=True, embedder=embedder)
    assert model._meaning is None


class Near:
    """A meaning that is near to one skill, whatever is said."""

    def __init__(self, name: str, score: float) -> None:
        self.found = [Match(name, score)]

    def start(self) -> None:
        """There is nothing to learn."""

    def match(self, text: str) -> list[Match]:
        return self.found


@pytest.mark.parametrize("pleasantry", ["thanks", "greeting", "goodbye"])
@pytest.mark.parametrize("threat", ["Ich verklage euch", "vi denuncio", "ich bring mich um"])
def test_a_threat_that_is_somewhat_near_to_a_pleasantry_is_none(
    offline: OfflineModel, monkeypatch: pytest.MonkeyPatch, pleasantry: str, threat: str
) -> None:
    usable = set(offline.skills)
    monkeypatch.setattr(offline, "_meaning", Near(pleasantry, 0.85))
    assert offline.best(threat, usable)[0] is None
    monkeypatch.setattr(offline, "_meaning", Near("balance", 0.85))
    assert offline.best("Kontostand", usable)[0] is offline.skills["balance"]
    monkeypatch.setattr(offline, "_meaning", Near("goodbye", 0.96))
    assert offline.best("до свидания", usable)[0] is offline.skills["goodbye"]


@pytest.mark.parametrize("text", ["👍", "👍🏽", "❤️", "🤷🏿\u200d♀️", "...", "؟", "。。。"])
async def test_what_has_no_word_is_near_to_nothing(
    offline: OfflineModel, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(offline, "_meaning", Near("goodbye", 0.99))
    asked = ModelRequest("", [Message("user", text)], [], 100)
    said = [e.text async for e in offline.stream(asked) if isinstance(e, TextPiece)]
    assert "".join(said).startswith("I am here.")


@pytest.fixture(scope="module")
def learned() -> OfflineModel:
    embedder = choose_embedder(Settings.alone(embeddings="fast"))
    model = OfflineModel(shipped_skills(all_features()), lazy=True, embedder=embedder)
    model.learn(vectors=True)
    return model


@pytest.mark.slow
def test_skills_with_english_examples_are_found_in_other_languages(
    learned: OfflineModel, offline: OfflineModel
) -> None:
    said = yaml.load(LANGUAGES.read_text("utf-8"), Loader=yaml.CSafeLoader)
    usable = set(learned.skills)

    def right(model: OfflineModel) -> int:
        found = [
            (model.best(text, usable)[0], name) for name, texts in said.items() for text in texts
        ]
        return sum((skill.name if skill else "none") == name for skill, name in found)

    assert sum(map(len, said.values())) == 64
    assert right(learned) >= 58
    assert right(offline) <= 40


@pytest.mark.slow
def test_meaning_alone_proposes_no_deed(learned: OfflineModel, offline: OfflineModel) -> None:
    """What words do not tell of a deed, meaning does not either."""
    usable = set(learned.skills)
    texts = [
        "Meine Karte ist weg",
        "Bitte sperren Sie sie",
        "Ho perso la carta ieri",
        "カードを止めてください",
        "I cannot find my plastic anywhere",
        "Ya no vivo en esa calle",
    ]
    for text in texts:
        skill, _ = learned.best(text, usable)
        if skill is not None and skill.acts:
            assert offline.best(text, usable)[0] == skill
