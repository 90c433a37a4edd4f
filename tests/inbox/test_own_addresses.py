"""Two tenants of one process with addresses of their own, and the same customers, on real servers.

Postfix takes and sends all mail. The bank's box is in Dovecot and read by IMAP; the shop's mail is
handed over to the desk by LMTP. What one sends, is answered, and bounces is never the other's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from deskward.app import open_desk
from deskward.security import tenants
from tests.conftest import settings_in
from tests.inbox.shapes import mail
from tests.inbox.test_chain import ANNA, GONE, Chain, keys_of, refusing, until
from tests.services.dovecot import PASSWORD, dovecot
from tests.services.postfix import postfix
from tests.services.programs import free_port
from tests.services.server import server

OWN = {"default": "support@bank.example", "shop": "help@shop.example"}

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dovecot"), pytest.mark.timeout(300)]


@pytest.fixture
async def chain(tmp_path: Path) -> AsyncIterator[Chain]:
    keys = await keys_of(tmp_path, *OWN)
    async with open_desk(settings_in(tmp_path), chat=False) as desk:
        for tenant, address in OWN.items():
            async with desk.database.transaction() as db:
                own = {"reply_to": address, "mail_domains": [address.partition("@")[2]]}
                await tenants.change(db, tenant, {"name": f"The {tenant} one", **own})
    listen, full = free_port(), free_port()
    ways = {
        "shop.example": f"lmtp:inet:127.0.0.1:{listen}",
        "full.example": f"smtp:[127.0.0.1]:{full}",
    }
    domains = "bank.example customers.example shop.example full.example desk.example"
    with dovecot() as boxes, postfix(boxes.lmtp_port, domains, ways) as port, refusing(full):
        told: dict[str, Any] = {
            "DOMAINS": "",
            "IMAP_SERVER": "127.0.0.1",
            "IMAP_PORT": str(boxes.imap_port),
            "IMAP_USERNAME": OWN["default"],
            "IMAP_PASSWORD": PASSWORD,
            "IMAP_POLL": "5",
            "MAIL_ADDRESSES": "desk@desk.example",
            "MAIL_LISTEN_PORT": str(listen),
            "SMTP_SERVER": "127.0.0.1",
            "SMTP_PORT": str(port),
            "SENDER_EMAIL": "desk@desk.example",
            "NOTICES": "false",  # every mail that comes is counted
        }
        async with server(tmp_path, "serve", **told) as (url, _):
            yield Chain(url, keys, port, boxes)


async def answered(chain: Chain, sender: str) -> dict[str, str]:
    """Have each tenant answer the same mail of the same customer; gives their tickets."""
    tickets = {}
    for tenant, address in OWN.items():
        fields = {"From": sender, "To": address, "Message_ID": "<1@customers.example>"}
        raw = mail(f"A matter for the {tenant} one.", Subject="Hello", **fields)
        await chain.send(raw, address, sender)
        tickets[tenant] = await chain.ticket("Hello", tenant)
        await chain.answer(tickets[tenant], f"Answered by the {tenant} one.", tenant)
    return tickets


async def test_each_writes_and_is_answered_under_its_own_address(chain: Chain) -> None:
    tickets = await answered(chain, ANNA)
    by_tenant: dict[str, EmailMessage] = {}
    for each in await chain.received(ANNA, 2):
        [tenant] = [t for t, own in OWN.items() if each["From"].addresses[0].addr_spec == own]
        by_tenant[tenant] = each
    assert set(by_tenant) == set(OWN)
    for tenant, own in OWN.items():
        each, (name, _, domain) = by_tenant[tenant], own.partition("@")
        assert each["From"].addresses[0].display_name == f"The {tenant} one"
        assert str(each["Return-Path"]).strip("<>") == own
        assert str(each["Message-ID"]).endswith(f"@{domain}>")
        tag = f"{name}+{tickets[tenant].lower()}-"
        assert str(each["Reply-To"]).startswith(tag)
        assert str(each["Reply-To"]).endswith(domain)
        assert each["References"] == each["In-Reply-To"] == "<1@customers.example>"
        [other] = [o.partition("@")[2] for t, o in OWN.items() if t != tenant]
        assert other not in each.as_string().replace("mx.desk.example", "")
    # Whatever else an answer names, it goes to whom it is sent to.
    follows = " ".join(str(each["Message-ID"]) for each in by_tenant.values())
    for tenant in OWN:
        to = str(by_tenant[tenant]["Reply-To"])
        fields = {"From": ANNA, "To": to, "References": follows, "Message_ID": f"<2{to}>"}
        await chain.send(mail(f"More for the {tenant} one.", Subject="Re: Hello", **fields), to)
    for tenant in OWN:
        texts = [m["text"] for m in await chain.messages(tickets[tenant], 3, tenant)]
        assert texts[2] == f"More for the {tenant} one."
        assert (await chain.get("/tickets", tenant))["total"] == 1


async def test_what_bounces_comes_back_to_whose_it_is(chain: Chain) -> None:
    tickets = await answered(chain, GONE)
    for tenant in OWN:

        async def bounced(tenant: str = tenant) -> str | None:
            last = (await chain.messages(tickets[tenant], 2, tenant))[1]
            return last["detail"] if last["delivery"] == "bounced" else None

        assert "The mailbox is full" in await until(bounced)
        mails = (await chain.get("/incoming-mails?limit=100", tenant))["mails"]
        assert [each["status"] for each in mails] == ["report", "filed"]
