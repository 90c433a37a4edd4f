"""Wishes for a refund in the desk's languages, and all that only looks like one."""

from __future__ import annotations

import pytest

from deskward.agent.events import ToolCalled
from deskward.agent.offline.model import OfflineModel
from deskward.agent.offline.sought import Sought, Words
from deskward.app import Desk
from deskward.gate.context import Context
from tests.agent.talk import Talk
from tests.conftest import CUSTOMER, STAFF, Call
from tests.everything import shipped_skills

WISHED = {
    "de": [
        "Ich möchte eine Erstattung für die Bestellung O1004",
        "ich will mein geld zurück!!",
        "Das Paket kam nie an, ich verlange mein Geld zurück.",
        "Bitte erstatten Sie mir den Betrag für O1002.",
        "Könnten Sie mir bitte den Kaufpreis zurückerstatten?",
        "Hiermit beantrage ich die Rückerstattung für O1001",
    ],
    "fr": [
        "Je voudrais un remboursement pour la commande O1004",
        "Je veux récupérer mon argent",
        "Remboursez-moi la commande O1002, s'il vous plaît",
        "Pourriez-vous me rembourser la commande O1001 ?",
        "Le colis n'est jamais arrivé, j'exige le remboursement.",
    ],
    "es": [
        "Quiero un reembolso del pedido O1004",
        "Devuélvanme mi dinero",
        "Me gustaría que me hicieran la devolución del dinero, por favor",
        "¿Me pueden devolver mi dinero?",
        "El paquete llegó roto, exijo el reembolso.",
    ],
    "pt": [
        "Quero um reembolso da encomenda O1004",
        "Gostaria de ter o meu dinheiro de volta",
        "Devolvam-me o meu dinheiro, por favor",
        "Podem reembolsar-me a encomenda O1002?",
        "A encomenda chegou partida, exijo o reembolso.",
    ],
    "it": [
        "Voglio un rimborso per l'ordine O1004",
        "Vorrei indietro i miei soldi",
        "Rimborsatemi l'ordine O1002, per favore",
        "Potreste rimborsarmi l'ordine O1001?",
        "Il pacco è arrivato rotto, esigo il rimborso.",
    ],
    "ja": [
        "注文O1004の返金をお願いします",
        "返金してください",
        "商品が壊れていたので返金を希望します。",
        "O1002を払い戻していただけますか？",
        "お金を返してほしいです",
    ],
    "ar": [
        "أريد استرداد نقودي عن الطلب O1004",
        "أطلب استرجاع المبلغ",
        "من فضلكم أعيدوا المبلغ",
        "هل يمكنكم إعادة المبلغ من فضلكم؟",
        "وصل الطرد مكسورا، أريد استرداد ثمن الطلب.",
    ],
}
NOT_WISHED = {
    "de": [
        "Ich will keine Erstattung",
        "Ich möchte nicht, dass Sie mir das Geld zurückzahlen",
        "Wie lange dauert eine Erstattung?",
        "Bekomme ich mein Geld zurück?",
        "Ich habe die Erstattung schon bekommen, danke",
        "Ich wollte gestern eine Erstattung",
        "Wenn ich storniere, möchte ich dann mein Geld zurück?",
        "Mein Bruder möchte sein Geld zurück",
        "Er sagte: ich will mein Geld zurück",
        "Ich möchte wissen wann die Erstattung kommt",
        "„Ich will mein Geld zurück“ stand in dem Brief",
        "Es ist nicht so, dass ich eine Erstattung möchte",
        "Vielleicht möchte ich eine Erstattung",
    ],
    "fr": [
        "Je ne veux pas de remboursement",
        "Comment fonctionne un remboursement ?",
        "J'ai déjà reçu le remboursement, merci",
        "Je voulais un remboursement hier",
        "Si j'annule, je veux un remboursement",
        "Mon mari veut son remboursement, il dit que je veux mon argent",
        "Quand est-ce que je serai remboursé ?",
    ],
    "es": [
        "No quiero un reembolso",
        "¿Cuánto tarda el reembolso?",
        "Ya recibí el reembolso, gracias",
        "Quería un reembolso ayer",
        "Si cancelo, quiero un reembolso",
        "Mi hermano quiere su dinero",
        "Quiero saber cuándo llega el reembolso",
    ],
    "pt": [
        "Não quero um reembolso",
        "Quanto tempo demora o reembolso?",
        "Já recebi o reembolso, obrigado",
        "Se eu cancelar, quero o reembolso",
        "O meu irmão quer o dinheiro de volta",
        "Quero saber quando chega o reembolso",
    ],
    "it": [
        "Non voglio un rimborso",
        "Quanto tempo ci vuole per il rimborso?",
        "Ho già ricevuto il rimborso, grazie",
        "Se annullo, voglio un rimborso",
        "Mio fratello vuole indietro i soldi",
        "Vorrei sapere quando arriva il rimborso",
    ],
    "ja": [
        "返金はいりません",
        "返金はいつですか？",
        "返金されました。ありがとう",
        "返金方法を教えてください",
        "もしキャンセルしたら返金してください",
        "夫が返金を希望しています",
        "返金しないでください",
    ],
    "ar": [
        "لا أريد استرداد المبلغ",
        "متى يصل استرداد المبلغ؟",
        "تم استرداد المبلغ، شكرا",
        "إذا ألغيت الطلب، أريد استرداد المبلغ",
        "أخي يريد استرداد نقوده",
        "أريد أن أعرف كيف يعمل استرداد المبلغ",
    ],
}


@pytest.fixture(scope="module")
def sought() -> Sought:
    return OfflineModel(shipped_skills(), lazy=True).sought


@pytest.mark.parametrize(
    "text", [text for texts in WISHED.values() for text in texts], ids=lambda text: text[:40]
)
def test_a_wish_is_understood(sought: Sought, text: str) -> None:
    assert sought.of(text) == "refund"


@pytest.mark.parametrize(
    "text", [text for texts in NOT_WISHED.values() for text in texts], ids=lambda text: text[:40]
)
def test_what_is_no_wish_is_none(sought: Sought, text: str) -> None:
    assert sought.of(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Ich will keine Erstattung",
        "Je ne veux pas de remboursement",
        "No quiero un reembolso",
        "Não quero um reembolso",
        "Non voglio un rimborso",
        "لا أريد استرداد المبلغ",
    ],
)
async def test_what_is_not_wanted_bothers_nobody(talk: Talk, text: str) -> None:
    await talk.say(text)
    assert talk.tools == []


@pytest.mark.parametrize(
    "text",
    [
        "Ich möchte wissen, warum ich keine Erstattung bekomme",
        "Ich will keinen Gutschein, ich will mein Geld zurück",
        "Ich habe die Erstattung noch nicht bekommen",
        "Möchten Sie nicht mein Geld zurück zahlen?",
    ],
)
def test_whoever_misses_it_does_not_decline_it(sought: Sought, text: str) -> None:
    assert sought.of(text) is not None or not sought.is_declined(text)


def test_seven_languages_and_english_by_its_examples() -> None:
    skill = shipped_skills().skills["refund"]
    assert set(skill.sought) == {"de", "fr", "es", "pt", "it", "ja", "ar"}
    assert skill.examples


def test_english_and_other_matters_are_left_to_others(sought: Sought) -> None:
    for text in ("I want a refund for O1004", "Wo ist meine Bestellung?", "", "?", "O1004"):
        assert sought.of(text) is None


@pytest.mark.parametrize(("language", "said"), [(one, texts[0]) for one, texts in WISHED.items()])
async def test_a_wish_reaches_a_person(
    sqlite_desk: Desk, sqlite_call: Call, language: str, said: str
) -> None:
    reader = await sqlite_desk.conversations.send(Context(CUSTOMER, "rest"), "s", said)
    called = [p.event.name async for p in reader if isinstance(p.event, ToolCalled)]
    assert called == ["hand_over"]
    [ticket] = (await sqlite_call("search_tickets", STAFF, query="channel:chat")).value["tickets"]
    told = (await sqlite_call("read_handover", STAFF, ticket_id=ticket["id"])).value
    assert told["wants"] == [said]


@pytest.mark.parametrize(
    ("language", "said"), [(one, texts[0]) for one, texts in NOT_WISHED.items()]
)
async def test_what_is_denied_refunds_and_cancels_nothing(
    sqlite_desk: Desk, sqlite_call: Call, language: str, said: str
) -> None:
    reader = await sqlite_desk.conversations.send(Context(CUSTOMER, "rest"), "s", said)
    events = [placed.event async for placed in reader]
    called = {event.name for event in events if isinstance(event, ToolCalled)}
    reads = {"answer_from_knowledge", "find_troubleshooting_workflows"}
    assert called <= reads | {"hand_over"}


def test_an_expression_of_a_skills_own_sees_where_a_clause_begins() -> None:
    words = Words(things=["~^the moon"], wants=["want"])
    sought = Sought({"moon": {"en": words}})
    assert sought.of("Listen, the moon i want") is None  # a space stands before it
    assert sought.of("Listen,the moon i want") == "moon"
