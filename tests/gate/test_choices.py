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
