"""The README's chapter "Your first day", word for word, with a customer who writes and answers."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import sys
from email.message import EmailMessage
from pathlib import Path
from smtplib import LMTP
from typing import Any

import pytest

from tests.services.dovecot import PASSWORD, Dovecot, dovecot
from tests.services.mail import mail
from tests.services.server import server

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
CHAPTER = README.partition("## Your first day\n")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"```bash\n(.*?)```", CHAPTER, re.DOTALL)
DESK = "desk@example.com"
CUSTOMER = "mia@example.com"
QUESTION = "Hello, do you ship to Canada? My cousin in Toronto would like one of your lamps."

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dovecot"), pytest.mark.timeout(400)]


async def run(folder: Path, environment: dict[str, str], block: str) -> str:
    """Run a block of the chapter in a shell, as its reader does; returns what it printed."""
    process = await asyncio.create_subprocess_exec(
        *("/bin/bash", "-euo", "pipefail", "-c", block),
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()
    assert process.returncode == 0, f"{block}\n{output}"
    return output


def write(box: Dovecot, subject: str, text: str, answers: EmailMessage | None = None) -> None:
    """Have the customer write a mail."""
    letter = EmailMessage()
    letter["From"], letter["Subject"] = f"Mia Wong <{CUSTOMER}>", subject
    letter["To"] = DESK if answers is None else answers["Reply-To"]
    letter["Message-ID"] = f"<{len(text)}@mail.example>"
    if answers is not None:
        letter["In-Reply-To"] = answers["Message-ID"]
        letter["References"] = f"{answers['References']} {answers['Message-ID']}"
    letter.set_content(text)
    with LMTP("127.0.0.1", box.lmtp_port) as client:
        client.send_message(letter, CUSTOMER, [DESK])


async def state(folder: Path, wanted: str) -> None:
    """Wait until ticket T1001 has a status."""
    for _ in range(900):
        with sqlite3.connect(folder / "data" / "deskward.db") as file:
            row = file.execute("SELECT status FROM tickets WHERE number = 1001").fetchone()
        if row == (wanted,):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"T1001 is {row}, not {wanted}")


async def answers(box: Dovecot, count: int) -> list[EmailMessage]:
    """Wait until so many answers are in the customer's mailbox, beside the usual notice."""
    found: list[EmailMessage] = []
    for _ in range(900):
        mails = await asyncio.to_thread(box.messages, CUSTOMER)
        found = [one for one in mails if one["In-Reply-To"]]
        if len(found) >= count:
            break
        await asyncio.sleep(0.1)
    assert len(found) == count
    return found


def text_of(letter: EmailMessage) -> str:
    """The plain text of a mail."""
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


async def test_the_first_day(tmp_path: Path) -> None:
    set_up, look, approve, finish = BLOCKS
    with dovecot() as box, mail(box) as way_out:
        settings: dict[str, Any] = {
            "DATA_DIR": str(tmp_path / "data"),
            "DOMAINS": "",
            "IMAP_SERVER": "127.0.0.1",
            "IMAP_PORT": str(box.imap_port),
            "IMAP_USERNAME": DESK,
            "IMAP_PASSWORD": PASSWORD,
            "IMAP_POLL": "1",
            "MAIL_ADDRESSES": DESK,
            "SMTP_SERVER": way_out.host,
            "SMTP_PORT": str(way_out.port),
            "SMTP_CA_FILE": str(way_out.certificate),
            "SENDER_EMAIL": way_out.user,
            "SENDER_PASSWORD": way_out.password,
        }
        environment = {
            **settings,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "USER": "root" if os.geteuid() == 0 else os.environ.get("USER", ""),
        }
        told = await run(tmp_path, environment, set_up)
        (key,) = re.findall(r"^dw_\S+", told, re.MULTILINE)
        async with server(tmp_path / "data", "serve", fresh=True, **settings):
            write(box, "Shipping", QUESTION)
            await state(tmp_path, "open")
            told = await run(tmp_path, environment, look)
            (approval,) = re.findall(r"approvals approve (\w{32})", told)
            (named,) = re.findall(r"approvals approve (\w{32})", approve)
            approve = approve.replace(named, approval)
            await run(tmp_path, environment | {"DESKWARD_API_KEY": key}, approve)
            (answer,) = await answers(box, 1)
            assert "Canada take 5 to 8 days" in text_of(answer)
            assert answer["In-Reply-To"] == f"<{len(QUESTION)}@mail.example>"
            write(box, "Re: Shipping", "Thank you! And to the Yukon?", answer)
            await state(tmp_path, "open")
            await run(tmp_path, environment, finish)
            await state(tmp_path, "resolved")
            last = (await answers(box, 2))[-1]
            assert "the Yukon" in text_of(last)
            assert answer["Message-ID"] in last["References"].split()
            mails = await asyncio.to_thread(box.messages, CUSTOMER)
            [notice] = [one for one in mails if not one["In-Reply-To"]]
            assert "T1001" in text_of(notice)
            assert notice["Auto-Submitted"] == "auto-generated"
    with sqlite3.connect(tmp_path / "data" / "deskward.db") as file:
        assert file.execute("SELECT count(*) FROM tickets").fetchone() == (1,)
        said = file.execute("SELECT kind, author, delivery FROM ticket_messages ORDER BY seq")
        messages = [row for row in said.fetchall() if row[0] == "message"]
    authors = [author for _, author, _ in messages]
    assert authors[::2] == ["customer:C1"] * 2
    assert authors[3] == "staff:anna"
    assert [delivery for *_, delivery in messages[1::2]] == ["sent", "sent"]
