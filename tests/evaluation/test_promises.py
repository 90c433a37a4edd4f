"""What `deskward eval promises` counts, and what it learns from labelled replies."""

from pathlib import Path

import pytest

from deskward.agent.classifier import line_of, read_examples
from deskward.agent.leaves import Evidence
from deskward.cli.evaluate_safety import promises
from deskward.evaluation.examples import LEARNED_FROM, OTHER, examples_of
from deskward.evaluation.promises import Reply, labelled_replies, marked_anew
from deskward.text.clauses import NONE, Clause
from tests.everything import CLAIMS

ORDER = {"id": "O1003", "status": "cancelled"}
ARGUMENTS = {"order_id": "O1003", "status": "cancelled"}
CANCELLED = Evidence("update_order_status", "ok", ARGUMENTS, {"success": True, "order": ORDER})


def reply(text: str, label: str = "supported") -> Reply:
    assert label in ("supported", "unsupported")
    good = label == "supported"
    return Reply(
        "r",
        "test",
        "supported" if good else "unsupported",
        "en",
        "cancel O1003",
        (CANCELLED,),
        text,
    )


def test_a_sentence_that_is_held_back_for_want_of_a_mark_gets_one() -> None:
    unknown = "Twoje zamówienie O1003 zostało anulowane."
    assert CLAIMS.unsupported(unknown, [CANCELLED])
    assert marked_anew(CLAIMS, reply(unknown)) == f"{unknown} [[r1]]"
    good = "Your order O1003 was cancelled."
    assert marked_anew(CLAIMS, reply(good)) == good
    false = reply("I have cancelled O1002 [[r1]].")
    assert CLAIMS.unsupported(marked_anew(CLAIMS, false), [CANCELLED])


def test_lines_of_marked_sets_have_a_way_and_results_in_the_order_of_their_marks() -> None:
    marked = [one for one in labelled_replies() if one.split.startswith("blind_marked")]
    assert len(marked) == 516
    assert all(one.way for one in marked)
    assert {one.kind for one in marked} == {"en", "de", "fr", "es", "it", "pt", "ja", "ar"}
    assert {one.way for one in marked if one.label == "supported"} <= {
        "marked", "no_tool", "from_article", "marks_forgotten"
    }  # fmt: skip


def test_each_clause_of_a_good_reply_claims_what_is_shown_or_nothing() -> None:
    learned = examples_of(CLAIMS, [reply("Hello! I have cancelled O1003 [[r1]].")])
    assert [name for name, _ in learned] == [NONE, "order_cancelled"]


def test_one_clause_of_a_false_reply_claims_what_is_not_shown() -> None:
    false = reply("I have cancelled O1003, and I have refunded you.", "unsupported")
    assert [name for name, _ in examples_of(CLAIMS, [false])] == ["refunded"]
    value = reply("I have cancelled O1002, and I have refunded you.", "unsupported")
    assert list(examples_of(CLAIMS, [value])) == []  # it may be false for the value alone


def test_examples_are_read_as_they_are_written(tmp_path: Path) -> None:
    examples = [
        (OTHER, Clause(("‹order›", "is", "n't", "cancelled"), "cn", ())),
        (NONE, Clause(("hello",), "", ())),
    ]
    file = tmp_path / "examples.txt"
    file.write_text("\n".join(map(line_of, examples)), "utf-8")
    assert read_examples(file) == examples


def test_what_ships_was_learned_from_what_is_for_learning() -> None:
    assert not {"test", "blind", "blind_second", "blind_marked_test"} & set(LEARNED_FROM)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_ships_can_be_made_anew(tmp_path: Path) -> None:
    import deskward

    promises(learn=tmp_path / "claimed.txt")
    made = (tmp_path / "claimed.txt").read_text("utf-8").splitlines()
    ships = Path(deskward.__file__).with_name("claimed.txt").read_text("utf-8").splitlines()
    assert len(set(made) ^ set(ships)) <= 0.01 * len(ships)  # another CPU may round differently
