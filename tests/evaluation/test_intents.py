"""`deskward eval intents`: reading labelled utterances, metrics, and the command itself."""

import contextlib
import csv
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskward.agent.offline.matching import Match
from deskward.cli.ending import ending
from deskward.cli.main import app
from deskward.evaluation.intents import evaluate_intents, floor_of
from deskward.evaluation.labelled import (
    OUT_OF_SCOPE,
    Utterance,
    is_out_of_scope,
    read_utterances,
)
from deskward.evaluation.metrics import accuracy, f1_scores, macro_f1, percentile, recall

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(content: str | bytes, name: str = "data.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


READ = {
    "a header": "text,category\nhello there,greet\nso long,part\n",
    "no header": "hello there,greet\nso long,part\n",
    "the other order": "intent,utterance\ngreet,hello there\npart,so long\n",
    "capitals and spaces": " Text , LABEL \nhello there,greet\n so long , part \n",
    "a mark of order": "\ufefftext,category\nhello there,greet\nso long,part\n",
    "lines of another system": "text,category\r\nhello there,greet\r\nso long,part\r\n",
    "quotes": '"text","category"\n"hello there","greet"\n"so long","part"\n',
    "empty lines": "\ntext,category\n\nhello there,greet\n,\nso long,part\n\n",
    "more columns": "id,text,split,label\n1,hello there,train,greet\n2,so long,train,part",
}


@pytest.mark.parametrize("case", READ)
def test_files_are_read(write: Write, case: str) -> None:
    assert read_utterances(write(READ[case])) == [
        Utterance("hello there", "greet"),
        Utterance("so long", "part"),
    ]


def test_quoted_texts_keep_commas_quotes_and_lines(write: Write) -> None:
    path = write('text,category\n"well, ""you""\nknow",chat\n')
    assert read_utterances(path) == [Utterance('well, "you"\nknow', "chat")]


def test_without_a_header_labels_are_what_repeats_itself(write: Write) -> None:
    path = write("greet,hello\ngreet,hi\npart,bye\npart,so long\n")
    assert [utterance.label for utterance in read_utterances(path)] == [
        "greet",
        "greet",
        "part",
        "part",
    ]


@pytest.mark.parametrize("label", ["oos", "OOS", "out_of_scope", "Out of scope", "none", "ood"])
def test_labels_that_mean_no_intent(write: Write, label: str) -> None:
    path = write(f"text,category\nwhat is love,{label}\n")
    assert read_utterances(path) == [Utterance("what is love", OUT_OF_SCOPE)]
    assert is_out_of_scope("out-of-scope")
    assert not is_out_of_scope("none_of_your_business")


BAD = {
    "nothing": ("", "data.csv is empty"),
    "no utterances": ("text,category\n", "data.csv has a header and no utterances"),
    "a comma without quotes": (
        "text,category\nhello,greet\nwell, hello,greet\n",
        "data.csv, line 3: 2 columns are expected, here are 3; a text with a comma needs quotes",
    ),
    "a column": ("text,category\nhello\n", "data.csv, line 2: 2 columns are expected, here are 1"),
    "no label": ("text,category\nhello, \n", "data.csv, line 2: the label is empty"),
    "no text": ("text,category\n ,greet\n", "data.csv, line 2: the text is empty"),
    "lines within quotes": (
        'text,category\n"a\nb\nc",x\n\nd,\n',
        "data.csv, line 6: the label is empty",
    ),
    "an open quote": (
        'text,category\na,x\n"b,x\nc,x\n',
        "data.csv, line 3: unexpected end of data",
    ),
    "unnamed columns": ("a,b,c\n", "data.csv, line 1: with more than two columns"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_with_file_and_line(write: Write, case: str) -> None:
    content, problem = BAD[case]
    with pytest.raises(ValueError, match=re.escape(problem)):
        read_utterances(write(content))


def test_other_encodings_are_refused(write: Write) -> None:
    with pytest.raises(ValueError, match=r"data\.csv, after line \d+: this is not UTF-8"):
        read_utterances(write(b"text,category\ncaf\xe9,x\n"))


_FIELD = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(
    lambda text: text.strip() and not text.startswith("\ufeff")
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.lists(st.tuples(_FIELD, _FIELD), min_size=1), turned=st.booleans())
def test_what_csv_writes_is_read(
    tmp_path: Path, pairs: list[tuple[str, str]], turned: bool
) -> None:
    path = tmp_path / "pairs.csv"
    step = -1 if turned else 1
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "intent")[::step], *(pair[::step] for pair in pairs)])
    assert read_utterances(path) == [
        Utterance(text.strip(), OUT_OF_SCOPE if is_out_of_scope(label) else label.strip())
        for text, label in pairs
    ]


@given(content=st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    told = ""
    try:
        assert all(utterance.text and utterance.label for utterance in read_utterances(path))
    except ValueError as error:
        told = str(error)
    assert told == "" or "any.csv" in told


WANTED = ["a", "a", "a", "b", "b", "c", "oos"]
TOLD = ["a", "a", "b", "b", "a", "oos", "oos"]


def test_metrics_as_computed_by_hand() -> None:
    assert accuracy(WANTED, TOLD) == 4 / 7
    assert accuracy([], []) == 0
    # a: precision 2/3, recall 2/3; b: 1/2, 1/2; c: never told; oos: 1/2, 1/1
    assert f1_scores(WANTED, TOLD) == pytest.approx({"a": 2 / 3, "b": 0.5, "c": 0, "oos": 2 / 3})
    assert macro_f1(WANTED, TOLD) == pytest.approx((2 / 3 + 0.5 + 0 + 2 / 3) / 4)
    assert macro_f1([], []) == 0
    assert recall(WANTED, TOLD, "a") == 2 / 3
    assert recall(WANTED, TOLD, "z") is None


def test_percentiles() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [percentile(values, share) for share in (0, 0.2, 0.5, 0.99, 1)] == [1, 1, 3, 5, 5]


def test_the_floor_lies_below_nearly_all_that_was_right() -> None:
    right = [("a", Match("a", 0.5, number)) for number in range(100)]
    strange = [(OUT_OF_SCOPE, Match("a", 0.5, -2))] * 50
    assert floor_of([*strange, *right]) == 4  # 0 to 3 lie below it: 4 of 100
    taken = [("a", Match(OUT_OF_SCOPE, 0.5, 1))]
    assert floor_of([*right, *taken]) == 3
    assert floor_of([*right, *taken * 10]) is None
    assert floor_of(strange) is None


THINGS = {
    "book_table": ["a table", "dinner for two", "a place to eat", "seats at the restaurant"],
    "play_music": ["some jazz", "my favourite song", "the new album", "a rock playlist"],
    "set_alarm": ["an alarm at six", "the clock to wake me", "a wake up call", "my alarm off"],
    "weather": ["the forecast", "if it will rain", "how warm it gets", "the weather outside"],
    "send_money": ["ten dollars sent", "a transfer made", "money moved to him", "her paid back"],
}
STARTS = ["I want", "please get me", "could I have", "I would like", "give me", "arrange for"]
STRANGE = [
    "who painted the ceiling of the chapel",
    "why do cats purr at night",
    "translate butterfly into finnish",
    "the square root of nine hundred",
    "quantum entanglement explained simply",
]


@pytest.fixture
def files(write: Write) -> tuple[str, str]:
    """A training and a test file without out of scope."""

    def rows(starts: list[str]) -> str:
        said = [(f"{s} {t}", label) for label, ts in THINGS.items() for t in ts for s in starts]
        return "text,category\n" + "".join(f"{text},{label}\n" for text, label in said)

    train, test = rows(STARTS[:4]), rows(STARTS[4:])
    return str(write(train, "train.csv")), str(write(test, "test.csv"))


def _run(*words: str) -> None:
    with ending():
        app(list(words), exit_on_error=False, print_error=False, result_action="return_value")


def _report(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    _run("eval", "intents", *words, "--json")
    report = json.loads(capsys.readouterr().out)
    for measured in ("training_seconds", "latency_ms"):
        assert report.pop(measured)
    return report


def test_the_command_measures(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    report = _report(capsys, *files)
    assert report["train_utterances"] == 80
    assert report["test_utterances"] == 40
    assert report["intents"] == 5
    assert report["accuracy"] >= 0.95
    assert report["accuracy"] == report["in_scope_accuracy"]
    assert report["macro_f1"] >= 0.95
    assert report["out_of_scope_recall"] is None
    assert report["floor"] is None
    assert report["left_alone"] == 0


@pytest.mark.slow
def test_what_only_the_test_file_has_out_of_scope_is_left_alone(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    train, test = files
    with Path(test).open("a", encoding="utf-8") as file:
        file.writelines(f"{text},oos\n" for text in STRANGE)
    report = _report(capsys, train, test)
    assert report["out_of_scope_recall"] >= 0.8
    assert report["in_scope_accuracy"] >= 0.85
    assert report["floor"] is not None
    assert report["intents"] == 5
    assert _report(capsys, train, test, "--no-reject")["out_of_scope_recall"] == 0


def test_out_of_scope_may_be_learned(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    train, test = files
    with Path(train).open("a", encoding="utf-8") as file:
        file.writelines(f"{text},out_of_scope\n" for text in STRANGE)
    with Path(test).open("a", encoding="utf-8") as file:
        file.writelines(f"tell me {text},none\n" for text in STRANGE)
    report = _report(capsys, train, test)
    assert report["out_of_scope_recall"] == 1
    assert report["intents"] == 5


def test_an_intent_that_was_not_learned_counts_as_wrong(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    train, test = files
    with Path(test).open("a", encoding="utf-8") as file:
        file.writelines(f"{text},trivia\n" for text in STRANGE)
    report = _report(capsys, train, test)
    assert report["unknown_intents"] == 1
    assert report["accuracy"] <= 40 / 45


def test_the_same_files_give_the_same_routing_in_every_process(files: tuple[str, str]) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from deskward.evaluation.intents import learning\n"
        "from deskward.evaluation.labelled import read_utterances\n"
        "examples = {}\n"
        "for u in read_utterances(Path(sys.argv[1])):\n"
        "    examples.setdefault(u.label, []).append(u.text)\n"
        "router = learning()(examples, lambda share: None)\n"
        "for u in read_utterances(Path(sys.argv[2])):\n"
        "    print([(m.name, m.score.hex()) for m in router.match(u.text)])\n"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code, *files],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1
    assert seen.pop()


def test_the_table(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    train, test = files
    with Path(test).open("a", encoding="utf-8") as file:
        file.writelines(f"{text},trivia\n" for text in STRANGE)
    _run("eval", "intents", train, test)
    out, err = capsys.readouterr()
    for words in ("accuracy", "macro-F1", "out-of-scope recall", "latency", "trivia", "median"):
        assert words in out
    assert err == ""


def test_a_bar_shows_on_a_terminal(files: tuple[str, str]) -> None:
    terminal, other_end = pty.openpty()
    # Read meanwhile: a terminal holds some thousand characters, and a slow machine shows more.
    with ThreadPoolExecutor(1) as thread:
        reading = thread.submit(_all_of, terminal)
        try:
            done = subprocess.run(
                [sys.executable, "-m", "deskward", "eval", "intents", *files],
                check=True,
                stdout=subprocess.PIPE,
                stderr=other_end,
                env={**os.environ, "TERM": "xterm"},
            )
        finally:
            os.close(other_end)
        shown = reading.result()
    os.close(terminal)
    assert b"accuracy" in done.stdout
    assert b"learning" in shown
    assert b"routing" in shown


def _all_of(terminal: int) -> bytes:
    """What a terminal shows until nobody writes to it any more."""
    shown = b""
    with contextlib.suppress(OSError):  # which is how Linux tells the end
        while piece := os.read(terminal, 65536):
            shown += piece
    return shown


def test_a_bad_file_is_told_in_one_line(write: Write) -> None:
    good = str(write("a,x\nb,y\n", "good.csv"))
    with pytest.raises(SystemExit, match=r"deskward: .*bad\.csv, line 1: the label is empty"):
        _run("eval", "intents", str(write("a,\n", "bad.csv")), good)
    with pytest.raises(SystemExit, match=r"deskward: .*missing\.csv"):
        _run("eval", "intents", good, "missing.csv")
    lonely = str(write("a,x\nb,x\n", "lonely.csv"))
    with pytest.raises(SystemExit, match="fewer than two intents"):
        _run("eval", "intents", lonely, good)


def test_a_router_of_another_kind_fits_in() -> None:
    class First:
        def match(self, text: str) -> list[Match]:
            return [Match(text.split()[0], 1.0)]

        def put_aside(self) -> list[tuple[str, Match]]:
            return []

    said = [Utterance("a b", "a"), Utterance("b c", "b"), Utterance("c a", OUT_OF_SCOPE)]
    report = evaluate_intents(said, said, learn=lambda examples, progress: First())
    assert report.in_scope_accuracy == 1
    assert report.accuracy == pytest.approx(2 / 3)
    assert report.out_of_scope_recall == 0
    assert report.floor is None
