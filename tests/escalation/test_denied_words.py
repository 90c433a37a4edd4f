"""A word that is denied does not escalate; one that is only half denied does."""

from __future__ import annotations

import pytest

from deskward.escalation.rules import EVERYDAY, ask, load
from deskward.text.risk import risks_of

GRAVE = {"legal", "security", "fraud-in-words", "legal-in-words"}
DENIED = [
    "I do not need a lawyer, only a receipt.",
    "This is no scam.",
    "It is not a scam. The invoice is right.",
    "I don't want to sue anybody.",
    "Ich brauche keinen Anwalt.",
    "Das ist kein Betrug.",
    "Es handelt sich nicht um Betrug.",
    "Ce n'est pas une arnaque.",
    "Je n'ai pas besoin d'un avocat.",
    "No es una estafa.",
    "No necesito un abogado.",
    "Non è una truffa.",
    "Non ho bisogno di un avvocato.",
    "Não preciso de um advogado.",
    "Het is geen oplichting.",
    "Это не мошенничество.",
    "Мне не нужен адвокат.",
    "これは詐欺ではありません。",
    "这不是诈骗。",
]
SAID = [
    "I need a lawyer now.",
    "This is a scam!",
    "I will not sue if you pay at once.",
    "I have no lawyer yet.",
    "Is this not a scam?",
    "Why should I not sue you?",
    "This is not only a scam.",
    "It is no doubt a scam.",
    "I don't know who stole my card.",
    "No, my card was stolen.",
    "Do not make me call a lawyer.",
    "I do not need a lawyer to know that my card was stolen.",
    "Ich nehme mir einen Anwalt.",
    "Ich brauche keinen Anwalt, wenn Sie zahlen.",
    "Noch habe ich keinen Anwalt.",
    "Ist das kein Betrug?",
    "C'est une arnaque.",
    "Je ne sais pas quel avocat prendre.",
    "Esto es una estafa.",
    "È una truffa.",
    "Vou falar com um advogado.",
    "Это мошенничество.",
    "これは詐欺です。",
    "这是诈骗。",
]


def matched(text: str) -> set[str]:
    facts = {**EVERYDAY, "signs": risks_of("", text, but_denied=True)}
    return {one.rule.id for one in ask(load().rules, facts, text) if one.matched} & GRAVE


@pytest.mark.parametrize("text", DENIED)
def test_a_denied_word_escalates_nothing(text: str) -> None:
    assert matched(text) == set()


@pytest.mark.parametrize("text", SAID)
def test_what_is_said_or_only_half_denied_escalates(text: str) -> None:
    assert matched(text) != set()


def test_what_is_denied_is_still_a_risk_of_an_answer_without_a_person() -> None:
    assert "legal" in risks_of("", "I do not need a lawyer.")
