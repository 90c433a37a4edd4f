"""A mail through the agent, read back over IMAP; and a server that is killed while it sends."""

import asyncio
import os
import signal
import sqlite3
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.demo_file import lay_demo
from tests.services.dovecot import dovecot
from tests.services.mail import Mail, mail
from tests.services.server import new_key, server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mail"), pytest.mark.timeout(240)]

MAILS = 12
KILL_AFTER = 0.5


def environment(smtp: Mail) -> dict[str, Any]:
    return {
        "SMTP_SERVER": smtp.host,
        "SMTP_PORT": str(smtp.port),
        "SMTP_CA_FILE": str(smtp.certificate),
        "SENDER_EMAIL": smtp.user,
        "SENDER_PASSWORD": smtp.password,
        "NOTICES": "false",
    }


async def staff_key(folder: Path) -> dict[str, str]:
    folder.mkdir(exist_ok=True, mode=0o700)
    lay_demo(folder)
    return {"Authorization": f"Bearer {await new_key(folder, 'staff', 'anna')}"}


async def test_a_mail_through_the_agent_is_read_over_imap(tmp_path: Path) -> None:
    headers = await staff_key(tmp_path / "desk")
    with dovecot() as boxes, mail(boxes) as smtp:
        async with (
            server(tmp_path / "desk", **environment(smtp)) as (url, _),
            httpx2.AsyncClient(base_url=url, headers=headers, timeout=30) as client,
        ):
            files = {"file": ("invoice.pdf", b"%PDF-1.7 the invoice", "application/pdf")}
            uploaded = (await client.post("/api/v1/files", files=files)).json()
            message = (
                'Send an email to anna@example.com with the subject "Your invoice" saying '
                '"Please find it attached", bcc boss@example.com, attach ' + uploaded["file_id"]
            )
            body = {"session_id": "s", "message": message}
            answer = (await client.post("/api/v1/chat", json=body)).json()
            # A mail cannot be taken back, so it is said back first, with its values.
            for value in (
                "anna@example.com",
                "boss@example.com",
                "Your invoice",
                "find it attached",
            ):
                assert value in answer["message"]
            body["message"] = "yes"
            answer = (await client.post("/api/v1/chat", json=body)).json()
            assert answer["message"] == "The mail was sent."
        for box in ("anna@example.com", "boss@example.com"):
            (received,) = boxes.messages(box)
            assert isinstance(received, EmailMessage)
            assert (received["To"], received["Bcc"]) == ("anna@example.com", None)
            assert received["Subject"] == "Your invoice"
            (attached,) = received.iter_attachments()
            assert attached.get_filename() == "invoice.pdf"
            assert attached.get_payload(decode=True) == b"%PDF-1.7 the invoice"


async def test_a_server_killed_while_sending_sends_nothing_twice(tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    headers = await staff_key(folder)
    with mail() as smtp:
        smtp.faults.delay = 0.4
        async with (
            server(folder, **environment(smtp)) as (url, pid),
            httpx2.AsyncClient(base_url=url, headers=headers, timeout=30) as client,
        ):
            calls = [asyncio.create_task(send(client, number)) for number in range(MAILS)]
            await asyncio.sleep(KILL_AFTER)
            os.kill(pid, signal.SIGKILL)
            await asyncio.gather(*calls, return_exceptions=True)
        smtp.faults.delay = 0.0
        async with server(folder, **environment(smtp)):
            ended = await until_all_ended(folder / "deskward.db")
    arrived = [subject(received.content) for received in smtp.received]
    assert len(arrived) == len(set(arrived))
    assert {name for name, status in ended.items() if status == "sent"} <= set(arrived)
    assert set(ended.values()) <= {"sent", "unknown"}
    # Whatever is not known to be sent was in the server's hands at that moment: at most 8 at once.
    assert len(arrived) >= len(ended) - 8


async def send(client: httpx2.AsyncClient, number: int) -> None:
    mail = {"to": "anna@example.com", "subject": f"mail {number}", "body": "b"}
    await asyncio.sleep(number * 0.08)
    await client.post("/email/send-text", json=mail)


async def until_all_ended(path: Path) -> dict[str, str]:
    async with asyncio.timeout(60):
        while True:
            with sqlite3.connect(path) as file:
                ended = dict(file.execute("SELECT subject, status FROM emails").fetchall())
            if ended and not {"queued", "sending"} & set(ended.values()):
                return ended
            await asyncio.sleep(0.2)


def subject(content: bytes) -> str:
    (line,) = [line for line in content.splitlines() if line.startswith(b"Subject: ")]
    return line.removeprefix(b"Subject: ").decode()
