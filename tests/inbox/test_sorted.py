"""Where mails go of tickets that were split and merged, and of customers who were."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from deskward.app import Desk
from deskward.email.tags import tagged
from deskward.inbox.filing import Inbox
from tests.conftest import STAFF, caller
from tests.inbox.conftest import Bring, messages
from tests.inbox.test_filing import _letter as letter


async def test_answers_follow_messages_that_were_split_off(desk: Desk, bring: Bring) -> None:
    """What a mail answers is where it stands now, not where it came in."""
    call = caller(desk)
    first = await bring(letter("My parcel is late.", Message_ID="<m1@x.example>"))
    more = {"Message_ID": "<m2@x.example>", "References": "<m1@x.example>"}
    await bring(letter("And my invoice is wrong.", **more))
    split = {"ticket_id": f"T{first.number}", "messages": [2], "subject": "Invoice"}
    other = (await call("split_ticket", STAFF, **split)).value["ticket"]["id"]
    follows = {"References": "<m1@x.example> <m2@x.example>", "In_Reply_To": "<m2@x.example>"}
    answer = await bring(letter("Invoice 7, I mean.", Message_ID="<m3@x.example>", **follows))
    assert f"T{answer.number}" == other
    came = await bring(letter("It came.", Message_ID="<m4@x.example>", References="<m1@x.example>"))
    assert came.number == first.number


async def test_a_programs_mail_to_a_merged_ticket_stands_in_the_one_that_goes_on(
    desk: Desk, bring: Bring
) -> None:
    call = caller(desk)
    kept = await bring(letter("One", Subject="1", Message_ID="<m1@x.example>"))
    gone = await bring(letter("Two", Subject="2", Message_ID="<m2@x.example>"))
    merge = {"ticket_id": f"T{gone.number}", "into": f"T{kept.number}"}
    assert (await call("merge_tickets", STAFF, **merge)).status == "ok"
    key = desk.gate.port(Inbox).rules.key
    tag = tagged("support@desk.example", key, "default", merge["ticket_id"])
    told = {"Message_ID": "<m3@x.example>", "Auto_Submitted": "auto-replied", "To": tag}
    assert (await bring(letter("I am away.", **told))).number == kept.number
    assert (await messages(desk, kept.number))[-1]["text"] == "I am away."


async def test_customers_who_have_written_into_one_thread_are_merged(
    desk: Desk, bring: Bring
) -> None:
    call = caller(desk)
    home, work = {"From": "ann@home.example"}, {"From": "ann@work.example"}
    thread = {"References": "<m1@x.example>"}
    first = await bring(letter("Late.", **home, Message_ID="<m1@x.example>"))
    other = await bring(letter("It is me.", **work, **thread, Message_ID="<m2@x.example>"))
    await bring(letter("Hello?", **home, **thread, Message_ID="<m3@x.example>"))
    lead, chief = (replace(STAFF, id=f"lead{n}", roles=(f"support-{n}",)) for n in (2, 3))
    merge = {"customer_id": other.customer_id, "into": first.customer_id}
    asked = await call("merge_customers", lead, **merge)
    asked = {"approval_id": asked.value["approval_id"]}
    await call("approve_call", chief, **asked)
    async with asyncio.timeout(20):
        while (done := await call("get_approval", chief, **asked)).value["status"] == "approved":
            await asyncio.sleep(0.05)
    assert done.value["status"] == "done", done.value
    follows = {"References": "<m1@x.example> <m2@x.example>", "Message_ID": "<m4@x.example>"}
    last = await bring(letter("Which of both?", **work, **follows))
    assert (last.number, last.customer_id) == (other.number, first.customer_id)
