"""API keys: shown once, stored as a hash, and over when they are over."""

import base64
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from deskward.app import Desk
from deskward.core.database import now
from deskward.core.errors import InvalidInput, NotFound, Unauthenticated
from deskward.security.api_keys import REMEMBERED, ApiKey, ApiKeys, api_keys
from deskward.security.passwords import hash_password, verify_password
from deskward.security.principals import Kind


async def make(keys: ApiKeys, **changes) -> tuple[str, ApiKey]:
    return await keys.create(
        **{"tenant_id": "default", "kind": Kind.STAFF, "subject_id": "anna", **changes}
    )


async def test_a_key_names_its_principal(desk: Desk) -> None:
    assert not await desk.keys.exist()
    key, stored = await make(desk.keys)
    principal = await desk.keys.verify(key)
    assert (principal.kind, principal.id, principal.tenant) == (Kind.STAFF, "anna", "default")
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
    assert (await desk.keys.verify(new)).id == "anna"
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
    for text in ("", " \t", "an\nna", "anna\x00", "anna\x1b[2J", "anna\u2028", "\ud800", "a" * 65):
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


async def test_a_key_revoked_elsewhere_ends_within_a_moment(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, stored = await make(desk.keys)
    await desk.keys.verify(key)
    await ApiKeys(desk.database).revoke(stored.prefix)
    later = time.monotonic() + REMEMBERED + 0.01
    monkeypatch.setattr("deskward.security.api_keys.time.monotonic", lambda: later)
    with pytest.raises(Unauthenticated):
        await desk.keys.verify(key)
