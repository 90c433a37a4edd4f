"""A cause is stated only as a diagnostic session names it that has ended with one."""

from __future__ import annotations

from typing import Any

import pytest

from deskward.agent.leaves import Evidence
from deskward.app import Desk
from tests.agent.scripted import tool
from tests.conftest import caller
from tests.conversations.test_asking import events, script
from tests.diagnostics.test_sessions import TO_CAUSE, answer, start
from tests.everything import CLAIMS

CERTIFICATE = {
    "title": "The service's certificate has expired",
    "explanation": "Programs refuse it from every network.",
    "fix": "Renew it.",
}
GERMAN = {
    "title": "Das Zertifikat des Dienstes ist abgelaufen",
    "explanation": "Programme lehnen es ab.",
    "fix": "Erneuern Sie es.",
}
SPANISH = {
    "title": "El certificado del servicio ha caducado",
    "explanation": "Los programas lo rechazan.",
    "fix": "Renuévelo.",
}
JAPANESE = {
    "title": "サービスの証明書が期限切れです",
    "explanation": "プログラムが拒否します。",
    "fix": "更新してください。",
}
CLOCK = {
    "title": "The clock of the device is wrong",
    "explanation": "Codes are made from the time.",
    "fix": "Have the device set its clock by the network.",
}
CLOCKS = {
    GERMAN["title"]: {**GERMAN, "title": "Die Uhr des Geräts geht falsch"},
    SPANISH["title"]: {**SPANISH, "title": "El reloj del dispositivo está mal"},
    JAPANESE["title"]: {**JAPANESE, "title": "端末の時計がずれています"},
}
"""The other cause, by the title of the first in the same language."""
HYPOTHESES = [
    {"cause": "certificate", "title": CERTIFICATE["title"], "state": "supported", "evidence": []},
    {"cause": "clock", "title": CLOCK["title"], "state": "possible", "evidence": []},
]


def session(result: Any = None, translated: Any = None, name: str = "D1001") -> Evidence:
    """What a session's tool answers, open unless it has a result."""
    found = {"kind": "cause", "cause": "x", "reason": "", **result} if result else None
    texts = {"workflow_title": "x", "step": None, "result": translated} if translated else None
    answered = {"id": name, "hypotheses": HYPOTHESES, "result": found, "translated": texts}
    return Evidence("get_diagnostic_session", "ok", {"session_id": name}, answered)


def withheld(reply: str, *shown: Evidence, said: str = "") -> bool:
    return bool(CLAIMS.unsupported(reply, shown, [said]))


CAUSES = [
    ("The cause is an expired certificate.", None),
    ("I have found the cause: the certificate has expired.", None),
    ("The problem is caused by an expired certificate.", None),
    ("Die Ursache ist ein abgelaufenes Zertifikat.", GERMAN),
    ("Das Problem liegt an einem abgelaufenen Zertifikat.", GERMAN),
    ("La causa es un certificado caducado.", SPANISH),
    ("原因は証明書の期限切れです。", JAPANESE),
]


@pytest.mark.parametrize(("reply", "translated"), CAUSES)
def test_a_cause_is_stated_only_as_a_session_names_it(reply: str, translated: Any) -> None:
    assert withheld(reply)
    assert withheld(reply, session()), "it is a possible one, or supported, and not the result"
    other = CLOCKS[translated["title"]] if translated else None
    assert withheld(reply, session(CLOCK, other))
    assert not withheld(reply, session(CERTIFICATE, translated))
    assert withheld(reply, session(CERTIFICATE, translated), session()), "an answer was taken back"
    second = session(CLOCK, other, name="D1002")
    assert not withheld(reply, session(CERTIFICATE, translated), second)


@pytest.mark.parametrize(
    "reply",
    [
        "La cause est un certificat expiré.",
        "La causa è un certificato scaduto.",
        "A causa é um certificado expirado.",
        "سبب المشكلة شهادة منتهية.",
        "The root cause of your trouble is a stale DNS record.",
        "The cause is that the certificate is no longer valid.",
        "The cause has been found.",
    ],
)
def test_no_cause_is_stated_without_a_session_in_any_language(reply: str) -> None:
    assert withheld(reply)
    assert withheld(reply, session())


def test_what_a_customer_asks_does_not_make_it_the_cause() -> None:
    said = "Is the cause an expired certificate?"
    assert withheld("Yes, the cause is an expired certificate.", session(), said=said)
    assert withheld("Yes, the cause is an expired certificate.", session(CLOCK), said=said)


def test_words_of_another_language_cannot_be_compared() -> None:
    """A workflow of a desk's own need not be translated."""
    assert not withheld("Die Ursache ist ein abgelaufenes Zertifikat.", session(CERTIFICATE))


@pytest.mark.parametrize(
    "reply",
    [
        "It may be an expired certificate [[r1]].",
        "The cause may be an expired certificate.",
        "A possible cause is an expired certificate.",
        "We do not know the cause yet.",
        "The cause has not been found yet.",
        "Let us find the cause step by step.",
        "Is the cause an expired certificate?",
        "Could you tell me whether the certificate is the cause?",
        "I am sorry for the inconvenience caused by this.",
        "Die Ursache könnte ein abgelaufenes Zertifikat sein.",
        "Es kann sein, dass ein abgelaufenes Zertifikat die Ursache ist.",
        "Die Ursache kennen wir noch nicht.",
        "Suchen wir die Ursache Schritt für Schritt.",
        "La cause est peut-être un certificat expiré.",
        "Nous ne connaissons pas encore la cause.",
        "La causa puede ser un certificado caducado.",
        "Todavía no conocemos la causa.",
        "La causa potrebbe essere un certificato scaduto.",
        "A causa pode ser um certificado expirado.",
        "原因は証明書の期限切れかもしれません。",
        "原因はまだ分かりません。",
        "ربما يكون السبب شهادة منتهية.",
        "لا نعرف السبب بعد.",
    ],
)
def test_what_may_be_a_cause_may_be_said_as_that(reply: str) -> None:
    assert not withheld(reply, session())


READ = tool("get_diagnostic_session", session_id="D1001")
RIGHT = "The cause is that more calls are made than the limit allows."
WRONG = "The cause is an expired certificate."


async def said(desk: Desk, *steps: Any, text: str) -> str:
    """What a customer is told at last, when a model has said all of its steps."""
    model = script(desk, *steps)
    told = (await events(desk, text))[-1].text
    assert not model.steps, "a step was sent that should have been withheld"
    return str(told)


async def test_a_model_states_the_cause_of_the_session_and_no_other(sqlite_desk: Desk) -> None:
    call = caller(sqlite_desk)
    begun = await start(call)
    seek, hedged = "Let us find the cause.", "The cause may be the rate limit."
    assert await said(sqlite_desk, [WRONG], [seek], text="Why do our calls fail?") == seek
    # It is possible by now, and not the result.
    assert await said(sqlite_desk, [READ], [RIGHT], [hedged], text="And what is it?") == hedged
    await answer(call, begun, *TO_CAUSE)
    assert await said(sqlite_desk, [READ], [WRONG], [RIGHT], text="What is it now?") == RIGHT
    # An earlier turn has shown it.
    assert await said(sqlite_desk, [RIGHT], text="Say it once more") == RIGHT


async def test_a_shipped_cause_may_be_stated_in_its_words(sqlite_desk: Desk) -> None:
    call = caller(sqlite_desk)
    ended = await answer(call, await start(call), *TO_CAUSE)
    shown = Evidence("get_diagnostic_session", "ok", {}, ended)
    assert not withheld(f"I have found the cause: {ended['result']['title']}.", shown)
