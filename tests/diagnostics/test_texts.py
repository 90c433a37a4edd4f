"""Workflows in other languages: catalogues, what is missing, and sessions that speak them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from deskward.app import Desk
from deskward.cli.main import main
from deskward.diagnostics import texts
from deskward.diagnostics.checking import SHIPPED, load
from deskward.diagnostics.loading import WrongWorkflows
from deskward.diagnostics.shelf import Shelf
from deskward.diagnostics.suites.loading import Suites
from deskward.gate.answers import is_answer
from deskward.gate.context import Context
from tests.agent.talk import Talk
from tests.conftest import CUSTOMER
from tests.diagnostics.test_chat import sessions

LANGUAGES = ("ar", "de", "es", "fr", "it", "ja", "pt")
BEGUN = {
    "de": ("Unsere API-Aufrufe schlagen mit 429 fehl", "ja"),
    "fr": ("Nos appels à l'API reçoivent une erreur 429", "oui"),
    "es": ("Nuestras llamadas a la API reciben un 429", "sí"),
    "it": ("Le nostre chiamate all'API ricevono un 429", "sì"),
    "pt": ("As nossas chamadas à API recebem um 429", "sim"),
    "ja": ("APIの呼び出しが429エラーになります", "はい"),
    "ar": ("نداءات API ترجع خطأ 429", "نعم"),
}
ONE = """
workflow: own
version: 1
title: Own
category: own
specialist: web
causes:
  switch: {title: It is off, explanation: Somebody switched it off., fix: Switch it on.}
fragments:
  - id: one
    title: One
    steps:
      - id: is_on
        kind: check
        description: Is it on?
        instructions: Look.
        expected: It is.
        minutes: 1
        findings: [{when: "!is_on", supports: [switch]}]
        next: [{when: "!is_on", cause: switch}, {done: true}]
"""
HEAD = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'


@pytest.fixture(scope="module")
def shipped() -> texts.Texts:
    return texts.Texts(SHIPPED)


def test_every_shipped_text_is_translated() -> None:
    files = texts.catalogues_in(SHIPPED)
    assert tuple(file.stem for file in files) == LANGUAGES
    assert texts.faults_of(files) == []
    assert texts.missing(list(load(SHIPPED).values()), files) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_commands_and_questions(shipped: texts.Texts, language: str) -> None:
    spoken = shipped.spoken(language)
    for workflow in load(SHIPPED).values():
        for text, _ in texts.texts_of(workflow):
            told = spoken(text)
            assert told.count("`") == text.count("`"), told
            assert text.endswith("?") == told.endswith(("?", "؟", "か。")), told


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_choice_is_chosen_by_what_it_means_there(shipped: texts.Texts, language: str) -> None:
    spoken = shipped.spoken(language)
    for workflow in load(SHIPPED).values():
        for fragment in workflow.fragments:
            for step in fragment.steps:
                if step.answer.type != "choice":
                    continue
                meanings = step.answer.choices
                listed = [f"{word}: {spoken(meaning)}" for word, meaning in meanings.items()]
                record = {"asks": "choice", "choices": listed}
                for number, (word, meaning) in enumerate(meanings.items(), 1):
                    assert is_answer(record, word, spoken(meaning)), (step.id, word)
                    assert is_answer(record, word, str(number))
                    others = [one for one in meanings if one != word]
                    assert not any(is_answer(record, one, spoken(meaning)) for one in others)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_session_speaks_the_customers_language(
    sqlite_desk: Desk, shipped: texts.Texts, language: str
) -> None:
    talk, spoken = Talk(sqlite_desk), shipped.spoken(language)
    said, yes = BEGUN[language]
    assert spoken("Does it fail still?") in await talk.say(said)
    status = await talk.say(yes)
    assert spoken("Which status does the answer have?") in status
    assert spoken("calls a minute") in await talk.say("429")
    found = [await talk.say(number) for number in ("120", "60")][-1]
    cause = sqlite_desk.gate.port(Shelf).workflows["api-errors"].causes["rate_limit"]
    assert all(spoken(text) in found for text in (cause.title, cause.explanation, cause.fix))
    (one,) = await sessions(sqlite_desk)
    assert one["cause"] == "rate_limit"


async def test_staff_see_ids_english_and_the_language(sqlite_desk: Desk) -> None:
    talk = Talk(sqlite_desk)
    await talk.say(BEGUN["de"][0])
    told = await _read(sqlite_desk)
    assert told["step"]["description"] == "Does it fail still?"
    assert told["language"] == "de"
    assert told["translated"]["step"]["description"] == "Schlägt es noch immer fehl?"


async def test_a_choice_is_answered_in_its_words(sqlite_desk: Desk) -> None:
    talk = Talk(sqlite_desk)
    first = await talk.say("Single Sign-on geht nicht, SSO schlägt für alle fehl")
    assert "1. mit einem Passwort; 2. mit Single Sign-on" in first
    assert "Können sich andere" in await talk.say("mit Single Sign-on")
    assert (await _read(sqlite_desk))["answered"][0]["answer"].startswith("sso:")


async def _read(desk: Desk) -> dict[str, Any]:
    found = await desk.gate.call(
        "get_diagnostic_session", {"session_id": "D1001"}, Context(CUSTOMER, "cli")
    )
    told: dict[str, Any] = found.value
    return told


def test_what_is_not_translated_is_told_in_english_with_a_note(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "de.po").write_text(HEAD + 'msgid "Is it on?"\nmsgstr "Ist es an?"\n', "utf-8")
    spoken = texts.Texts(tmp_path).spoken("de")
    assert spoken("Is it on?") == "Ist es an?"
    with caplog.at_level(logging.WARNING):
        assert spoken("Look closely, once.") == "Look closely, once."
    assert "not translated into de: Look closely, once." in caplog.text
    assert texts.Texts(tmp_path).spoken("nl")("Is it on?") == "Is it on?"
    assert texts.Texts(tmp_path).spoken("../de")("Is it on?") == "Is it on?"


def test_an_operators_catalogue_counts_before_the_shipped_one(tmp_path: Path) -> None:
    own = HEAD + 'msgid "Do other sites open?"\nmsgstr "Gehen andere Seiten?"\n'
    (tmp_path / "de.po").write_text(own, "utf-8")
    (tmp_path / "own.yaml").write_text(ONE, "utf-8")
    spoken = Shelf(tmp_path, Suites(None)).texts.spoken("de")
    assert spoken("Do other sites open?") == "Gehen andere Seiten?"
    assert spoken("Both open.") == "Beide öffnen sich."


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("de.po", b'msgid "Is it on?"\nmsgstr "Ist es an?\nno'),
        ("de.po", b"\xff\xfe"),
        ("german.po", HEAD.encode()),
        ("en.po", HEAD.encode()),
    ],
)
def test_a_wrong_catalogue_is_told_at_the_start(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / "own.yaml").write_text(ONE, "utf-8")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WrongWorkflows, match=name):
        Shelf(tmp_path, Suites(None))


@pytest.mark.usefixtures("logging_kept")
def test_the_command_writes_a_catalogue_and_tells_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.yaml").write_text(ONE, "utf-8")
    assert _run("workflow", "translate", "nl", str(tmp_path)) == 0
    assert "7 texts, 7 to translate" in capsys.readouterr().out
    file = tmp_path / "nl.po"
    filled = file.read_text("utf-8").replace('"Is it on?"\nmsgstr ""', '"Is it on?"\nmsgstr "Aan?"')
    file.write_text(filled, "utf-8")
    assert _run("workflow", "translate", "nl", str(tmp_path)) == 0
    assert "7 texts, 6 to translate" in capsys.readouterr().out
    assert texts.read_catalogue(file) == {"Is it on?": "Aan?"}
    assert _run("workflow", "check", str(tmp_path)) == 0
    told = capsys.readouterr().out
    assert "own, step is_on: not in nl: Look." in told
    assert "Is it on?" not in told
    assert _run("workflow", "translate", "../x", str(tmp_path)) != 0


def _run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(ended.value.code or 0)
