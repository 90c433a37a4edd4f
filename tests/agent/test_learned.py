"""What the offline model learned is kept, read as it was, and made anew where it cannot be."""

from pathlib import Path

import pytest

from deskward.agent.learned import Learned
from deskward.agent.offline import matching
from deskward.agent.offline.matching import Matcher

EXAMPLES = {
    "balance": ["what is my balance", "how much money do I have", "show the balance"],
    "card": ["block my card", "my card was stolen", "deactivate the card"],
}
LEXICON = {"money": ["cash", "funds", "balance"]}
MATCHING = "deskward.agent.offline.matching"
CODE = (MATCHING, "deskward.agent.offline.features", "deskward.agent.linear")
SENTENCES = ["how much cash is there", "someone took my cards", "hello", "", "block", "ballance"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "deskward"


def matcher(learned: Learned | None = None) -> Matcher:
    return Matcher(EXAMPLES, LEXICON, learned=learned)


def test_what_is_kept_says_the_same(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    anew = matcher(Learned([EXAMPLES, LEXICON], *CODE))
    assert len(list(cache.iterdir())) == 1
    monkeypatch.setattr(matching, "train", None)  # cannot learn any more
    kept = matcher(Learned([EXAMPLES, LEXICON], *CODE))
    for sentence in SENTENCES:
        assert kept.match(sentence) == anew.match(sentence)
    assert kept.put_aside() == anew.put_aside()


def test_other_material_and_other_code_are_learned_by_themselves(cache: Path) -> None:
    matcher(Learned([EXAMPLES, LEXICON], *CODE))
    assert Learned([EXAMPLES, {}], *CODE).read() is None
    assert Learned([EXAMPLES, LEXICON], MATCHING).read() is None
    assert Learned([EXAMPLES, LEXICON], *CODE).read() is not None


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all", None])
def test_a_file_that_cannot_be_read_is_made_anew(cache: Path, content: bytes | None) -> None:
    wanted = matcher(Learned([EXAMPLES, LEXICON], *CODE))
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if content is None else content)
    found = matcher(Learned([EXAMPLES, LEXICON], *CODE))
    assert [found.match(s) for s in SENTENCES] == [wanted.match(s) for s in SENTENCES]
    assert file.read_bytes() == whole
    assert len(list(cache.iterdir())) == 1


def test_without_a_place_to_keep_it_is_learned_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert matcher(Learned([], *CODE)).match("show my balance")[0].name == "balance"
