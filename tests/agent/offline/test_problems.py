"""Why something was not done is told in the customer's language, with no word of English."""

from __future__ import annotations

import pytest

from deskward.agent.offline.problems import problem_in
from deskward.agent.offline.replies import texts_of
from deskward.agent.offline.skills import Skill
from tests.agent.talk import Talk
from tests.everything import shipped_skills

OTHERS = {"de", "fr", "es", "it", "pt", "nl", "tr", "ja", "ar"}
SKILLS = shipped_skills().skills


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Storniere O1001", "Die Bestellung O1001 ist schon zugestellt"),
        ("Annule la commande O1002", "La commande O1002 est déjà expédiée"),
        ("Cancela el pedido O9999", "Entre sus pedidos no hay ningún O9999."),
        ("Blocca la mia carta 9999", "Nessuna delle sue carte"),
        ("Annuleer bestelling O1001", "Bestelling O1001 is al bezorgd"),
        ("Ändere mein Passwort in 123456", "mindestens 12 Zeichen"),
        ("Cancel order O1001", "Order O1001 is delivered"),
    ],
)
async def test_a_refusal_is_told_in_the_language_of_the_wish(
    talk: Talk, said: str, told: str
) -> None:
    assert told in await talk.say(said)


def test_every_general_problem_is_told_in_every_language() -> None:
    assert {name for name, texts in texts_of("problems").items() if set(texts) != OTHERS} == set()


@pytest.mark.parametrize("skill", [one for one in SKILLS.values() if one.problems])
def test_a_skills_own_problems_are_told_in_seven_languages_at_least(skill: Skill) -> None:
    assert all(set(one) >= OTHERS - {"ja", "ar"} for one in skill.problems.values())


def test_where_a_template_lacks_a_detail_general_words_are_said() -> None:
    error = {"error": {"code": "CONFLICT", "message": "It was changed in the meantime."}}
    told = problem_in("de", error, SKILLS["cancel_order"], {"order_id": "O1003"})
    assert told == texts_of("problems")["CONFLICT"]["de"]
    english = problem_in("en", error, SKILLS["cancel_order"], {})
    assert english == "It was changed in the meantime."
    unknown = {"error": {"code": "SOMETHING_NEW", "message": "x"}}
    assert problem_in("fr", unknown, None, {}) == texts_of("problems")["OTHER"]["fr"]
