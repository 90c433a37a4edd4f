"""Yes and no as whole utterances."""

import pytest

from deskward.text.assent import _answers, answer_of

YES = """
yes | Yes! | YES. | y | yeah | yep | ok | sure | yes please | yes, please! | please do
go ahead | Yes, go ahead. | yes, do it please | ok, do it | of course | yes, that's right
yes, that’s correct | I confirm | yes thank you | Ｙｅｓ | yes 👍🏽 | Yes👍 | 👍 | ja
Ja, bitte! | ja gerne | jawohl | mach das | ja, machen Sie das bitte | natürlich
auf jeden Fall | oui | Oui, s'il vous plaît | oui, allez-y | bien sûr | d'accord | sí
Si, por favor | claro que sí | sí, adelante | sì | Sì, grazie | va bene | sì, proceda pure
certo | sim | sim, por favor | pode fazer | claro | ja, graag | doe maar | ja, ga uw gang
sì, procedete | sim, pode | ONAYLIYORUM
evet | Evet, lütfen | EVET | tamam | evet, onaylıyorum | да | Так | tak | ναι | نعم | 是的
はい | 네 | हाँ | はい、お願いします
"""
NO = """
no | No! | NO. | nope | no thanks | no, thank you | never | please don't! | don't
do not do it | absolutely not | of course not! | not now | never mind | leave it | forget it
stop | no way | nein | Nein, danke | bitte nicht | auf keinen Fall | lieber nicht
nicht jetzt | non | Non merci | surtout pas | pas maintenant | no, gracias | claro que no
mejor no | no, grazie | assolutamente no | non lo faccia | não | não, obrigado
de jeito nenhum | nee | nee, bedankt | liever niet | doe maar niet | hayır | HAYIR
Hayır, teşekkürler | istemiyorum | нет | ні | nie | όχι | لا | 不 | いいえ | 아니요 | 👎
"""
NEITHER = """
yes? | yes?? | ok? | really? | yes but | yes, but not today | sure, but not now
y would I want that?? | y do that | yes no | no yes | no wait yes | ja nein | jein
yeah right | yeah, right | yes... | yes… | yes - | yes, | yes if it is free | yes 🙄
yes, the other card | yes and cancel order O1003 too | please | thanks | fine | whatever
why not | if you must | I guess | maybe | perhaps | not yes | yes not
I said yes to something else | "yes" | (yes) | he said yes | ok what | sure you can
sure it is | yes to the first, no to the second | cancel | block it | freeze it | no problem
уes | yes\u200b | ja aber | ja, aber nicht jetzt | ja ja | ja oder | ja wenn | warum nicht
oui mais | oui, mais non | si vous voulez | sí pero no | sí, pero | sì ma | sim mas
sim, mas não | ja maar nee | evet ama | evet değil | evet mi | ναι; | non so | no sé
puede | pode ser | sim, pode cancelar | mag | weiß nicht | I don't know | yes yes yes yes no | 5 | .
"""


def _each(texts: str) -> list[str]:
    return [text.strip() for line in texts.strip().splitlines() for text in line.split(" | ")]


@pytest.mark.parametrize(
    ("texts", "answer"), [(YES, True), (NO, False), (NEITHER, None)], ids=["yes", "no", "neither"]
)
def test_an_answer_counts_as_a_whole(texts: str, answer: bool | None) -> None:
    wrong = [text for text in _each(texts) if answer_of(text) is not answer]
    assert wrong == []


def test_the_seven_that_were_taken_for_a_yes() -> None:
    """Each of them deactivated a card, because the yes was matched as a prefix."""
    for text in (
        "absolutely not",
        "please don't!",
        "of course not!",
        "sure, but not now",
        "y would I want that??",
        "ok, no",
        "please no",
    ):
        assert answer_of(text) is not True, text


def test_nothing_beside_a_yes_is_a_yes() -> None:
    """Whatever word stands beside it, in front or behind."""
    for word in (
        "but",
        "not",
        "if",
        "later",
        "aber",
        "nicht",
        "mais",
        "pas",
        "pero",
        "ma",
        "mas",
        "ama",
    ):
        for yes in ("yes", "ja", "oui", "sí", "sì", "sim", "evet", "ok", "sure"):
            assert answer_of(f"{yes} {word}") is not True
            assert answer_of(f"{word} {yes}") is not True


def test_the_lists_contradict_each_other_nowhere() -> None:
    answers = _answers()
    assert not answers.yes & answers.no
    assert all(not answers.negators.intersection(phrase.split()) for phrase in answers.yes)


def test_a_long_text_is_no_answer() -> None:
    assert answer_of("yes " * 100_000) is None
    assert answer_of("yes" + ", thank you" * 9) is None
    assert answer_of("yes" + ", thank you" * 4) is True
