"""The offline model's skills of orders and complaints."""

import pytest

from deskward.agent.events import ToolCalled
from deskward.agent.offline.model import OfflineModel
from deskward.gate.context import Context
from tests.agent.offline.finding import find
from tests.agent.talk import Talk
from tests.conftest import STAFF


async def test_an_order_is_told_with_its_lines(talk: Talk) -> None:
    assert await talk.say("what is the status of order #1001?") == (
        "Order O1001 is delivered.\n"
        "1 × Keyboard, US layout - $49.90\n"
        "2 × Wireless mouse - $39.90\n"
        "Total: $89.80. It goes to 12 Garden Street, Springfield, IL 62701."
    )
    assert (await talk.say("where is my order?")).startswith("Here are your orders:")
    assert (await talk.say("the second one")).startswith("Order O1002 is shipped.")
    assert "There is no order 'O4711'" in await talk.say("where is order O4711")
    assert (await talk.say("sorry, O1003")).startswith("Order O1003 is pending.")


async def test_orders_are_listed(talk: Talk) -> None:
    assert await talk.say("show me my orders") == (
        "Here are your orders:\n"
        "1. O1003 - USB-C cable 1 m and 1 more - $56.50 - pending (Today)\n"
        "2. O1002 - Noise-cancelling headphones - $129.00 - shipped (Today)\n"
        "3. O1001 - Keyboard, US layout and 1 more - $89.80 - delivered (Today)"
    )
    assert "2. " not in await talk.say("show me my last 1 orders")
    assert "own account" in await talk.say("show me the orders of user_002")


async def test_an_order_is_cancelled(talk: Talk) -> None:
    assert "O1003" in await talk.say("I want to cancel my order")
    called = [event for event in talk.events if isinstance(event, ToolCalled)][-1]
    assert called.arguments == {"status": "cancelled", "order_id": "O1003"}
    assert await talk.say("yes") == "Order O1003 has been cancelled."
    assert await talk.say("cancel order O1002") == (
        "I could not do that. Order O1002 is shipped and can only become delivered or returned."
    )
    assert "There is no order" in await talk.say("cancel order O1004")


@pytest.mark.parametrize(
    "text",
    [
        "is order O1003 cancelled?",
        "has O1003 been cancelled",
        "why did you cancel O1003",
        "don't cancel order O1003",
        "please don’t cancel O1003",
        "I never asked you to cancel O1003",
        "I do not want to cancel order O1003",
        "what happens if I cancel order O1003",
        "show my orders and don't cancel order O1003",
    ],
)
async def test_who_only_asks_cancels_nothing(talk: Talk, text: str) -> None:
    await talk.say(text)
    assert "update_order_status" not in talk.tools


async def test_who_only_asks_blocks_no_card(talk: Talk) -> None:
    await talk.say("don't block my card")
    assert talk.tools == []
    said = await talk.say("is my card ending in 4242 blocked")
    assert said == "Your Visa card ending in 4242 is active."
    assert talk.tools == ["get_account_details"]


async def test_a_complaint_is_registered_and_followed(talk: Talk) -> None:
    assert "Please describe what went wrong" in await talk.say("I want to make a complaint")
    said = await talk.say("the driver threw my parcel over the fence")
    assert said.startswith("I have registered your complaint. Its number is C1002")
    assert await talk.say("how is complaint C1002 going?") == (
        'Complaint C1002 ("the driver threw my parcel over the fence") is open.'
    )
    resolution = {"complaint_id": "C1002", "resolution": "The driver has apologised."}
    await talk.desk.gate.call("resolve_complaint", resolution, Context(STAFF, "cli"))
    said = await talk.say("any news on C1002")
    assert said.endswith("is resolved. The driver has apologised.")


def test_a_skill_whose_tool_is_away_leaves_it_to_the_next(offline: OfflineModel) -> None:
    text = "I want to raise a complaint about an error on my statement"
    skill, _ = offline.best(text, {"report_issue", "register_complaint"})
    assert skill is not None
    assert skill.name == "register_complaint"
    skill, _ = offline.best(text, {"report_issue"})
    assert skill is None or skill.name == "report_issue"


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("order_id", "O1001", "O1001"),
        ("order_id", "where is o-1001", "O1001"),
        ("order_id", "order 1001", "O1001"),
        ("order_id", "order #1001", "O1001"),
        ("order_id", "my order number is: 1001", None),
        ("order_id", "order no. 1001, the one of 2025", "O1001"),
        ("order_id", "I have 3 orders", None),
        ("order_id", "ticket T1001", None),
        ("complaint_id", "C1001", "C1001"),
        ("complaint_id", "complaint number 1001", "C1001"),
        ("complaint_id", "complaint about order 1001", None),
        ("ticket_id", "t7", "T7"),
        ("ticket_id", "case no 1001", "T1001"),
    ],
)
def test_an_id_is_found_as_people_say_it(kind: str, text: str, found: str | None) -> None:
    assert find(kind, text) == found
