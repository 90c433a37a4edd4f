"""What may be meant: proposed in loose words, never where a word speaks against it, never final."""

import pytest

from deskward.accounts.postal import postal_address
from deskward.agent.offline.acts import Acts
from deskward.agent.offline.model import OfflineModel
from deskward.security.masking import mask
from deskward.security.vault import Vault
from tests.agent.offline.test_acts import tools
from tests.agent.talk import Talk
from tests.everything import shipped_skills


@pytest.fixture(scope="module")
def model() -> Acts:
    return OfflineModel(shipped_skills(), lazy=True).acts


def guessed(acts: Acts, text: str) -> list[str | None]:
    wishes = acts.guess(mask(text, Vault())).wishes
    return [tools()[wish.skill] for wish in wishes]


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        (
            "found my card 4242 behind the sofa of all places, can you unfreeze it pls",
            "unfreeze_card",
        ),
        (
            "ich bin grad im stress, kind auf dem arm, kurz und gut sperrt bitte die 4444",
            "freeze_card",
        ),
        ("jefe hágame el paro y bloquéeme la 4242", "freeze_card"),
        ("Sarebbe così gentile da annullarmi l'ordine O1003?", "update_order_status"),
        ("moço cancela pra mim o O1003 faz favor", "update_order_status"),
        ("mn portemonnee is gejat op de markt", "freeze_card"),
        ("kartı buldum 4444 blokeyi kaldırın lütfen", "unfreeze_card"),
    ],
)
def test_loose_words_are_proposed(model: Acts, text: str, tool: str) -> None:
    assert guessed(model, text) == [tool]


@pytest.mark.parametrize(
    "text",
    [
        "hiya just so were clear i never asked for 4242 to be blocked and i dont want it now",
        "has anybody cancelled O1003 or is it still on its way??",
        "If that parcel O1003 still isnt here by saturday then cancel it, otherwise leave it",
        "Part of me thinks I should freeze 4242 but then I've got the petrol to pay for",
        "My flatmate Josh left his card on the bus, can you block his",
        "cancel O1003 please.... actually no scrap that, kids want it after all",
        "Letztes Jahr in Wien wurde mir das Portemonnaie gestohlen",
        "Bitte O1003 stornieren. Nachtrag: hat sich erledigt, wir behalten sie.",
        "J'ai perdu le fil de vos explications, vous pouvez reprendre depuis le début ?",
    ],
)
def test_what_speaks_against_it_is_heard(model: Acts, text: str) -> None:
    assert guessed(model, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Great job, just block all my cards, what could go wrong",
        "can you freeze 4242? no, forget it",
        "if it is late cancel O1003",
        "Als O1003 morgen niet komt, annuleer de bestelling",
        "never freeze my 4242",
        "O1003 siparişinin iptal edilmesini istemiyorum",
        "cancel O1003 for my neighbour",
        "the mail says block 4242",
        "El que llamó dijo que bloquee mi tarjeta 4242",
        "My mother's card was stolen, block it",
        "I lost my card but found it",
        "Il y a deux ans, j'ai perdu mon portefeuille",
        "maybe cancel O1003",
        "Could you tell me how to cancel order O1003?",
        "is O1003 cancelled?",
        "I might cancel order O1003",
        "I cancelled O1003 a week ago",
        "Stop, do not block the card 4242",
    ],
)
def test_each_word_against_it_is_enough(model: Acts, text: str) -> None:
    """Mockery, second thoughts, conditions, others, reports, doubts, questions, and the past."""
    assert guessed(model, text) == []


@pytest.mark.parametrize(
    "text", ["4444'ü dondurun bir de O1003'ü iptal edin", "párenla ya, la 4444, hay cargos raros"]
)
def test_nothing_final_is_proposed_where_it_is_not_said_to_be(model: Acts, text: str) -> None:
    assert "deactivate_card" not in guessed(model, text)


async def test_a_proposal_writes_nothing_without_a_yes(talk: Talk) -> None:
    await talk.say("jefe hágame el paro y bloquéeme la 4242")
    assert (talk.tools, talk.statuses) == (["freeze_card"], ["confirm"])
    await talk.say("sí")
    assert (talk.tools, talk.statuses) == (["freeze_card"], ["ok"])


def test_an_address_that_may_have_lost_its_beginning_is_none() -> None:
    assert (
        postal_address("I moved to 8 cour des Cèdres, 59000 Lille")
        == "8 cour des Cèdres, 59000 Lille"
    )
    assert postal_address("nouvelle adresse : 8 xyz des Cèdres, 59000 Lille") is None


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("Please add to my ticket T904 that the app also crashes on Android", "answer_ticket"),
        ("Schreiben Sie ins Ticket T904 noch dazu, dass die Anzeige läuft", "answer_ticket"),
        ("Report a problem: the card reader of T904 is broken again", "hand_over"),
        ("Report a problem: the card reader is broken again", "report_issue"),
        ("Freeze 4242 and add to ticket T904 that it was charged again", "freeze_card"),
    ],
)
async def test_what_is_about_a_ticket_that_is_there_opens_no_other(
    talk: Talk, text: str, tool: str
) -> None:
    await talk.say(text)
    assert talk.tools == [tool]
