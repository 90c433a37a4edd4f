"""The tools of mail."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, NotRequired, TypedDict

from pydantic import Field

from deskward.core.aside import aside
from deskward.core.errors import InvalidInput
from deskward.customers import service as customers
from deskward.email import compose, outbox
from deskward.email.mailer import NotNow, Refused
from deskward.email.models import (
    Address,
    Addresses,
    Body,
    ConnectionTest,
    Email,
    EmailId,
    EmailReceipt,
    Html,
    Letter,
    Subject,
)
from deskward.email.outbox import Outbox
from deskward.files.models import FileId
from deskward.gate.context import Context
from deskward.gate.counters import Spent
from deskward.gate.tool import Risk, ToolGroup

tools = ToolGroup("email")

To = Annotated[list[Address], Field(min_length=1, max_length=50)]
Attachments = Annotated[list[FileId], Field(max_length=20)]

Value = Annotated[str, Field(max_length=10_000)] | int | float | bool
Values = Annotated[
    dict[str, Value],
    Field(max_length=50, json_schema_extra={"propertyNames": {"not": {"pattern": "\\x00"}}}),
]
"""What a template is filled with: plain values, because that is what it prints."""


class MailFacts(TypedDict):
    """What policies may know of a mail.

    `verified`: all recipients are addresses of customers' records. `owner`: the customer, where it
    goes to a single one. `customers`: all of them.
    """

    recipients: int
    verified: bool
    attachments: int
    customers: list[str]
    owner: NotRequired[str]


async def mail_facts(ctx: Context, arguments: Mapping[str, Any]) -> MailFacts:
    """The facts of a mail."""
    to = arguments["to"]
    everybody = {
        address.lower()
        for address in [
            *([to] if isinstance(to, str) else to),
            *arguments.get("cc", []),
            *arguments.get("bcc", []),
        ]
    }
    known = await customers.of_addresses(ctx.db, ctx.tenant, everybody)
    facts: MailFacts = {
        "recipients": len(everybody),
        "verified": known.keys() == everybody,
        "attachments": len(arguments.get("attachments", [])),
        "customers": sorted(set(known.values())),
    }
    if facts["verified"] and len(facts["customers"]) == 1:
        facts["owner"] = facts["customers"][0]
    return facts


def mail_spends(_arguments: Mapping[str, Any], mail: Mapping[str, Any]) -> Spent:
    """What a mail spends: its recipients."""
    return Spent(mail["recipients"], "recipients")


def _whole_mail() -> dict[str, Any]:
    """Return the JSON Schema of what makes a mail: a filled template, or a subject and a text."""
    absent, text = {"type": "null"}, {"type": "string"}
    filled = [
        {
            "required": ["template", "values"],
            "properties": {
                "template": {"const": name},
                "values": {"type": "object", "required": compose.needed(name)},
                **dict.fromkeys(("subject", "body", "html"), absent),
            },
        }
        for name in compose.templates()
    ]
    written = [
        {
            "required": ["subject", part],
            "properties": {"template": absent, "subject": text, part: text},
        }
        for part in ("body", "html")
    ]
    return {"anyOf": [*written, *filled]}


@tools.tool(
    scope="email:send",
    risk=Risk.OUTSIDE,
    rest="POST /email/send",
    facts=mail_facts,
    spends=mail_spends,
    together=_whole_mail(),
)
async def send_email(
    ctx: Context,
    to: To,
    subject: Subject | None = None,
    body: Body | None = None,
    html: Html | None = None,
    cc: Addresses = [],  # noqa: B006 the gate copies it
    bcc: Addresses = [],  # noqa: B006 the gate copies it
    attachments: Attachments = [],  # noqa: B006 the gate copies it
    template: Annotated[str, Field(max_length=64)] | None = None,
    values: Values | None = None,
) -> EmailReceipt:
    """Send a mail, with everything that a mail can have.

    Args:
        to: Who gets it.
        subject: Its subject; a template brings its own.
        body: Its text. Left out where there is HTML or a template.
        html: Its text as HTML.
        cc: Who gets a copy.
        bcc: Who gets a copy without the others seeing it.
        attachments: Ids of files that were uploaded, or made by a tool.
        template: The name of a template to fill instead of subject and body.
        values: What the template is filled with.
    """
    if template is not None:
        if subject or body or html:
            raise InvalidInput("Give a template, or subject and body, not both.")
        subject, body, html = compose.fill(template, values or {})
    if not subject or not (body or html):
        raise InvalidInput("A mail needs a subject, and a body, HTML or a template.")
    text = body or await _text_of(html or "")
    letter = Letter(
        to=to, cc=cc, bcc=bcc, subject=subject, text=text, html=html, attachments=attachments
    )
    return await _send(ctx, letter)


@tools.tool(
    scope="email:send",
    risk=Risk.OUTSIDE,
    rest="POST /email/send-text",
    facts=mail_facts,
    spends=mail_spends,
)
async def send_text_email(ctx: Context, to: Address, subject: Subject, body: Body) -> EmailReceipt:
    """Send a plain text mail to one recipient.

    Args:
        to: Who gets it.
        subject: Its subject.
        body: Its text.
    """
    return await _send(ctx, Letter(to=[to], subject=subject, text=body))


@tools.tool(
    scope="email:send",
    risk=Risk.OUTSIDE,
    rest="POST /email/send-html",
    facts=mail_facts,
    spends=mail_spends,
)
async def send_html_email(
    ctx: Context, to: Address, subject: Subject, html: Html, body: Body | None = None
) -> EmailReceipt:
    """Send an HTML mail to one recipient, with a plain text part.

    Args:
        to: Who gets it.
        subject: Its subject.
        html: Its text as HTML.
        body: Its plain text; made from the HTML where left out.
    """
    text = body or await _text_of(html)
    return await _send(ctx, Letter(to=[to], subject=subject, text=text, html=html))


@tools.tool(
    scope="email:send",
    risk=Risk.OUTSIDE,
    rest="POST /email/send-with-attachments",
    facts=mail_facts,
    spends=mail_spends,
)
async def send_email_with_attachments(
    ctx: Context,
    to: To,
    subject: Subject,
    body: Body,
    attachments: Annotated[list[FileId], Field(min_length=1, max_length=20)],
) -> EmailReceipt:
    """Send a plain text mail with files.

    Args:
        to: Who gets it.
        subject: Its subject.
        body: Its text.
        attachments: Ids of files that were uploaded, or made by a tool.
    """
    return await _send(ctx, Letter(to=to, subject=subject, text=body, attachments=attachments))


@tools.tool(scope="email:read", risk=Risk.READ, rest="GET /email/{email_id}")
async def get_email(ctx: Context, email_id: EmailId) -> Email:
    """Tell what became of a mail that the caller sent.

    Args:
        email_id: The mail.
    """
    return await outbox.get(ctx.db, ctx.tenant, ctx.principal.label, email_id)


@tools.tool(scope="email:read", risk=Risk.READ, rest="POST /email/test-connection")
async def test_connection(ctx: Context) -> ConnectionTest:
    """Connect to the mail server and sign in, without sending anything."""
    mailer = ctx.port(Outbox).mailer
    try:
        message = await mailer.test()
    except (Refused, NotNow) as error:
        return ConnectionTest(configured=True, success=False, message=str(error))
    return ConnectionTest(configured=mailer.configured, success=mailer.configured, message=message)


async def _text_of(html: str) -> str:
    return await aside(partial(compose.text_of, html), len(html))


async def _send(ctx: Context, letter: Letter) -> EmailReceipt:
    outbox = ctx.port(Outbox)
    if ctx.by_model:
        size = len(letter.text) + len(letter.subject)
        letter = await aside(partial(compose.plainly, letter, outbox.hosts), size)
    receipt = await outbox.send(ctx.tenant, ctx.principal.label, ctx.effect_id, letter)
    fields = EmailReceipt.model_fields
    return EmailReceipt(**receipt.model_dump(include=set(fields)))
