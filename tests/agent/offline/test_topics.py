"""Reading skills in languages of which they have no examples."""

import pytest

from deskward.agent.offline.model import OfflineModel


@pytest.mark.parametrize(
    ("text", "language", "skill"),
    [
        ("Wie ist mein Kontostand?", "de", "balance"),
        ("Où est ma commande O1002 ?", "fr", "order_status"),
        ("¿Qué dirección tienen registrada?", "es", "account_details"),
        ("Mi fa vedere gli ultimi movimenti?", "it", "transactions"),
        ("quais tickets tenho abertos", "pt", "my_tickets"),
        ("welke klachten heb ik lopen", "nl", "my_complaints"),
        ("Gerçek bir insanla görüşmek istiyorum", "tr", "human"),
        ("which tickets do I have open", "en", "my_tickets"),
        ("Wie lange dauert eine Überweisung?", "de", None),
        ("What happens to order O1002 at Christmas?", "en", None),
    ],
)
def test_what_is_asked_about(
    offline: OfflineModel, text: str, language: str, skill: str | None
) -> None:
    found = offline.topics.of(text, language)
    assert (found.name if found else None) == skill
