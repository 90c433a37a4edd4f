"""`deskward skills`."""

import asyncio
import json
from pathlib import Path

import pytest

from deskward.conversations.models import messages, sessions
from deskward.conversations.store import Where
from deskward.core.database import Database, now
from deskward.gate.context import new_id
from tests.cli.conftest import Cli
from tests.conftest import settings_in

SAID = "My name is Alex Morgan, where is the thing for my desk O1001"
PERSON = "I want to talk to a human"


SKILLS = {
    "lexicon": "{}",
    "account_details": (
        "tool: get_account_details\nanswer: it\n"
        "examples: [show me my account details, my account please, which cards have I]\n"
    ),
    "balance": (
        "tool: get_account_balance\nanswer: it\n"
        "examples: [what is my balance, how much money is there, balance please]\n"
    ),
    "order_status": (
        "tool: get_order_by_id\nslots: {order_id: {kind: order_id, ask: which}}\nanswer: it\n"
        "examples: [where is my order, has my parcel left, when does it come]\n"
    ),
    "human": (
        "tool: hand_over\nslots: {reason: {kind: message}}\nanswer: it\ninstead: it\n"
        "examples: [I want to talk to a human, a person please, let me speak to somebody]\n"
    ),
}


@pytest.fixture(autouse=True)
def _few_skills(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk with few skills, told by their words: learning all that ship takes its time."""
    (folder / "skills").mkdir()
    for name, text in SKILLS.items():
        (folder / "skills" / f"{name}.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("SKILLS_DIR", str(folder / "skills"))
    monkeypatch.setenv("EMBEDDINGS", "off")


def handed_over(folder: Path, *said: str, tool: str = "hand_over", session: str = "s") -> None:
    """Put a conversation on record in which each sentence was handed over."""

    async def add() -> None:
        database = Database(settings_in(folder).database_location)
        where = Where("default", "customer:user_001", session)
        here = {"tenant_id": where.tenant, "owner": where.owner}
        async with database.transaction() as db:
            times = {"created_at": now(), "last_activity": now()}
            await db.execute(
                sessions.insert(), {**here, "id": session, "message_count": 0, **times}
            )
            for at, text in enumerate(said):
                turn = {**here, "session_id": session, "turn_id": new_id(), "created_at": now()}
                asks = {"tool_requests": [{"id": "1", "name": tool, "arguments": {}}]}
                row = {**turn, "seq": 2 * at + 1, "role": "user", "content": text, "data": {}}
                answer = {"seq": 2 * at + 2, "role": "assistant", "content": "", "data": asks}
                await db.execute(messages.insert(), row)
                await db.execute(messages.insert(), {**turn, **answer})
        await database.close()

    asyncio.run(add())


def test_what_was_handed_over_is_proposed_accepted_and_learned(cli: Cli, folder: Path) -> None:
    handed_over(folder, SAID, PERSON)
    handed_over(folder, "what is my balance", tool="get_account_balance", session="t")
    (one,) = json.loads(cli("skills", "learn", "list", "--json")[1])
    assert "Alex" not in one["text"]
    assert "O1001" not in one["text"]
    code, _, err = cli("skills", "learn", "accept", one["id"], "--skill", "tides")
    assert (code, "there is no skill 'tides'" in err) == (1, True)
    code, out, _ = cli("skills", "learn", "accept", one["id"], "--skill", "order_status")
    assert (code, "order_status learns it" in out) == (0, True)
    assert cli("skills", "learn", "list", "--json")[1].strip() == "[]"
    kept = json.loads(cli("skills", "learn", "list", "--accepted", "--json")[1])
    assert kept == {"order_status": ["My name is , where is the thing for my desk"]}
    assert cli("skills", "learn", "accept", one["id"])[0] == 1  # it is proposed no more
    rows = cli("ledger", "show", "--json")[1]
    assert rows.count('"accept_example"') == 1


def test_a_rejected_sentence_is_proposed_no_more(cli: Cli, folder: Path) -> None:
    handed_over(folder, SAID)
    (one,) = json.loads(cli("skills", "learn", "list", "--json")[1])
    assert cli("skills", "learn", "reject", one["id"])[0] == 0
    assert cli("skills", "learn", "list", "--json")[1].strip() == "[]"
    assert "Alex" not in (folder / "examples.yaml").read_text("utf-8")
    code, _, err = cli("skills", "learn", "reject", "0" * 12)
    assert (code, "There is no example" in err) == (1, True)


def test_what_stands_for_another_skill_or_tells_of_people_is_refused(
    cli: Cli, folder: Path
) -> None:
    handed_over(folder, SAID)
    (one,) = json.loads(cli("skills", "learn", "list", "--json")[1])
    words = ("skills", "learn", "accept", one["id"], "--skill", "balance", "--text")
    code, _, err = cli(*words, "show me my account details")
    assert (code, "stands for account_details already" in err) == (1, True)
    code, _, err = cli(*words, "write to sam@example.com")
    assert (code, "tells who somebody is" in err) == (1, True)
    assert not (folder / "examples.yaml").exists()


@pytest.mark.parametrize(
    "text",
    ["where is the thing of alex", "where is Morgan's thing", "WHERE IS MY THING SAYS MORGAN",
     "where is kim tanaka's thing", "the thing of user_001"],
)  # fmt: skip
def test_a_sentence_in_other_words_names_no_customer_of_the_tenant(
    cli: Cli, folder: Path, text: str
) -> None:
    handed_over(folder, SAID)
    (one,) = json.loads(cli("skills", "learn", "list", "--json")[1])
    words = ("skills", "learn", "accept", one["id"], "--skill", "order_status", "--text")
    code, _, err = cli(*words, text)
    assert (code, "tells who somebody is" in err) == (1, True)
    assert not (folder / "examples.yaml").exists()


def test_a_list_names_no_other_customer(cli: Cli, folder: Path) -> None:
    said = ("where is the order of sam rivera", "Kim Tanaka's order is where", "my user_002 order")
    handed_over(folder, *said)
    listed = {one["text"] for one in json.loads(cli("skills", "learn", "list", "--json")[1])}
    assert listed == {"where is the order of [name]", "[name] order is where", "my [id] order"}


def test_a_sentence_as_it_was_listed_names_no_other_customer(cli: Cli, folder: Path) -> None:
    handed_over(folder, "where does the parcel of rivera stay")
    (one,) = json.loads(cli("skills", "learn", "list", "--json")[1])
    words = ("skills", "learn", "accept", one["id"], "--skill", "order_status")
    code, _, err = cli(*words)
    assert (code, "rivera names a customer" in err, "--text" in err) == (1, True, True)
    assert not (folder / "examples.yaml").exists()
    assert cli(*words, "--text", "where does the parcel stay")[0] == 0


def test_a_customer_who_is_called_as_things_are_forbids_no_sentence(cli: Cli, folder: Path) -> None:
    handed_over(folder, SAID)
    people = folder / "people.csv"
    people.write_text("id,name\nc-1,Money Parcel\nc-2,Much Lance\n", encoding="utf-8")
    code, out, err = cli("customers", "import", str(people))
    assert code == 0, out + err
    (one,) = json.loads(cli("skills", "learn", "list", "--json")[1])
    words = ("skills", "learn", "accept", one["id"], "--skill", "balance", "--text")
    assert cli(*words, "how much is the money parcel")[0] == 1
    code, out, err = cli(*words, "how much money, and the balance")
    assert (code, "balance learns it for default" in out) == (0, True), err


def test_contradictions_and_missing_texts_are_told(cli: Cli, folder: Path) -> None:
    code, out, _ = cli("skills", "check", "--folds", "0", "--json")
    found = json.loads(out)
    assert (code, found["contradictions"]) == (0, [])
    assert all(one["languages"] for one in found["missing_translations"])
    accepted = {"balance": ["Show me my account details!"]}
    file = folder / "examples.yaml"
    file.write_text(json.dumps({"default": {"accepted": accepted}}), encoding="utf-8")
    code, out, _ = cli("skills", "check", "--folds", "0")
    assert code == 1
    assert "account_details and balance: show me my account details" in out
