"""Customers who are led through a diagnosis in the desk's own chat, and say more than an answer."""

from __future__ import annotations

import pytest

from deskward.app import Desk
from deskward.gate.context import Context
from tests.agent.talk import Talk
from tests.conftest import CUSTOMER
from tests.diagnostics.test_chat import sessions

SSO = "single sign-on fails for all of us"
SSO_GERMAN = "Single Sign-on geht nicht mehr"
CALLS = ["Our API calls get a 429", "yes", "429", "120", "60"]


@pytest.fixture
def talk(sqlite_desk: Desk) -> Talk:
    """A conversation with a desk of its own."""
    return Talk(sqlite_desk)


async def say(talk: Talk, *said: str) -> list[str]:
    return [await talk.say(text) for text in said]


async def answers(talk: Talk) -> list[str]:
    (one, *_) = await sessions(talk.desk)
    context = Context(CUSTOMER, "cli")
    read = await talk.desk.gate.call("get_diagnostic_session", {"session_id": one["id"]}, context)
    return [step["answer"] for step in read.value["answered"]]


@pytest.mark.parametrize(
    ("opening", "said", "next_one"),
    [
        ([SSO], "not with a password", "Do others of the same organisation sign in?"),
        ([SSO], "I do not use a password", "Do others of the same organisation sign in?"),
        ([SSO_GERMAN, "ja"], "nicht mit Passwort", "Können sich andere"),
    ],
)
async def test_a_denied_option_is_an_answer_and_no_wish(
    talk: Talk, opening: list[str], said: str, next_one: str
) -> None:
    *_, after = await say(talk, *opening, said)
    assert next_one in after
    assert (await answers(talk))[0].startswith("sso")


async def test_of_several_options_those_that_are_left_are_asked_about(talk: Talk) -> None:
    *_, asked, once_more, end = await say(
        talk, SSO, "not with a password", "no", "yes", "the account is not locked", "not 1", "7"
    )
    assert "3. the account is locked" not in asked
    assert "4. the account is deactivated" in asked
    assert "1. it works now" not in once_more
    assert "private window" in end
    assert (await answers(talk))[-1].startswith("provider")


async def test_a_full_wish_leaves_the_step(talk: Talk) -> None:
    await say(talk, SSO, "I want to change my password")
    assert await answers(talk) == []


@pytest.mark.parametrize("said", ["yes, what is my balance?", "what is my balance? And yes"])
async def test_an_answer_beside_a_question_is_taken_and_the_next_step_asked(
    talk: Talk, said: str
) -> None:
    *_, after = await say(talk, SSO, "with a password", said)
    if "Shall I note “yes”" in after:
        after = await talk.say("yes")
    assert "balance" in after
    assert "Is the address the one that was invited?" in after
    *_, found = await say(talk, "no")
    assert "The account is another one" in found
    assert (await answers(talk))[1:] == ["yes", "no"]


async def test_a_question_in_between_leaves_the_step_open(talk: Talk) -> None:
    *_, after, found = await say(talk, *CALLS[:4], "what is my balance?", "60")
    assert "How many calls a minute does the plan allow?" in after
    assert "More calls are made than the limit allows" in found


async def test_a_no_to_our_own_question_answers_no_step(talk: Talk) -> None:
    *_, sure, left = await say(talk, *CALLS[:2], "go back", "no")
    assert sure.startswith("Shall I take your latest answer back")
    assert "Which status does the answer have?" in left
    assert await answers(talk) == ["yes"]


async def test_i_meant_takes_the_answer_before_back(talk: Talk) -> None:
    *_, again = await say(talk, *CALLS[:2], "I meant no", "yes")
    assert "Does it fail still?" in again
    assert await answers(talk) == []


async def test_who_pauses_for_something_else_gets_it_and_goes_on_later(talk: Talk) -> None:
    *_, again = await say(talk, *CALLS[:2], "not now, show me my orders", "yes")
    assert "It waits until you want to go on." in again
    assert (await sessions(talk.desk))[0]["status"] == "paused"
    *_, back = await say(talk, "let's continue", "yes")
    assert "Which status does the answer have?" in back


@pytest.mark.parametrize(
    ("opening", "said", "asked"),
    [
        ([SSO], "it goes through our company's SSO", "Shall I note “with single sign-on"),
        ([SSO_GERMAN, "ja"], "das läuft bei uns über SSO", "„mit Single Sign-on"),
    ],
)
async def test_what_is_asked_about_is_said_in_the_customers_words(
    talk: Talk, opening: list[str], said: str, asked: str
) -> None:
    *_, question = await say(talk, *opening, said)
    assert asked in question


async def test_what_was_put_right_and_is_there_still_begins_anew(talk: Talk) -> None:
    *_, anew = await say(talk, *CALLS, "I did that, but it still does not work")
    assert "Does it fail still?" in anew
    assert (await sessions(talk.desk))[0]["status"] == "open"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("it works again, thanks", "resolved"),
        ("still not working", "handed_over"),
        ("it has not helped at all", "handed_over"),
    ],
)
async def test_the_outcome_is_told_later_and_elsewhere(talk: Talk, said: str, status: str) -> None:
    await say(talk, *CALLS)
    later = Talk(talk.desk, session="another")
    await say(later, "hello", said)
    assert (await sessions(talk.desk))[0]["status"] == status


@pytest.mark.parametrize(
    "said",
    [
        "wow, that really helped, thanks for nothing",
        "great, that helped, now nothing works at all",
        "it works again, no it does not",
        "I have not done that yet, so it still does not work",
        "it works as little as before",
        "hat es geholfen?",
        "my VPN does not work",
        "you said it works now",
        "fixed it for a second",
        "jetzt geht es los",
        "işe yaradı mı",
        "可以了，我不要了",
    ],
)
async def test_what_may_be_something_else_is_no_outcome(talk: Talk, said: str) -> None:
    await say(talk, *CALLS, said)
    assert (await sessions(talk.desk))[0]["status"] == "to_confirm"


@pytest.mark.parametrize(
    "said",
    [
        "it has not helped at all",
        "Das hat überhaupt nicht geholfen.",
        "ça n'a pas aidé du tout",
        "no ha ayudado en absoluto",
        "non ha aiutato per niente",
        "não ajudou nada",
        "全然直りません",
        "لم يساعد على الإطلاق",
    ],
)
async def test_what_has_not_helped_at_all_is_never_resolved(talk: Talk, said: str) -> None:
    await say(talk, *CALLS, said)
    assert (await sessions(talk.desk))[0]["status"] == "handed_over"


@pytest.mark.parametrize(
    "said",
    [
        "ログインできなくなりました",
        "サインインできずに困っています",
        "로그인이 안 돼요",
        "无法登录了",
        "لم أعد قادرا على تسجيل الدخول",
        "تعذر علي تسجيل الدخول",
        "dejó de funcionar el inicio de sesión",
        "ich komme nicht mehr rein, die Anmeldung klappt nicht",
        "deixei de conseguir iniciar sessão",
        "artık oturum açamıyorum",
        "ik kan niet meer inloggen",
        "не могу войти в аккаунт",
        "nie mogę się zalogować",
    ],
)
async def test_a_trouble_is_heard_in_whatever_form_of_the_word(talk: Talk, said: str) -> None:
    await talk.say(said)
    assert talk.tools == ["find_troubleshooting_workflows"]


async def test_who_forbids_something_at_a_step_is_asked_it_again(talk: Talk) -> None:
    *_, after = await say(talk, *CALLS[:2], "please do not stop my card")
    assert "Which status does the answer have?" in after
    assert talk.tools == ["get_diagnostic_session"]


async def test_what_may_be_meant_otherwise_is_asked_about(talk: Talk) -> None:
    *_, asked = await say(talk, SSO, "with a password", "yes, nobody can")
    assert "Shall I note “yes”" in asked
    assert (await answers(talk)) == ["password: with a password"]


async def test_a_number_of_something_else_is_asked_about(talk: Talk) -> None:
    *_, asked = await say(talk, *CALLS[:4], "60 for each second")
    assert "Shall I note “60" in asked


@pytest.mark.parametrize(
    "said", ["go ahead", "do it", "ok", "yes, do it", "never mind that", "no, it does"]
)
async def test_who_agrees_to_a_deed_says_not_that_anything_is_so(talk: Talk, said: str) -> None:
    await say(talk, CALLS[0], said)
    assert await answers(talk) == []
    assert "Shall I note" not in (await say(talk, said))[0]


@pytest.mark.parametrize("said", ["yes it does", "yes, every call", "ok, yes", "yes, all of them"])
async def test_a_yes_that_is_said_once_more_costs_no_question(talk: Talk, said: str) -> None:
    *_, after = await say(talk, CALLS[0], said)
    assert "Which status" in after
    assert await answers(talk) == ["yes"]


@pytest.mark.parametrize("said", ["in 2024", "call 911", "for 5 minutes"])
async def test_a_number_that_counts_nothing_is_not_even_asked_about(talk: Talk, said: str) -> None:
    *_, after = await say(talk, *CALLS[:2], said)
    assert "one number" in after


async def test_a_wrong_answer_is_taken_back_and_chooses_nothing(talk: Talk) -> None:
    *_, after = await say(talk, *CALLS[:2], "wrong answer")
    assert after.startswith("Shall I take your latest answer back")


@pytest.mark.parametrize("said", ["no problem", "this is fine", "all good, thanks"])
async def test_courtesy_does_not_say_that_it_helped(talk: Talk, said: str) -> None:
    await say(talk, *CALLS, said)
    assert (await sessions(talk.desk))[0]["status"] == "to_confirm"


async def test_courtesy_reports_no_issue(talk: Talk) -> None:
    *_, after = await say(talk, "all our API calls return 500 since this morning", "no problem")
    assert after.startswith("Shall I look for the cause")


@pytest.mark.parametrize("said", ["Not with a password", "nicht mit Passwort"])
async def test_what_is_ruled_out_outside_a_diagnosis_wishes_nothing(talk: Talk, said: str) -> None:
    (after,) = await say(talk, said)
    assert "assword" not in after.replace("Passwort", "")
    assert talk.tools == []


async def test_who_cannot_connect_wants_no_person(talk: Talk) -> None:
    (after,) = await say(talk, "I can't connect to the internet")
    assert after.startswith("Shall I look for the cause")


@pytest.mark.parametrize("said", ["Sign in fails", "The website is slow"])
async def test_a_trouble_is_looked_into_before_it_is_reported(talk: Talk, said: str) -> None:
    (after,) = await say(talk, said)
    assert after.startswith("Shall I look for the cause")


async def test_who_wants_it_reported_or_is_angry_has_it_reported(talk: Talk) -> None:
    (after,) = await say(talk, "report an issue: sync fails")
    assert after.startswith("Shall I do this: Report issue")


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ("sign-in does not work, and what is my balance?", "Your current account balance"),
        ("what is my balance? and the sync is stuck", "Your current account balance"),
    ],
)
async def test_a_trouble_beside_a_question_is_not_forgotten(
    talk: Talk, said: str, first: str
) -> None:
    (after,) = await say(talk, said)
    assert after.startswith(first)
    assert "Shall I look for the cause" in after


async def test_a_trouble_beside_a_wish_is_not_forgotten(talk: Talk) -> None:
    *_, after = await say(talk, "my vpn fails. also cancel my order O1003", "yes")
    assert "has been cancelled" in after
    assert "Shall I look for the cause" in after


async def test_what_works_now_waits_and_what_was_fixed_begins_nothing(talk: Talk) -> None:
    *_, asked, waits = await say(talk, *CALLS[:2], "it works now", "yes")
    assert asked.startswith("Shall I let the diagnosis wait")
    assert waits == "It waits until you want to go on."
    later = Talk(talk.desk, session="another")
    await later.say("api error 429 - fixed it myself, thanks")
    assert later.tools == []


async def test_thanks_are_no_answer_and_a_doubted_option_is_asked_about(talk: Talk) -> None:
    await say(talk, CALLS[0], "no thanks")
    assert await answers(talk) == []
    later = Talk(talk.desk, session="another")
    *_, asked = await say(later, "The sync is stuck", "some records do not come, I think")
    assert asked.startswith("Shall I note “some records do not come”")
