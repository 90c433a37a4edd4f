"""API keys: shown once, stored as a hash, and over when they are over."""

import base64
from datetime import timedelta

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from deskward.app import Desk
from deskward.core.database import now
from deskward.core.errors import Conflict, InvalidInput, NotFound, Unauthenticated
from deskward.gate.context import Context
from deskward.security.api_keys import ApiKeys
from deskward.security.key_rows import ApiKey, api_keys, ending_soon
from deskward.security.passwords import hash_password, verify_password
from deskward.security.principals import Kind
from deskward.security.roles import Roles


async def make(keys: ApiKeys, **changes) -> tuple[str, ApiKey]:
    return await keys.create(
        **{"tenant_id": "default", "kind": Kind.STAFF, "subject_id": "nora", "new": True, **changes}
    )


async def test_a_key_names_its_principal(desk: Desk) -> None:
    assert not await desk.keys.exist()
    key, stored = await make(desk.keys)
    principal = await desk.keys.verify(key)
    assert (principal.kind, principal.id, principal.tenant) == (Kind.STAFF, "nora", "default")
    assert principal.roles == ("support",)
    assert key.startswith(f"dw_{stored.prefix}_")
    secret = key.rsplit("_", 1)[1] if key.count("_") == 2 else key[12:]
    assert len(base64.urlsafe_b64decode(secret + "=")) == 32
    assert await desk.keys.exist()


async def test_the_key_itself_is_not_stored(desk: Desk) -> None:
    key, _ = await make(desk.keys)
    row = await desk.database.reader.first(sa.select(api_keys))
    assert key[12:] not in str(row)


@pytest.mark.parametrize(
    "change",
    [
        lambda k: k + "x",
        lambda k: k[:-1],
        lambda k: "",
        lambda k: "dw_00000000_x",
        lambda k: k.upper(),
    ],
)
async def test_a_wrong_key_is_refused(desk: Desk, change) -> None:
    key, _ = await make(desk.keys)
    with pytest.raises(Unauthenticated):
        await desk.keys.verify(change(key))


async def test_an_expired_key_is_refused(desk: Desk) -> None:
    key, stored = await make(desk.keys, lifetime=timedelta(hours=1))
    await desk.keys.verify(key)
    async with desk.database.transaction() as transaction:
        await transaction.execute(
            sa.update(api_keys).values(expires_at=now() - timedelta(seconds=1))
        )
    with pytest.raises(Unauthenticated):
        await ApiKeys(desk.database).verify(key)
    assert (await desk.keys.list())[0].state == "expired"
    with pytest.raises(InvalidInput, match="expired"):
        await desk.keys.rotate(stored.prefix)


async def test_a_revoked_key_is_refused_and_the_desk_stays_closed(desk: Desk) -> None:
    key, stored = await make(desk.keys)
    await desk.keys.revoke(stored.prefix)
    with pytest.raises(Unauthenticated):
        await desk.keys.verify(key)
    assert await ApiKeys(desk.database).exist()


async def test_rotation_replaces_the_key(desk: Desk) -> None:
    key, stored = await make(desk.keys, name="till", lifetime=timedelta(days=2))
    new, replaced = await desk.keys.rotate(stored.prefix)
    assert (await desk.keys.verify(new)).id == "nora"
    assert (replaced.name, replaced.roles) == ("till", ("support",))
    assert replaced.expires_at is not None
    with pytest.raises(Unauthenticated):
        await desk.keys.verify(key)
    assert [found.state for found in await desk.keys.list()] == ["revoked", "active"]


async def test_what_cannot_be_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="no role"):
        await make(desk.keys, roles=("king",))
    with pytest.raises(InvalidInput, match="future"):
        await make(desk.keys, lifetime=timedelta(0))
    with pytest.raises(InvalidInput, match="year 10000"):
        await make(desk.keys, lifetime=timedelta(days=365 * 99_999))
    for text in ("", " \t", "an\nna", "nora\x00", "nora\x1b[2J", "nora\u2028", "\ud800", "a" * 65):
        for field in ("subject", "tenant"):
            with pytest.raises(InvalidInput, match=f"The {field} of a key"):
                await make(desk.keys, **{f"{field}_id": text})
    for text in ("a\nb", "a" * 121):
        with pytest.raises(InvalidInput, match="The name of a key"):
            await make(desk.keys, name=text)
    assert not await desk.keys.exist()
    for change in (desk.keys.revoke, desk.keys.rotate):
        with pytest.raises(NotFound):
            await change("00000000")


async def test_passwords_are_hashed_with_argon2id() -> None:
    hashed = await hash_password(SecretStr("newSecurePass123"))
    assert hashed.startswith("$argon2id$")
    assert await verify_password(hashed, SecretStr("newSecurePass123"))
    assert not await verify_password(hashed, SecretStr("newSecurePass124"))
    assert not await verify_password("no hash", SecretStr("newSecurePass123"))


async def test_a_key_revoked_elsewhere_ends_at_once(desk: Desk) -> None:
    key, stored = await make(desk.keys)
    principal = await desk.keys.verify(key)
    await ApiKeys(desk.database).revoke(stored.prefix)
    with pytest.raises(Unauthenticated):
        await desk.keys.verify(key)
    # A call that was let in just before writes nothing any more, and a turn reads nothing either.
    ticket = {"customer_id": "user_001", "subject": "a", "body": "b"}
    late = await desk.gate.call("create_ticket", ticket, Context(principal, "rest"))
    assert late.error is not None
    assert late.error.code == "UNAUTHENTICATED"
    turn = Context(principal.with_agent("assistant"), "agent")
    read = await desk.gate.call("get_account_balance", {"user_id": "user_001"}, turn)
    assert read.error is not None


async def test_what_is_changed_of_a_key_elsewhere_counts_at_once(desk: Desk) -> None:
    key, stored = await make(desk.keys)
    assert (await desk.keys.verify(key)) is (await desk.keys.verify(key))
    for roles in (["support", "supervisor"], ["support"]):
        async with desk.database.transaction() as transaction:
            change = sa.update(api_keys).where(api_keys.c.prefix == stored.prefix)
            await transaction.execute(change.values(roles=roles))
        assert (await desk.keys.verify(key)).roles == tuple(roles)


async def test_subjects_are_customers_or_members(desk: Desk) -> None:
    for kind, subject in (
        (Kind.CUSTOMER, "user_999"),
        (Kind.STAFF, "rob"),
        (Kind.STAFF, "user_001"),
    ):
        with pytest.raises(NotFound):
            await make(desk.keys, kind=kind, subject_id=subject, new=kind is Kind.CUSTOMER)
    with pytest.raises(NotFound):
        await make(desk.keys, kind=Kind.CUSTOMER, subject_id="user_002", tenant_id="acme2")
    _, made = await make(desk.keys, kind=Kind.CUSTOMER, subject_id="USER_001")
    assert made.subject_id == "user_001"
    await make(desk.keys)
    _, again = await make(desk.keys, new=False)
    assert again.subject_id == "nora"
    with pytest.raises(NotFound):  # a member of staff is no service
        await make(desk.keys, kind=Kind.SERVICE, new=False)


async def test_nobody_is_called_like_somebody_else(desk: Desk) -> None:
    await make(desk.keys, subject_id="Alice")
    for variant in ("ALICE", "Ａｌｉｃｅ", "alice", "ⓐlice"):
        _, made = await make(desk.keys, subject_id=variant)
        assert made.subject_id == "alice"
    for mixed in ("аlice", "alicе", "al\u0131ce\u0430"):
        with pytest.raises(InvalidInput, match="one script"):
            await make(desk.keys, subject_id=mixed)
    for hidden in ("ali\u200bce", "\u202ealice", "alice\u2066", "al\u00adice", "\ufeffalice"):
        with pytest.raises(InvalidInput, match="invisible"):
            await make(desk.keys, subject_id=hidden)
    await make(desk.keys, subject_id="cope")
    for alike in ("соре", "a1ice", "alıce"):
        with pytest.raises(Conflict, match="looks like"):
            await make(desk.keys, subject_id=alike)
    for theirs in ("alice", "cope"):  # an id is one person's, whatever the kind
        with pytest.raises(Conflict, match="looks like"):
            await make(desk.keys, subject_id=theirs, kind=Kind.SERVICE, roles=())
    for fine in ("анна", "王伟", "jürgen.müller", "nora berg", "ليلى"):
        _, made = await make(desk.keys, subject_id=fine)
        assert made.subject_id == fine


async def test_role_and_kind_fit(desk: Desk) -> None:
    for kind, subject, role in (
        (Kind.CUSTOMER, "user_001", "support-3"),
        (Kind.CUSTOMER, "user_001", "auditor"),
        (Kind.STAFF, "nora", "customer"),
        (Kind.STAFF, "nora", "service"),
        (Kind.SERVICE, "website", "support"),
    ):
        with pytest.raises(InvalidInput, match="is not for a"):
            await make(desk.keys, kind=kind, subject_id=subject, roles=(role,))
    assert not await desk.keys.exist()


def test_a_role_that_says_no_kind_is_never_a_customers() -> None:
    roles = Roles.parse("lead: {tier: 2}\nclerk: {}\nshopper: {extends: customer}\ncustomer: {}")
    fits = {name: [kind for kind in Kind if roles.fits(name, kind)] for name in roles.names}
    assert fits["lead"] == [Kind.STAFF]
    assert fits["clerk"] == [Kind.STAFF, Kind.SERVICE]
    assert fits["shopper"] == fits["customer"] == [Kind.CUSTOMER]


async def test_keys_end_by_themselves_and_are_warned_of(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    _, usual = await make(desk.keys)
    assert usual.expires_at == usual.created_at + timedelta(days=90)
    assert not usual.ends_soon
    _, forever = await make(desk.keys, lifetime="never")
    assert forever.expires_at is None
    assert await ending_soon(desk.database.reader) == 0
    key, short = await make(desk.keys, lifetime=timedelta(days=5))
    assert short.ends_soon
    assert await ending_soon(desk.database.reader) == 1
    await desk.keys.verify(key)
    await desk.keys.verify(key)
    assert caplog.text.count(f"deskward keys rotate {short.prefix}") == 1
    _, rotated = await desk.keys.rotate(forever.prefix)
    assert rotated.expires_at is None


async def test_a_disabled_member_has_no_keys_and_gets_none(desk: Desk) -> None:
    key, _ = await make(desk.keys)
    other, _ = await make(desk.keys, subject_id="bert")
    await ApiKeys(desk.database).disable("default", Kind.STAFF, "Nora")
    with pytest.raises(Unauthenticated):
        await desk.keys.verify(key)
    assert (await desk.keys.verify(other)).id == "bert"
    with pytest.raises(Conflict, match="disabled"):
        await make(desk.keys)
    await desk.keys.enable("default", Kind.STAFF, "nora")
    assert (await make(desk.keys))[1].state == "active"
    with pytest.raises(Unauthenticated):
        await desk.keys.verify(key)
    with pytest.raises(NotFound):
        await desk.keys.disable("default", Kind.STAFF, "nobody")
