"""Who forbids a deed wishes for nothing, in every language of the desk."""

from __future__ import annotations

import pytest

from deskward.app import Desk
from deskward.text.forbidding import forbids
from tests.agent.talk import Talk

FORBIDDEN = [
    "do not stop my card",
    "カードを止めないでください",
    "注文をキャンセルしないでほしいです",
    "カードを止めないでください、まだ使います。",
    "카드를 정지하지 마세요",
    "请不要冻结我的卡",
    "لا توقف بطاقتي",
    "لا تلغ طلبي من فضلك",
    "siparişimi iptal etmeyin",
    "не блокируйте мою карту",
    "nie blokujcie mojej karty",
]
OF_ACTS = [
    "sperrt meine Karte nicht",
    "ne bloquez pas ma carte",
    "no cancelen mi pedido",
    "non bloccate la mia carta",
    "não cancelem a minha encomenda",
    "annuleer mijn bestelling niet",
]


@pytest.mark.parametrize("said", FORBIDDEN)
def test_it_forbids(said: str) -> None:
    assert forbids(said)


@pytest.mark.parametrize(
    "said",
    [
        "don't you have my order?",
        "I don't have my card",
        "please don't charge my card again",
        "don't block my card, block the other one",
        "don't you dare cancel my order or I will sue you",
        "do not stop my card if it is found",
        "カードが使えない",
        "注文が届かないので困っています",
        "もうカードに請求しないでください",
        "请不要再扣我的卡",
        "لا تعمل بطاقتي",
        "не могу заблокировать карту",
        "kartım çalışmıyor",
        "do not write to me",
    ],
)
def test_it_does_not_forbid(said: str) -> None:
    assert not forbids(said)


@pytest.mark.parametrize("said", [*FORBIDDEN, *OF_ACTS])
async def test_nothing_is_done_and_nobody_is_called(sqlite_desk: Desk, said: str) -> None:
    talk = Talk(sqlite_desk)
    await talk.say(said)
    assert not talk.tools
