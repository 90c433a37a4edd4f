"""Changing a password: who may, which ones are taken, and what ends with the old one."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from deskward.app import Desk
from deskward.conversations.cursors import Answered
from deskward.core.database import now
from deskward.core.errors import InvalidInput, SessionEnded, Unauthenticated
from deskward.gate.context import Context
from deskward.security.passwords import WeakPassword, check_new
from deskward.security.principals import Kind, Principal
from tests.conftest import CUSTOMER, OTHER, Call

NEW, NEWER = "newSecurePass123", "anotherSafeOne45"
ABOUT = ("user_001", "Alex Morgan", "alex.morgan@example.com", "12 Garden Street", "李小龙")


async def keyed(desk: Desk, subject: str = "user_001", kind: Kind = Kind.CUSTOMER) -> Principal:
    key, _ = await desk.keys.create(tenant_id="default", kind=kind, subject_id=subject)
    return await desk.keys.verify(key)


def code(outcome) -> str:
    return str(outcome.value["error"]["code"]) if outcome.error else str(outcome.status)


async def test_the_present_password_is_asked_for(desk: Desk, call: Call) -> None:
    assert code(await call("change_password", new_password=NEW)) == "ok"  # the open desk's customer
    me = await keyed(desk)
    refused = await call("change_password", me, new_password=NEWER)
    assert refused.value["error"]["code"] == "PROOF_NEEDED"
    assert refused.value["error"]["details"] == {"needs": "current_password"}
    wrong = await call("change_password", me, new_password=NEWER, current_password="wrong")
    assert code(wrong) == "PROOF_NEEDED"
    right = await call("change_password", me, new_password=NEWER, current_password=NEW)
    assert code(right) == "ok"
    stale = await call("change_password", me, new_password=NEW, current_password=NEW)
    assert code(stale) == "PROOF_NEEDED"


async def test_once_there_is_a_key_nobody_counts_as_proved(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    await keyed(sqlite_desk, "user_002")
    assert code(await sqlite_call("change_password", new_password=NEW)) == "PROOF_NEEDED"


@pytest.mark.parametrize(("minutes", "expected"), [(1, "ok"), (11, "PROOF_NEEDED")])
async def test_a_second_proof_counts_while_it_is_fresh(
    sqlite_desk: Desk, sqlite_call: Call, minutes: int, expected: str
) -> None:
    me = replace(await keyed(sqlite_desk), proved=now() - timedelta(minutes=minutes))
    assert code(await sqlite_call("change_password", me, new_password=NEW)) == expected


@pytest.mark.parametrize(
    "password",
    [
        "short", "elevenchars", "password1234", "Password123!", "P@ssw0rd1234", "qwertyuiop12",
        "ｐａｓｓｗｏｒｄ１２３４", "aaaaaaaaaaaa", "abcabcabcabc", "123456789012", "zxcvbnmasdfgh",
        "adminadmin123", "monkeydragon", "administrator", "1q2w3e4r5t6y", "Alex.Morgan1985",
        "xx-ALEX-yyzz9", "my garden 4711", "user_001!user_1", "李小龙-secret-77", "zyxwvutsrqponm",
    ],
)  # fmt: skip
def test_what_is_guessed_early_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword) as refused:
        check_new(SecretStr(password), ABOUT)
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password", [NEW, NEWER, "correct horse battery staple", "mX9#kd02lfPq", "Ünïcödé-Wörter-7"]
)
def test_what_is_not_is_taken(password: str) -> None:
    check_new(SecretStr(password), ABOUT)


async def test_a_common_one_is_refused_by_the_tool(sqlite_call: Call) -> None:
    assert code(await sqlite_call("change_password", new_password="password1234")) == (
        "WEAK_PASSWORD"
    )


@pytest.mark.slow
async def test_trying_is_throttled_for_each_customer(sqlite_desk: Desk, sqlite_call: Call) -> None:
    me = await keyed(sqlite_desk)
    guess = {"new_password": NEW, "current_password": "guess"}
    codes = [code(await sqlite_call("change_password", me, **guess)) for _ in range(12)]
    assert codes == ["PROOF_NEEDED"] * 10 + ["RATE_LIMITED"] * 2
    other = await keyed(sqlite_desk, "user_002")
    assert code(await sqlite_call("change_password", other, **guess)) == "PROOF_NEEDED"


async def test_other_keys_and_sessions_end_with_the_old_password(desk: Desk) -> None:
    me = await keyed(desk)
    another, _ = await desk.keys.create(
        tenant_id="default", kind=Kind.CUSTOMER, subject_id="user_001"
    )
    others, _ = await desk.keys.create(
        tenant_id="default", kind=Kind.CUSTOMER, subject_id="user_002"
    )
    here = Context(me, "agent")
    for whose, session in ((here, "here"), (here, "there"), (Context(OTHER, "agent"), "there")):
        async for _ in await desk.conversations.send(whose, session, "hello"):
            pass
    proved = replace(me, proved=now())
    context = Context(proved, "rest", session_id="here")
    outcome = await desk.gate.call("change_password", {"new_password": NEW}, context)
    assert code(outcome) == "ok"
    fresh = type(desk.keys)(desk.database)
    with pytest.raises(Unauthenticated):
        await fresh.verify(another)
    assert (await fresh.verify(others)).id == "user_002"
    with pytest.raises(SessionEnded):
        await desk.conversations.send(here, "there", "and now?")
    for whose, session in ((here, "here"), (here, "new"), (Context(OTHER, "agent"), "there")):
        async for _ in await desk.conversations.send(whose, session, "hello"):
            pass


async def test_a_service_says_when_its_customer_proved_it(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    from deskward.entrypoints.identity import Callers

    await keyed(sqlite_desk)
    key, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.SERVICE, subject_id="website"
    )
    callers = Callers.of(sqlite_desk)
    headers = {"x-api-key": key, "x-user-id": "user_001"}
    proved = await callers.identify({**headers, "x-user-proved-at": now().isoformat()})
    assert code(await sqlite_call("change_password", proved, new_password=NEW)) == "ok"
    unproved = await callers.identify(headers)
    assert code(await sqlite_call("change_password", unproved, new_password=NEWER)) == (
        "PROOF_NEEDED"
    )
    for given in ("yesterday", "2999-01-01T00:00:00Z", "2026-01-01T00:00:00"):
        with pytest.raises(InvalidInput):
            await callers.identify({**headers, "x-user-proved-at": given})


async def test_no_customer_says_so_of_themselves(sqlite_desk: Desk) -> None:
    from deskward.entrypoints.identity import Callers

    key, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.CUSTOMER, subject_id="user_001"
    )
    headers = {"x-api-key": key, "x-user-proved-at": now().isoformat()}
    assert (await Callers.of(sqlite_desk).identify(headers)).proved is None


def test_what_is_on_record_keeps_the_proof() -> None:
    proved = replace(CUSTOMER, proved=now())
    assert Principal.of_facts(proved.facts).proved == proved.proved


async def test_the_seeds_dialogue(sqlite_desk: Desk) -> None:
    """Seed 003: "Change my password to newSecurePass123"."""
    context = Context(CUSTOMER, "agent")
    said = "Change my password to newSecurePass123"
    reader = await sqlite_desk.conversations.send(context, "seed", said)
    last = [placed.event async for placed in reader][-1]
    assert isinstance(last, Answered)
    assert last.text == "Your password has been changed successfully."
