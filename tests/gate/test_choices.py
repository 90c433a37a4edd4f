"""Which option an answer names, and which it says is not it, in the desk's languages."""

from __future__ import annotations

import pytest

from deskward.gate.answers import is_answer
from deskward.gate.choices import chosen, denied, named

ENGLISH = ["password: with a password", "sso: with single sign-on (SAML, OpenID Connect)"]
OWN = {
    "de": ["mit einem Passwort", "mit Single Sign-on (SAML, OpenID Connect)"],
    "es": ["con una contraseña", "con inicio de sesión único (SAML, OpenID Connect)"],
    "fr": ["avec un mot de passe", "avec l'authentification unique (SAML, OpenID Connect)"],
    "it": ["con una password", "con il single sign-on (SAML, OpenID Connect)"],
    "pt": ["com uma palavra-passe", "com início de sessão único (SAML, OpenID Connect)"],
    "ja": ["パスワードで", "シングルサインオンで（SAML、OpenID Connect）"],
    "ar": ["بكلمة مرور", "بتسجيل الدخول الموحد (SAML، OpenID Connect)"],
}
SHOWN = [
    "works: it works now",
    "wrong: wrong address or password",
    "locked: the account is locked, or there were too many tries",
    "again: the sign-in page comes back, without a message",
]
ASKED = "How is signed in?"


def of(language: str) -> list[str]:
    own = OWN.get(language, [])
    return [f"{word}: {one}" for word, one in zip(("password", "sso"), own, strict=False)] + ENGLISH


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "not with a password"),
        ("en", "I do not sign in with a password, I use SSO"),
        ("en", "no, not with a password"),
        ("en", "not with a password but with SSO"),
        ("en", "we don't use a password"),
        ("en", "not the first one"),
        ("en", "the second one"),
        ("en", "number two"),
        ("de", "nicht mit Passwort"),
        ("de", "nicht mit Passwort sondern mit SSO"),
        ("de", "ohne Passwort"),
        ("de", "das zweite"),
        ("es", "no con contraseña"),
        ("es", "con inicio de sesión único"),
        ("fr", "je n'utilise pas de mot de passe"),
        ("fr", "pas avec le mot de passe mais avec SSO"),
        ("it", "non con la password ma con SSO"),
        ("pt", "sem palavra-passe"),
        ("ja", "パスワードではありません"),
        ("ja", "パスワードではなくSSOです"),
        ("ar", "ليس بكلمة مرور"),
    ],
)
def test_a_denied_option_of_two_is_the_other(language: str, said: str) -> None:
    assert chosen(of(language), said, ASKED) == "sso"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "I want to change my password"),
        ("en", "I can't remember my password"),
        ("en", "my password is not accepted"),
        ("en", "not with a password?"),
        ("en", "why not with a password"),
        ("en", "not only with a password"),
        ("en", "not with a password nor with SSO"),
        ("en", "with a password, no, with SSO"),
        ("en", "with a password but sometimes SSO"),
        ("en", "I guess not with a password"),
        ("en", "no 1"),
        ("en", "both"),
        ("de", "mein Passwort geht nicht"),
        ("fr", "je veux changer mon mot de passe"),
        ("es", "quiero cambiar mi contraseña"),
        ("ja", "パスワードを変更したい"),
        ("ja", "パスワードを思い出せません"),
        ("ar", "أريد تغيير كلمة المرور"),
    ],
)
def test_what_says_anything_else_names_none(language: str, said: str) -> None:
    assert chosen(of(language), said, ASKED) is None


def test_a_denied_option_of_several_leaves_the_others() -> None:
    assert chosen(SHOWN, "the account is not locked") is None
    assert denied(SHOWN, "the account is not locked") == {"locked"}
    assert denied(SHOWN, "it is wrong, I think") == frozenset()
    assert chosen(SHOWN, "the sign-in page comes back") == "again"


def test_a_word_of_an_option_among_others_is_only_asked_about() -> None:
    said = "it goes through our company's SSO"
    assert chosen(ENGLISH, said, ASKED) is None
    assert named(ENGLISH, said) == "sso"
    assert named(ENGLISH, "our company has no SSO") is None


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("yes, what is my balance?", True),
        ("Nein, wie ist mein Kontostand?", False),
        ("sim, qual é o meu saldo?", True),
        ("sì, qual è il mio saldo?", True),
    ],
)
def test_a_question_about_something_else_takes_no_answer_back(said: str, value: bool) -> None:
    record = {"asks": "yes_no", "question": "Do others sign in?"}
    assert is_answer(record, value, said)
    assert not is_answer(record, not value, said)


@pytest.mark.parametrize(
    "said",
    ["yes, is that right?", "yes, where do I see that?", "yes, do my others sign in?", "yes, why?"],
)
def test_a_question_about_what_was_asked_may_doubt_the_answer(said: str) -> None:
    assert not is_answer({"asks": "yes_no", "question": "Do others sign in?"}, True, said)


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("four hundred and twenty-nine", 429),
        ("about sixty", 60),
        ("vierhundertneunundzwanzig", 429),
        ("quatre cent vingt-neuf", 429),
        ("cuatrocientos veintinueve", 429),
        ("zero", 0),
    ],
)
def test_a_number_may_be_said_in_words(said: str, number: int) -> None:
    assert is_answer({"asks": "number"}, number, said)


@pytest.mark.parametrize("said", ["four two nine", "once", "twenty or thirty", "one of them fails"])
def test_what_may_be_another_number_is_none(said: str) -> None:
    assert not any(is_answer({"asks": "number"}, value, said) for value in (1, 11, 15, 20, 30))


MANY = [
    *SHOWN,
    "inactive: the account is deactivated or has no access",
    "code: the code is refused, or cannot be had",
    "provider: a page of the identity provider with an error",
]


@pytest.mark.parametrize(
    "said",
    [
        "not without a password",
        "never without SSO",
        "it's not that I don't use a password",
        "with a password, no",
        "with a password, not really",
        "1, no",
        "not SAML",
        "with SAML, not OpenID Connect",
        '"with a password" you say',
        "I never said password",
    ],
)
def test_what_is_denied_twice_taken_back_in_part_or_quoted_names_none(said: str) -> None:
    assert chosen(ENGLISH, said, ASKED) is None


@pytest.mark.parametrize(
    "said",
    [
        "with a message",
        "a message",
        "the account has access",
        "the code can be had",
        "3?",
        "it works now, not really",
        "it works now \N{FACE WITH ROLLING EYES}",
        "does it work now",
        "it would work now",
        "please lock the account",
        "an error",
    ],
)
def test_what_is_not_what_an_option_means_is_none(said: str) -> None:
    assert chosen(MANY, said) is None
    assert denied(MANY, said) == frozenset()


def test_an_option_that_says_no_of_something_is_named_by_saying_so() -> None:
    assert chosen(MANY, "the account has no access") == "inactive"
    assert chosen(MANY, "without a message") == "again"


@pytest.mark.parametrize(
    "said",
    [
        "yes, once you have refunded me",
        "yes, after you block my card",
        "yes, nobody can",
        "yes, all fail",
        "yes, in theory",
        "no, they can sign in",
        "no, everybody can",
        "はい、違います",
        "いいえ、できます",
        "네, 안 돼요",
    ],
)
def test_what_takes_a_yes_or_no_back_behind_it_is_no_answer(said: str) -> None:
    record = {"asks": "yes_no", "question": "Do others of the same organisation sign in?"}
    assert not is_answer(record, True, said)
    assert not is_answer(record, False, said)


@pytest.mark.parametrize(
    ("said", "value"),
    [("Yes, they do.", True), ("yes, of course they do", True), ("no, not everybody", False)],
)
def test_what_says_it_once_more_is_one(said: str, value: bool) -> None:
    record = {"asks": "yes_no", "question": "Do others of the same organisation sign in?"}
    assert is_answer(record, value, said)


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("60k", 60),
        ("60 thousand", 60),
        ("6e3", 6),
        ("60 per second", 60),
        ("60 per hour", 60),
        ("more than 60", 60),
        ("<60", 60),
        ("minus five", 5),
        ("mille grazie", 1000),
        ("one minute please", 1),
        ("version 2", 2),
    ],
)
def test_another_number_is_none(said: str, number: int) -> None:
    record = {"asks": "number", "question": "How many calls a minute does the plan allow?"}
    assert not is_answer(record, number, said)


@pytest.mark.parametrize("said", ["60", "60 calls per minute", "about 60", "60 a minute"])
def test_what_is_counted_may_stand_beside_a_number(said: str) -> None:
    record = {"asks": "number", "question": "How many calls a minute does the plan allow?"}
    assert is_answer(record, 60, said)
