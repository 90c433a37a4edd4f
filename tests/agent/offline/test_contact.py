"""Wishes to change a mail address or phone number, which staff do; and what only looks like one."""

from __future__ import annotations

import pytest

from deskward.agent.model import Model
from deskward.agent.offline.model import OfflineModel
from deskward.agent.offline.sought import Sought
from deskward.app import open_desk
from deskward.core.settings import Settings
from tests.agent.talk import Talk
from tests.conftest import STAFF, Call
from tests.everything import shipped_skills

WISHED = [
    "my email is wrong, it should be mia@new.example",
    "My e-mail has changed to mia@new.example",
    "Hi, my phone number is wrong. It should be +41 44 555 01 23",
    "can you change my email address please?",
    "I have a new mobile number: +41 79 555 01 23",
    "you have the wrong email for me",
    "please update the email address on my account",
    "meine E-Mail ist falsch, sie sollte mia@new.example sein",
    "Meine E-Mail-Adresse stimmt nicht mehr, neu ist mia@new.example",
    "meine Telefonnummer hat sich geändert",
    "Ich habe eine neue Handynummer: 0171 5550123",
    "Können Sie bitte meine Mailadresse ändern?",
    "mon adresse e-mail est fausse, elle devrait être mia@new.example",
    "Mon numéro de téléphone a changé",
    "Pouvez-vous changer mon adresse mail ?",
    "mi correo está mal, debería ser mia@new.example",
    "Mi número de teléfono ha cambiado",
    "¿Pueden cambiar mi correo electrónico?",
    "la mia email è sbagliata, dovrebbe essere mia@new.example",
    "Ho un nuovo numero di telefono",
    "o meu e-mail está errado, deveria ser mia@new.example",
    "O meu número de telefone mudou",
    "mijn e-mailadres klopt niet, het moet mia@new.example zijn",
    "Ik heb een nieuw telefoonnummer",
    "e-posta adresim yanlış, mia@new.example olmalı",
    "telefon numaram değişti",
    "メールアドレスが間違っています。mia@new.example です",
    "電話番号が変わりました",
    "بريدي الإلكتروني خطأ، يجب أن يكون mia@new.example",
    "رقم هاتفي تغير",
    "Мой email неверный, должен быть mia@new.example",
    "Changez mon adresse mail, s'il vous plaît",
    "cambien mi dirección de correo a mia@new.example",
    "mude o meu endereço de e-mail para mia@new.example",
    "e-posta adresimi mia@new.example olarak değiştirin",
    "ändern Sie meine Emailadresse auf mia@new.example",
    "cambia il mio indirizzo email in mia@new.example",
    "wijzig mijn e-mailadres in mia@new.example",
]
NOT_WISHED = [
    "my email is not wrong",
    "which email do you have for me?",
    "did you get my email?",
    "I did not receive your email",
    "my wife's email is wrong",
    "why was my email address changed?",
    "my phone is broken",
    "if my email is wrong, what happens?",
    "please don't change my email",
    "in my email I asked to change the order",
    "my order number is wrong",
    "my address is wrong",
    "meine E-Mail ist nicht angekommen",
    "Wie lautet meine E-Mail-Adresse?",
    "ändern Sie meine Mailadresse bitte nicht",
    "meine Bestellnummer ist falsch",
    "je n'ai pas reçu mon e-mail",
    "mon numéro de commande est faux",
    "no recibí mi correo",
    "mi número de pedido está mal",
    "non ho ricevuto la mia email",
    "não recebi o meu e-mail",
    "ik heb mijn e-mail niet ontvangen",
    "e-postam gelmedi",
    "メールが届きません",
]


@pytest.fixture(scope="module")
def sought() -> Sought:
    return OfflineModel(shipped_skills(), lazy=True).sought


@pytest.mark.parametrize("text", WISHED)
def test_a_wish_is_understood(sought: Sought, text: str) -> None:
    assert sought.of(text) == "change_contact"


@pytest.mark.parametrize("text", NOT_WISHED)
def test_what_is_no_wish_is_none(sought: Sought, text: str) -> None:
    assert sought.of(text) != "change_contact"


@pytest.mark.parametrize("text", WISHED)
async def test_staff_get_it_once_and_nobody_asks_for_a_postal_address(
    talk: Talk, sqlite_call: Call, text: str
) -> None:
    said = await talk.say(text)
    assert talk.tools == ["hand_over"], said
    assert "T1" in said
    await talk.say(text)
    listed = (await sqlite_call("list_tickets", STAFF, customer_id="user_001")).value
    opened = [one for one in listed["tickets"] if one["id"].startswith("T1")]
    assert len(opened) == 1


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("Mon numéro de téléphone a changé", "Seule notre équipe"),
        ("mi correo está mal, debería ser mia@new.example", "Los correos"),
        ("telefon numaram değişti", "E-posta adreslerini"),
        ("e-posta adresim yanlış, mia@new.example olmalı", "E-posta adreslerini"),
        ("wijzig mijn e-mailadres in mia@new.example", "Alleen onze"),
        ("meine Telefonnummer hat sich geändert", "E-Mail-Adressen"),
        ("O meu número de telefone mudou", "Só a nossa"),
    ],
)
async def test_the_answer_is_in_the_customers_language(talk: Talk, text: str, begins: str) -> None:
    assert (await talk.say(text)).startswith(begins)


async def test_what_has_no_word_of_a_wish_is_none_of_a_skill_that_is_sought(
    sqlite_settings: Settings, offline: Model
) -> None:
    """On a desk without complaints, to see them is not to close them."""
    async with open_desk(sqlite_settings.changed(domains=""), model=offline) as desk:
        for number, text in enumerate(["show my complaints", "list my complaints please"]):
            assert "close" not in await Talk(desk, session=f"s{number}").say(text)
        assert "close" in await Talk(desk, session="t").say("withdraw my complaint")
