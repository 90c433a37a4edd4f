"""The mail tools, against a real SMTP server: what arrives, what is refused, what is told."""

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.email import compose
from deskward.email.models import Letter
from deskward.files import service as files
from deskward.files.service import Content
from deskward.gate.context import Context
from tests.conftest import CUSTOMER, FOREIGN, STAFF, settings_in
from tests.email.conftest import Send, with_mail
from tests.services.mail import Mail, mail
from tests.services.programs import free_port

pytestmark = pytest.mark.xdist_group("mail")

TO = "alice@example.com"


class Sink:
    """A handler that keeps what it gets."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.messages.append(envelope.content)
        return "250 OK"


def parsed(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n").strip()


async def upload(desk: Desk, name: str, data: bytes, owner: str = STAFF.label) -> str:
    async with desk.database.transaction() as transaction:
        stored = await files.store(transaction, "default", owner, name, data, max_size=10_000_000)
    return stored.file_id


async def test_a_text_mail_arrives(send: Send, server: Mail) -> None:
    outcome = await send("send_text_email", to=TO, subject="Grüße ☀", body="Guten Tag,\nÄnne")
    assert outcome.value["status"] == "sent"
    (received,) = server.received
    assert (received.sender, received.recipients) == (server.user, (TO,))
    assert (received.user, received.encrypted) == (server.user, True)
    message = parsed(received.content)
    assert message["Subject"] == "Grüße ☀"
    assert message["From"] == f"Customer Service <{server.user}>"
    assert message["To"] == TO
    assert message["Message-ID"] == f"<{outcome.value['email_id']}@example.com>"
    assert part(message, "plain") == "Guten Tag,\nÄnne"


async def test_an_html_mail_always_has_text(send: Send, server: Mail) -> None:
    html = "<style>p {}</style><p>Your order is <b>here</b>.</p><a href='https://x.example'>See</a>"
    assert (await send("send_html_email", to=TO, subject="s", html=html)).status == "ok"
    message = parsed(server.received[0].content)
    assert part(message, "html") == html
    assert part(message, "plain") == "Your order is here.\nSee (https://x.example)"


async def test_everything_at_once(send: Send, server: Mail, desk: Desk) -> None:
    pdf = await upload(desk, "invoice.pdf", b"%PDF-1.7 x\xff")
    text = await upload(desk, "ümläut.txt", "größe".encode())
    outcome = await send(
        "send_email",
        to=[TO, "bob@example.com"],
        cc=["carol@example.com"],
        bcc=["boss@example.com", TO],
        subject="All",
        body="Text",
        html="<p>HTML</p>",
        attachments=[pdf, text],
    )
    assert outcome.value["status"] == "sent"
    (received,) = server.received
    assert received.recipients == (TO, "bob@example.com", "carol@example.com", "boss@example.com")
    assert b"boss@example.com" not in received.content
    message = parsed(received.content)
    assert (message["To"], message["Cc"]) == (f"{TO}, bob@example.com", "carol@example.com")
    found = {p.get_filename(): p.get_payload(decode=True) for p in message.iter_attachments()}
    assert found == {"invoice.pdf": b"%PDF-1.7 x\xff", "ümläut.txt": "größe".encode()}


async def test_attachments_are_the_senders_own(send: Send, server: Mail, desk: Desk) -> None:
    others = await upload(desk, "a.txt", b"x", owner="staff:bert")
    for file_id in (others, "0" * 32):
        outcome = await send(
            "send_email_with_attachments", to=[TO], subject="s", body="b", attachments=[file_id]
        )
        assert outcome.error is not None
        assert outcome.error.error_code == "FILE_NOT_FOUND"
    for path in ("/etc/passwd", "../secret.key"):
        outcome = await send(
            "send_email_with_attachments", to=[TO], subject="s", body="b", attachments=[path]
        )
        assert outcome.error is not None
        assert outcome.error.error_code == "INVALID_INPUT"
    assert server.received == []


async def test_attachments_are_limited_together(send: Send, server: Mail, desk: Desk) -> None:
    ids = [await upload(desk, f"{n}.txt", b"x" * 4_000_000) for n in range(3)]
    arguments = {"to": [TO], "subject": "s", "body": "b"}
    outcome = await send("send_email_with_attachments", attachments=ids, **arguments)
    assert outcome.error is not None
    assert outcome.error.error_code == "INVALID_INPUT"
    assert server.received == []
    outcome = await send("send_email_with_attachments", attachments=ids[:2], **arguments)
    assert outcome.value["status"] == "sent"


@pytest.mark.parametrize(
    "arguments",
    [
        {"to": "alice@example.com\r\nBcc: x@example.com"},
        {"to": "a, b@example.com"},
        {"to": "no address"},
        {"subject": "s\r\nBcc: x@example.com"},
        {"subject": "s\nX: y"},
        {"subject": "s\x00"},
        {"subject": "s\x1b[2J"},
        {"subject": "s\x7f"},
        {"subject": "s\x85X: y"},
        {"subject": "s\u2028X: y"},
        {"subject": "s\u2029"},
        {"subject": "s\ud800"},
        {"subject": ""},
        {"body": ""},
    ],
)
async def test_headers_cannot_be_injected(send: Send, server: Mail, arguments: dict) -> None:
    given_arguments = {"to": TO, "subject": "s", "body": "b", **arguments}
    outcome = await send("send_text_email", **given_arguments)
    assert outcome.error is not None
    assert outcome.error.error_code == "INVALID_INPUT"
    assert server.received == []


@given(st.text(max_size=50), st.text(max_size=50))
def test_whatever_a_letter_says_its_headers_are_ours(name: str, text: str) -> None:
    clean = "".join(c for c in name if c.isprintable()) or "x"
    letter = Letter(to=[TO], subject=clean, text=text or "x")
    content = Content("f", clean.replace("/", "_"), "text/plain", b"x")
    message = compose.message(
        "e" * 32, letter, [content], sender_name=clean, sender_email="desk@example.com"
    )
    headers = parsed(message.as_bytes(policy=email.policy.SMTP)).keys()
    assert sorted(headers) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]
    )


async def test_bodies_are_ascii_for_servers_that_take_nothing_else(
    send: Send, server: Mail
) -> None:
    body = "Grüße aus Köln, 您好! " * 40
    assert (await send("send_text_email", to=TO, subject="s", body=body)).status == "ok"
    html = f"<p>{body}</p>"
    assert (await send("send_html_email", to=TO, subject="s", html=html)).status == "ok"
    first, second = server.received
    assert first.content.isascii()
    assert second.content.isascii()
    assert part(parsed(first.content), "plain") == body.strip()
    assert part(parsed(second.content), "html") == html


async def test_a_domain_is_written_as_the_dns_has_it(send: Send, server: Mail) -> None:
    for to in ("alice@bücher.example.com", "alice@xn--bcher-kva.example.com"):
        outcome = await send("send_text_email", to=to, subject="s", body="b")
        assert outcome.value["status"] == "sent"
    for received in server.received:
        assert received.recipients == ("alice@xn--bcher-kva.example.com",)
        assert parsed(received.content)["To"] == "alice@xn--bcher-kva.example.com"


async def test_letters_before_the_at_need_a_server_that_takes_them(send: Send) -> None:
    to = ["älice@example.com", "bob@example.com"]
    outcome = await send("send_email", to=to, subject="Grüße", body="b")
    assert outcome.value["status"] == "failed"
    assert "älice@example.com" in outcome.value["message"]
    assert "SMTPUTF8" in outcome.value["message"]


async def test_letters_before_the_at_go_to_a_server_that_takes_them(
    sqlite_settings: Settings, offline
) -> None:
    to = ["älice@example.com", "bob@example.com"]
    with mail(any_letters=True) as wide:
        async with open_desk(with_mail(sqlite_settings, wide), model=offline) as desk:
            call = {"to": to, "subject": "Grüße", "body": "b"}
            outcome = await desk.gate.call("send_email", call, Context(STAFF, "rest"))
        assert outcome.value["status"] == "sent"
    (received,) = wide.received
    assert received.recipients == ("älice@example.com", "bob@example.com")
    message = parsed(received.content)
    assert message["To"] == "älice@example.com, bob@example.com"
    assert message["Subject"] == "Grüße"


async def test_a_template_gets_no_subject_with_control_characters(send: Send, server: Mail) -> None:
    values = {"name": "Alice", "order_id": "O1001\x1b[2J", "status": "shipped"}
    outcome = await send("send_email", to=[TO], template="order_update", values=values)
    assert outcome.error is not None
    assert outcome.error.error_code == "INVALID_INPUT"
    assert server.received == []


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("sender_email", "desk"),
        ("sender_email", "desk@@example.com"),
        ("sender_email", "desk@-example.com"),
        ("sender_email", "Desk <desk@example.com>"),
        ("sender_email", "desk@exam\x00ple.com"),
        ("sender_email", "a.@example.com"),
        ("sender_name", "Desk\nBcc: x@example.com"),
        ("sender_name", "Desk\u2028"),
        ("sender_name", "Desk\x00"),
    ],
)
def test_senders_that_make_no_header_are_refused_at_the_start(
    tmp_path: Path, setting: str, value: str
) -> None:
    with pytest.raises(ValidationError, match=r"mail address|SENDER_NAME"):
        settings_in(tmp_path, **{setting: value})


async def test_templates_are_filled(send: Send, server: Mail) -> None:
    values = {"name": "<b>Alice</b>", "order_id": "O1001", "status": "shipped"}
    outcome = await send("send_email", to=[TO], template="order_update", values=values)
    assert outcome.value["status"] == "sent"
    message = parsed(server.received[0].content)
    assert message["Subject"] == "Your order O1001 is shipped"
    assert "&lt;b&gt;Alice&lt;/b&gt;" in part(message, "html")
    assert "<b>Alice</b>" in part(message, "plain")


@pytest.mark.parametrize("name", sorted(compose.templates()))
def test_every_template_can_be_filled(name: str) -> None:
    names = ("name", "order_id", "status", "ticket_id", "subject", "reply", "complaint_id")
    subject, text, _ = compose.fill(name, {key: "x" for key in names})
    assert subject
    assert text


@pytest.mark.parametrize(
    "arguments",
    [
        {"template": "no_such"},
        {"template": "order_update", "values": {}},
        {"template": "order_update", "subject": "s", "values": {}},
        {"subject": "s"},
        {"body": "b"},
        {},
    ],
)
async def test_a_mail_that_says_nothing_is_refused(send: Send, server: Mail, arguments) -> None:
    outcome = await send("send_email", to=[TO], **arguments)
    assert outcome.error is not None
    assert outcome.error.error_code == "INVALID_INPUT"
    assert server.received == []


async def test_customers_send_no_mail(send: Send) -> None:
    for tool in ("send_text_email", "test_connection", "get_email"):
        outcome = await send(tool, CUSTOMER, to=TO, subject="s", body="b")
        assert outcome.error is not None


async def test_a_mail_is_looked_up_by_who_sent_it(send: Send) -> None:
    email_id = (await send("send_text_email", to=TO, subject="s", body="b")).value["email_id"]
    found = (await send("get_email", email_id=email_id)).value
    assert (found["status"], found["to"], found["subject"]) == ("sent", [TO], "s")
    outcome = await send("get_email", FOREIGN, email_id=email_id)
    assert outcome.error is not None


async def test_the_connection_is_tested(
    send: Send, server: Mail, sqlite_settings: Settings, offline
) -> None:
    value = (await send("test_connection")).value
    assert value == {
        "configured": True,
        "success": True,
        "message": f"Connected to localhost:{server.port} and signed in.",
    }
    for change, problem in (
        ({"sender_password": "wrong"}, "did not accept the password"),
        ({"smtp_port": 1}, "cannot be reached"),
        ({"smtp_ca_file": None, "smtp_security": "starttls"}, "cannot be reached"),
        ({"smtp_security": "tls"}, "cannot be reached"),
    ):
        settings = with_mail(sqlite_settings, server, **change)
        async with open_desk(settings, model=offline) as desk:
            value = (await desk.gate.call("test_connection", {}, Context(STAFF, "rest"))).value
            assert value["success"] is False
            assert problem in value["message"]
    assert server.received == []


async def test_without_a_server_mails_are_printed_and_that_is_said(
    sqlite_desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = {"to": TO, "subject": "Hello", "body": "Dear Alice"}
    outcome = await sqlite_desk.gate.call("send_text_email", arguments, Context(STAFF, "rest"))
    assert outcome.value["status"] == "printed"
    assert "SMTP_SERVER" in outcome.value["message"]
    assert "Dear Alice" in capsys.readouterr().err
    value = (await sqlite_desk.gate.call("test_connection", {}, Context(STAFF, "rest"))).value
    assert (value["configured"], value["success"]) == (False, False)


async def test_a_plain_server_on_this_machine_is_enough(sqlite_settings: Settings, offline) -> None:
    """What `aiosmtpd -n` is: neither TLS nor sign-in, though a password is set."""
    handler = Sink()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        changes = {
            "smtp_server": "localhost",
            "smtp_port": controller.port,
            "sender_email": "desk@example.com",
            "sender_password": "p",
        }
        settings = sqlite_settings.changed(**changes)
        async with open_desk(settings, model=offline) as desk:
            arguments = {"to": TO, "subject": "s", "body": "b"}
            outcome = await desk.gate.call("send_text_email", arguments, Context(STAFF, "rest"))
            assert outcome.value["status"] == "sent"
    finally:
        controller.stop()
    assert len(handler.messages) == 1


async def test_what_a_model_wrote_leads_only_where_it_may(desk: Desk, server: Mail) -> None:
    html = (
        "<p>Hello <img src='https://evil.example/x.png?d=1234'>you,<br>see "
        "<a href='https://evil.example/a'>this</a> or ![](//evil.example/b).</p><form>Pay</form>"
    )
    one, two = (Context(STAFF, "mcp", client=name) for name in "ab")
    arguments = {"to": TO, "subject": "See evil.example now", "html": html}
    assert (await desk.gate.call("send_html_email", arguments, one)).status == "ok"
    text = f"[Help](https://evil.example/c) or mail to {TO}, <b>please</b>."
    arguments = {"to": TO, "subject": "s", "body": text}
    assert (await desk.gate.call("send_text_email", arguments, two)).status == "ok"
    assert (await desk.gate.call("send_text_email", arguments, Context(STAFF, "rest"))).value
    first, second, by_hand = (parsed(mail.content) for mail in server.received)
    assert "evil.example" not in str(first)
    assert "<img" not in part(first, "html")
    assert "<a" not in part(first, "html")
    assert "Hello you," in part(first, "html").replace("<br>", "\n")
    assert part(second, "plain") == f"Help or mail to {TO}, please."
    assert part(by_hand, "plain") == text  # a person or a program may link as they like


def test_a_model_may_link_to_the_hosts_on_the_list() -> None:
    text = "See https://shop.example/a\nor https://evil.example/b"
    letter = Letter(to=[TO], subject="s", text=text)
    written = compose.plainly(letter, {"shop.example"})
    assert "https://shop.example/a\n" in written.text
    assert "evil" not in written.text
