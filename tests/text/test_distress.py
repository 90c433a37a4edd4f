"""Whether somebody writes of harming themselves."""

import pytest

from deskward.text.distress import tells_of_self_harm


@pytest.mark.parametrize(
    "text",
    [
        "I want to kill myself",
        "i don’t want to live any more",
        "Thinking about SUICIDE",
        "I no longer want to live at all",
        "i don't want to live at this point",
        "my debts are too much, I am going to end my life",
        "I just want to die",
        "Ich will nicht mehr leben",
        "Ich möchte mich umbringen",
        "Je veux mourir",
        "J'ai envie de me suicider",
        "Quiero morirme",
        "No quiero seguir viviendo",
        "Voglio farla finita",
        "Non voglio più vivere",
        "Quero morrer",
        "Vou-me matar",
        "Ik wil niet meer leven",
        "Ik denk aan zelfmoord",
        "İntihar etmek istiyorum",
        "İNTİHAR",
        "CANIMA KIYACAĞIM",
        "canıma kıyacağım",
        "Artık yaşamak istemiyorum",
    ],
)
def test_eight_languages(text: str) -> None:
    assert tells_of_self_harm(text)


@pytest.mark.parametrize(
    "text",
    [
        "kill my card",
        "please end my subscription",
        "I live in Boston",
        "this queue is killing me",
        "I no longer want to live at the old place? No: I moved",
        "my order died in the post",
        "deadline for the transfer",
        "Ich lebe in Berlin",
        "Vivo en Madrid",
        "the harm was done by your courier",
    ],
)
def test_other_words(text: str) -> None:
    assert not tells_of_self_harm(text)
