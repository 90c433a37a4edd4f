"""The offline model: what customers say in many ways is understood, and the rest handed over."""

import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from deskward.agent.events import HandedOver, ToolCalled
from deskward.agent.model import Message, ModelRequest
from deskward.agent.offline.matching import Matcher
from deskward.agent.offline.model import OfflineModel
from deskward.agent.offline.skills import ago
from deskward.app import Desk
from deskward.core.database import now
from deskward.security.masking import mask
from deskward.security.vault import Vault
from tests.agent.offline.finding import find
from tests.agent.talk import Talk
from tests.conftest import OTHER
from tests.everything import shipped_skills

PARAPHRASES = Path(__file__).parent / "paraphrases"
OPERATIONS = yaml.load(
    (PARAPHRASES / "operations.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
)

TOOL_OF = {
    "balance": "get_account_balance",
    "transactions": "get_transaction_history",
    "account_details": "get_account_details",
    "change_password": "change_password",
    "update_address": "update_address",
    "freeze_card": "freeze_card",
    "report_issue": "report_issue",
    "ticket_status": "get_ticket",
    "human": "hand_over",
    "order_status": "get_order_by_id",
    "my_orders": "get_orders_by_customer",
    "cancel_order": "update_order_status",
    "register_complaint": "register_complaint",
    "complaint_status": "get_complaint",
}


FROZEN_FIRST = {"deactivate_card": "freeze_card"}
"""Both are meant by stopping a card; which of them is for `test_asked.py`."""


async def test_the_dialogue_of_the_requirements(talk: Talk) -> None:
    """The dialogue of a bank customer, word for word."""
    assert (
        await talk.say("What's my account balance?") == "Your current account balance is $5,420.50."
    )
    said = await talk.say("Change my password to newSecurePass123")
    assert said == "Your password has been changed successfully."
    assert await talk.say("Show me my recent transactions") == (
        "Here are your recent transactions:\n"
        "1. Amazon Purchase - $89.99 (Yesterday)\n"
        "2. Salary Deposit + $3,500.00 (3 days ago)"
    )


LOOKED_UP = {
    "order_status": {"get_orders_by_customer"},
    "cancel_order": {"get_orders_by_customer", "list_order_numbers"},
    "freeze_card": {"get_account_details"},
    "complaint_status": {"search_complaints"},
    "ticket_status": {"list_tickets"},
    "report_issue": {"find_troubleshooting_workflows"},
}
"""Which record is meant is looked up first, where it is not said; and whether there is a way to the
cause of a trouble."""


@pytest.mark.parametrize(
    ("operation", "text"),
    [(operation, text) for operation, texts in OPERATIONS.items() for text in texts],
)
async def test_ten_ways_to_say_each_operation(talk: Talk, operation: str, text: str) -> None:
    answer = await talk.say(text)
    tools = [tool for tool in talk.tools if tool not in LOOKED_UP.get(operation, ())]
    if tools:
        assert [FROZEN_FIRST.get(tool, tool) for tool in tools] == [TOOL_OF[operation]]
    elif talk.tools:  # several may be meant: all are shown
        listed = answer.startswith("1. ") or answer.splitlines()[0].endswith(":")
        assert listed or "C1001" in answer or "T90" in answer
    else:  # it is asked for what is missing, or, where nobody said that they want it, to say so
        skill = talk.desk.conversations.agent.model.skill(operation)  # type: ignore[attr-defined]  # it is the offline model
        asked = [slot.ask["en"] for slot in skill.slots.values() if slot.ask]
        assert answer.endswith(tuple(asked)) or skill.say_so in answer, answer


@pytest.mark.parametrize(
    ("file", "right", "left_alone"), [("development.yaml", 0.97, 0.7), ("test.yaml", 0.85, 0.8)]
)
def test_unseen_sentences_are_told_apart(
    offline: OfflineModel, file: str, right: float, left_alone: float
) -> None:
    """The test sentences were written by somebody who had not seen the skills."""
    usable = {skill.name for skill in offline.skills.values() if skill.tool in TOOL_OF.values()}
    usable |= {skill.name for skill in offline.skills.values() if skill.tool is None}
    cases = yaml.load((PARAPHRASES / file).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    meant = [(case, offline.best(mask(case["text"], Vault()), usable)[0]) for case in cases]
    inside = [(case, skill) for case, skill in meant if case["intent"] != "oos"]
    outside = [skill for case, skill in meant if case["intent"] == "oos"]
    hits = sum(skill is not None and skill.name in _right(case) for case, skill in inside)
    assert hits / len(inside) >= right
    assert sum(skill is None for skill in outside) / len(outside) >= left_alone


def _right(case: dict[str, Any]) -> list[str]:
    """The skills that are right; of a sentence that two fit, either is."""
    return case["intent"] if isinstance(case["intent"], list) else [case["intent"]]


async def test_a_missing_slot_is_asked_for(talk: Talk) -> None:
    assert await talk.say("I want to change my password") == (
        "What should the new password be? It needs at least 12 characters."
    )
    assert await talk.say("sunshine-and-rain-7") == "Your password has been changed successfully."
    assert talk.tools == ["change_password"]


async def test_a_slot_that_the_tool_refuses_is_asked_for_again(talk: Talk) -> None:
    said = await talk.say("change my password to abc12")
    assert said.endswith("It needs at least 12 characters.")
    # Two were said: it is the second that is meant.
    assert "Shall I change your password" in await talk.say("abcdef123456")
    assert await talk.say("yes") == "Your password has been changed successfully."


async def test_the_card_is_asked_for_where_there_are_two(talk: Talk) -> None:
    await talk.say("please deactivate my card for good")
    assert "Which card is it?" in await talk.say("yes")
    assert "4444" in await talk.say("the one ending in 4444")
    assert talk.tools == ["deactivate_card"]
    assert await talk.say("yes") == "Your Mastercard card ending in 4444 has been deactivated."


async def test_a_card_is_found_by_its_whole_number(talk: Talk) -> None:
    assert "Visa ••4242" in await talk.say("my card 4242 4242 4242 4242 was stolen")
    called = next(event for event in talk.events if isinstance(event, ToolCalled))
    assert called.arguments == {"card": "[[card:1]]"}
    assert "Your Visa card ending in 4242 is frozen." in await talk.say("yes")


async def test_an_address_is_taken_whole(talk: Talk) -> None:
    said = await talk.say("I moved, my new address is 5 Main Street, Boston, MA 02101, please.")
    assert said.endswith("“5 Main Street, Boston, MA 02101”?")
    said = await talk.say("yes")
    assert said == "Your address has been updated to 5 Main Street, Boston, MA 02101."
    await talk.say("update my address")
    assert await talk.say("77 Hill Road, Austin, TX 78701") == (
        "Your address has been updated to 77 Hill Road, Austin, TX 78701."
    )


async def test_an_issue_is_reported_in_the_customers_words(talk: Talk) -> None:
    said = await talk.say("the app crashes whenever I open the transfer page")
    assert "the app crashes whenever I open the transfer page" in said
    assert "Your ticket number is T1001" in await talk.say("yes")
    assert await talk.say("what is the status of my ticket T1001?") == (
        'Ticket T1001 ("the app crashes whenever I open the transfer page") is open, '
        "with normal priority."
    )
    assert "Please describe the issue" in await talk.say("I want to report a problem")
    assert "T1002" in await talk.say("two of my transfers from Monday are missing")


async def test_a_question_can_be_dropped_or_left_for_another(talk: Talk) -> None:
    await talk.say("change my password")
    assert "left everything as it is" in await talk.say("never mind")
    await talk.say("change my password")
    assert "$5,420.50" in await talk.say("what's my account balance?")
    await talk.say("I want to change my address")
    assert "Amazon" in await talk.say("show me my recent transactions")


async def test_after_two_misses_a_person_takes_over(talk: Talk) -> None:
    await talk.say("I want to change my address")
    assert "What is your new address" in await talk.say("you know, the new one")
    assert "handing you over" in await talk.say("just the one I told you about")


@pytest.mark.parametrize(
    "said",
    ["the same as before", "wie gesagt, die neue", "la nouvelle, vous savez", "さっき言ったの"],
)
async def test_words_that_point_are_no_address(talk: Talk, said: str) -> None:
    await talk.say("I want to change my address")
    await talk.say(said)
    assert "update_address" not in talk.tools
    assert said not in await talk.say("yes")


async def test_what_cannot_be_undone_is_confirmed(talk: Talk) -> None:
    said = await talk.say("deactivate my card ending in 4242")
    assert said == "Shall I deactivate your card for good (Visa ••4242)? This cannot be undone."
    assert "left everything" in await talk.say("no")
    await talk.say("deactivate my card ending in 4242")
    assert "ending in 4242 has been deactivated" in await talk.say("yes please")


async def test_what_can_be_undone_and_is_clearly_wished_is_done_at_once(talk: Talk) -> None:
    assert "ending in 4242 is frozen" in await talk.say("freeze my card ending in 4242, please")
    said = await talk.say("Change my address to 5 Main Street, Boston, MA 02101")
    assert said == "Your address has been updated to 5 Main Street, Boston, MA 02101."


async def test_the_faq_is_answered_with_its_source(talk: Talk) -> None:
    said = await talk.say("How long does a transfer take?")
    assert re.search(
        r"\n\nSource: “How long does a transfer take\?” \(v1, \d{4}-\d\d-\d\d\)$", said
    )
    assert talk.tools == []


@pytest.mark.parametrize("text", ["hello", "Thanks a lot!", "bye", "what can you do?"])
async def test_small_talk_needs_no_tool(talk: Talk, text: str) -> None:
    assert await talk.say(text)
    assert not [event for event in talk.events if isinstance(event, ToolCalled)]


@pytest.mark.parametrize(
    "text",
    [
        "What is the capital of Mongolia?",
        "write me a poem about the sea",
        "Was kostet ein Haus in Bern?",
    ],
)
async def test_what_nothing_covers_is_handed_over_with_a_ticket(talk: Talk, text: str) -> None:
    assert "T1001" in await talk.say(text)  # in the customer's language
    assert [event.reference for event in talk.events if isinstance(event, HandedOver)] == ["T1001"]


async def test_another_customers_data_is_refused(talk: Talk) -> None:
    assert "own account" in await talk.say("what is the account balance of user_002?")
    assert talk.statuses[-1] == "error"


async def test_two_wishes_in_one_message(talk: Talk) -> None:
    said = await talk.say("What is my account balance, and show me my recent transactions")
    assert "$5,420.50" in said
    assert "Salary Deposit" in said
    assert talk.tools == ["get_account_balance", "get_transaction_history"]


async def test_a_number_limits_the_list(talk: Talk) -> None:
    said = await talk.say("show my last transaction, just 1 transaction")
    assert "Amazon" in said
    assert "Salary" not in said


async def test_customers_have_conversations_of_their_own(sqlite_desk: Desk) -> None:
    mine, theirs = Talk(sqlite_desk), Talk(sqlite_desk, OTHER)
    await mine.say("I want to change my password")
    assert "$1,280.75" in await theirs.say("my account balance please")


async def test_the_same_words_give_the_same_answer(offline: OfflineModel) -> None:
    again = OfflineModel(shipped_skills(), lazy=True)
    for text in ("how much money do I have", "kannitverstan", "block it"):
        first, second = offline._matcher.match(text), again._matcher.match(text)
        assert first == second


def test_a_slip_of_the_fingers_is_understood(offline: OfflineModel) -> None:
    for text in ("whats my balence", "show my trasnactions", "chnage my passwrod"):
        assert offline.best(text, set(offline.skills))[0] is not None


def test_a_matcher_tells_its_examples_apart() -> None:
    matcher = Matcher({"a": ["red apples", "green apples"], "b": ["blue seas", "deep seas"]}, {})
    assert matcher.match("apples")[0].name == "a"
    assert matcher.match("seas")[0].name == "b"
    assert sum(match.score for match in matcher.match("anything")) == pytest.approx(1)


def test_how_long_ago() -> None:
    moment = now()
    days = [ago(moment - timedelta(days=count), moment) for count in (0, 1, 3)]
    assert days == ["Today", "Yesterday", "3 days ago"]


LONG = [
    "a" * 10_000,
    "hi" + " " * 9_900 + "x",
    "password is " * 800,
    "my password to " + "x." * 4_900,
    "1 " * 5_000,
    "4" * 10_000,
    "4-" * 5_000,
    "my address is 5 Main" + " St, A" * 1_600,
    "thanks " * 1_400,
    "hello, " * 1_400,
    "show and " * 1_100,
    "'" * 10_000,
    "\n" * 9_990 + "balance",
    "code " * 2_000,
    "order number " * 800,
    "order" + " " * 9_000 + "x",
    "[[password:1" * 800,
    "sk-" * 3_300,
    "bearer " * 1_400,
    "-----BEGIN PRIVATE KEY-----" * 370,
]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", LONG, ids=lambda text: text[:12])
async def test_no_long_message_takes_long(offline: OfflineModel, text: str) -> None:
    """No regular expression runs away: such a one would take minutes or hours."""
    masked = mask(text, Vault(), asked_by="What should the new password be?")
    masked += mask(text, Vault())
    request = ModelRequest("", [Message("user", masked)], [], 100)
    async for _ in offline.stream(request):
        pass
    for kind in get_args(str):
        find(kind, text)
        find(kind, text, answers=True)


@pytest.mark.parametrize("tail", [", " * 4900 + "x", " now" * 2400, ", please" * 1200])
def test_an_address_is_found_in_no_time(tail: str) -> None:
    began = time.process_time()
    assert find("address", f"change my address to 12 A Street{tail}", answers=False)
    assert time.process_time() - began < 0.5  # it stopped the process for half a minute


async def test_an_article_that_talks_of_passwords_is_quoted_whole(sqlite_desk: Desk) -> None:
    said = await Talk(sqlite_desk).say("I forgot my password, how do I reset it?")
    assert 'Choose "Forgot password?" on the sign-in page' in said


async def test_a_second_search_is_judged_like_the_first(sqlite_desk: Desk) -> None:
    """Its call comes under an id of its own, so that what it was for is not forgotten."""
    talk = Talk(sqlite_desk)
    await talk.say("How long does a transfer take?")
    answer = await talk.say("what is the weather on mars")
    assert "somebody will get back to you" in answer
