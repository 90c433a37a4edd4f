"""What the offline model asks and answers by itself is in the customer's language."""

import pytest

from deskward.agent.offline.skills import Skill
from deskward.evaluation.asked import sentences
from deskward.text.language import language_of
from tests.agent.talk import Talk
from tests.everything import shipped_skills

LANGUAGES = {"en", "de", "fr", "es", "it", "pt", "nl", "tr"}
WRITING = [s for s in shipped_skills().skills.values() if s.acts and s.name != "send_email"]


@pytest.mark.parametrize("skill", WRITING, ids=lambda skill: skill.name)
def test_what_writes_answers_in_eight_languages(skill: Skill) -> None:
    assert set(skill.answer or {}) >= LANGUAGES


@pytest.mark.parametrize("skill", list(shipped_skills().skills.values()), ids=lambda s: s.name)
def test_every_question_for_a_value_is_in_eight_languages(skill: Skill) -> None:
    assert [
        name for name, slot in skill.slots.items() if slot.ask and not set(slot.ask) >= LANGUAGES
    ] == []


def test_every_other_question_than_for_a_password_is_in_japanese_and_arabic_too() -> None:
    """What answers a question for a password is masked by that question's own words."""
    skills = [one for one in shipped_skills().skills.values() if one.name != "change_password"]
    slots = [slot for skill in skills for slot in skill.slots.values() if slot.ask]
    assert [slot.ask["en"] for slot in slots if not {"ja", "ar"} <= set(slot.ask)] == []


@pytest.mark.parametrize(
    ("said", "asked", "done"),
    [
        (
            "Ich möchte meine Bestellung stornieren",
            "Soll ich Ihre Bestellung O1003",
            "O1003 wurde storniert",
        ),
        ("Je veux annuler ma commande", "votre commande O1003", "O1003 a été annulée"),
        ("Quiero cancelar mi pedido", "su pedido O1003", "O1003 ha sido cancelado"),
        ("Voglio annullare il mio ordine", "il suo ordine O1003", "O1003 è stato annullato"),
        ("Quero cancelar a minha encomenda", "a sua encomenda O1003", "O1003 foi cancelada"),
        ("Ik wil mijn bestelling annuleren", "uw bestelling O1003", "O1003 is geannuleerd"),
        (
            "Siparişimi iptal etmek istiyorum",
            "O1003 numaralı siparişinizi",
            "O1003 numaralı sipariş iptal",
        ),
    ],
)
async def test_a_wish_is_asked_about_and_answered_in_its_language(
    talk: Talk, said: str, asked: str, done: str
) -> None:
    """The only order that can be cancelled is looked up, and not asked for by its number."""
    assert asked in await talk.say(said)
    assert done in await talk.say("ok")


def test_languages_are_told_from_words_with_any_letters() -> None:
    """Of what customers write in eight languages, at least 95 in 100 are told."""
    given = [*sentences("development"), *sentences("test")]
    wrong = [s.text for s in given if language_of([s.text]) != s.language]
    assert len(wrong) <= 0.05 * len(given)
    assert language_of(["Lütfen kartımı dondurun", "[[password:1]]", "O1003", "4242"]) == "tr"


def test_a_skill_without_english_is_no_skill() -> None:
    with pytest.raises(ValueError, match="no English"):
        Skill(name="x", examples=["x"], tool="t", answer={"de": "Fertig."})
