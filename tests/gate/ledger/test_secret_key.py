"""The secret key: made once, and never anew where records are sealed under the old one."""

import re
import stat
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import deskward
from deskward.agent.model import Model
from deskward.app import Desk, open_desk
from deskward.core.database import Database, metadata
from deskward.core.errors import Conflict, Unavailable
from deskward.core.private import close_folder
from deskward.core.settings import Settings
from deskward.gate import rotation
from deskward.gate.approvals import approvals
from deskward.gate.context import Context
from deskward.gate.ledger.chain import rows_of
from deskward.gate.ledger.heads import Signer, current_heads
from deskward.gate.ledger.verify import verify
from deskward.gate.rotation import rotate
from deskward.gate.secret import Secret
from deskward.security.principals import Kind, Principal
from tests.conftest import CUSTOMER, STAFF, recorded, settings_in

LEAD = Principal(Kind.STAFF, "lena", "default", ("support-3",))
SOURCE = Path(deskward.__file__).parent


@pytest.fixture
async def used(sqlite_settings: Settings, offline: Model) -> Settings:
    """Settings of a desk that made its own key, and sealed a record under it."""
    settings = settings_in(sqlite_settings.data_dir / "own")
    async with open_desk(settings, model=offline, demo=True) as desk:
        await desk.gate.call("get_account_balance", {}, Context(CUSTOMER, "cli"))
    assert settings.key_file.exists()
    return settings


async def open_again(settings: Settings, offline: Model) -> None:
    async with open_desk(settings.changed(), model=offline) as desk:
        assert await recorded(desk)


async def test_the_key_is_kept(used: Settings, offline: Model) -> None:
    await open_again(used, offline)


async def test_a_lost_key_is_not_made_anew(used: Settings, offline: Model) -> None:
    kept = used.key_file.rename(used.key_file.with_name("copy"))
    with pytest.raises(Unavailable, match=r"secret\.key is lost, and records are sealed under it"):
        await open_again(used, offline)
    assert not used.key_file.exists()
    kept.rename(used.key_file)
    await open_again(used, offline)


@pytest.mark.parametrize("content", ["", "\n", "0123"])
async def test_an_empty_key_is_refused(used: Settings, offline: Model, content: str) -> None:
    used.key_file.write_text(content, encoding="ascii")
    with pytest.raises(ValueError, match=r"secret\.key is no secret key any more"):
        await open_again(used, offline)
    assert used.key_file.read_text(encoding="ascii") == content


async def test_another_key_is_refused(used: Settings, offline: Model) -> None:
    with pytest.raises(Unavailable, match="SECRET_KEY is not the key that records are sealed"):
        await open_again(used.changed(secret_key="x" * 32), offline)


async def test_from_the_first_start_on_only_that_key_is_taken(
    tmp_path: Path, offline: Model
) -> None:
    settings = settings_in(tmp_path, secret_key="x" * 32)
    async with open_desk(settings, model=offline):
        pass
    with pytest.raises(Unavailable, match="SECRET_KEY is not the key"):
        await open_again(settings.changed(secret_key="y" * 32), offline)
    assert not (tmp_path / "secret.key").exists()


def waiting_call(desk: Desk) -> Any:
    arguments = {"user_id": "user_001", "new_address": "5 New Road, Boston, MA 02101"}
    return desk.gate.call("update_address", arguments, Context(STAFF, "cli"))


async def test_all_is_sealed_anew_under_another_key(
    settings: Settings, offline: Model, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_desk(settings, model=offline) as desk:
        await desk.gate.call("get_account_balance", {}, Context(CUSTOMER, "cli"))
        approval = (await waiting_call(desk)).value["approval_id"]
        before = await recorded(desk)
        head = (await current_heads(desk.database.reader))[0]
        signed = Signer(settings.key).sign(head.tenant_id, head.seq, head.hash)
        told: list[tuple[int, int]] = []
        after = await apart(settings, b"n" * 32, lambda *at: told.append(at))
        assert told[0][0] == 0
        assert told[-1][0] == told[-1][1] > 0
        # A process that still has the old key writes nothing more.
        late = await desk.gate.call("get_account_balance", {}, Context(CUSTOMER, "cli"))
        assert late.error is not None
        assert "secret key was changed" in caplog.text
        assert len(await rows_of(desk.database.reader, "default", limit=1000)) == len(before)
    with pytest.raises(Unavailable, match="is not the key"):
        await open_again(settings, offline)
    async with open_desk(settings.changed(secret_key="n" * 32), model=offline) as desk:
        assert (await recorded(desk))[: len(before)] == before
        done = await desk.gate.call("approve_call", {"approval_id": approval}, Context(LEAD, "cli"))
        assert done.status == "ok", done.value
        report = await verify(desk.database, exported=[signed], keys=after.signed_by)
        assert report.sound
        again = await apart(desk.settings, b"m" * 32, lambda *_: None)
        assert again == after.followed_by(b"m" * 32)
        assert set(after.signed_by) < set(again.signed_by)
        forged = Signer(b"f" * 32).sign(head.tenant_id, head.seq, head.hash)
        assert not (await verify(desk.database, exported=[forged], keys=after.signed_by)).sound


async def apart(settings: Settings, new: bytes, progress: rotation.Progress) -> Secret:
    """Rotate as another process does."""
    database = Database(settings.database_location)
    try:
        return await rotate(database, settings.key, new, progress)
    finally:
        await database.close()


@pytest.mark.parametrize("at", range(1, 3))
async def test_a_change_that_was_cut_off_goes_on(
    sqlite_settings: Settings, offline: Model, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    monkeypatch.setattr(rotation, "PAGE", 1)
    settings, new = sqlite_settings, b"n" * 32
    async with open_desk(settings, model=offline) as desk:
        await desk.gate.call("get_account_balance", {}, Context(CUSTOMER, "cli"))
        await waiting_call(desk)
        before = await recorded(desk)

        def die(done: int, _total: int) -> None:
            if done >= at:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await rotate(desk.database, settings.key, new, die)
        with pytest.raises(Unavailable, match="rotate-secret` again"):
            await open_again(settings, offline)
        with pytest.raises(Conflict, match="with that key"):
            await rotate(desk.database, settings.key, b"o" * 32, lambda *_: None)
        told: list[int] = []
        await rotate(desk.database, settings.key, new, lambda done, _: told.append(done))
        assert told[0] == at
    async with open_desk(settings.changed(secret_key="n" * 32), model=offline) as desk:
        assert (await recorded(desk))[: len(before)] == before


async def test_what_was_tampered_with_is_not_made_good(
    sqlite_settings: Settings, offline: Model
) -> None:
    async with open_desk(sqlite_settings, model=offline) as desk:
        approval = (await waiting_call(desk)).value["approval_id"]
        async with desk.database.transaction() as transaction:
            await transaction.execute(sa.update(approvals).values(arguments='{"user_id":"x"}'))
        await rotate(desk.database, sqlite_settings.key, b"n" * 32, lambda *_: None)
    async with open_desk(sqlite_settings.changed(secret_key="n" * 32), model=offline) as desk:
        done = await desk.gate.call("approve_call", {"approval_id": approval}, Context(LEAD, "cli"))
        assert done.error is not None
        assert done.error.code == "APPROVAL_VOID"


def test_everything_under_the_secret_key_is_sealed_anew() -> None:
    """A new use of the secret key has to be listed here, and in `gate/rotation.py` if it seals."""
    uses = {
        (file.relative_to(SOURCE).as_posix(), purpose)
        for file in SOURCE.rglob("*.py")
        for purpose in re.findall(r"derived\(([^()]*)\)", file.read_text("utf-8"))
    }
    assert uses == {
        ("gate/ledger/subject_keys.py", "secret: bytes, purpose: str"),
        ("gate/ledger/subject_keys.py", 'secret, "subject keys"'),
        ("gate/ledger/subject_keys.py", 'names or secret, "names of subjects"'),
        ("gate/ledger/chain.py", 'names or secret, "names of conversations"'),
        ("gate/ledger/heads.py", 'self.secret, "ledger heads"'),
        ("gate/secret.py", 'key, "desk secret"'),
        ("gate/sealing.py", "key, purpose"),
        ("gate/waiting.py", "secret, purpose"),
        ("integrations/kafka/choose.py", "key, PURPOSE"),
        (
            "entrypoints/a2a/signing.py",
            'self.secret, "agent cards 1"',
        ),  # a key, which seals nothing
        ("entrypoints/a2a/signing.py", 'self.secret, "agent cards 2"'),
        ("gate/waiting.py", 'secret, f"arguments of {purpose}"'),
    }
    with_seal = {table.name for table in metadata.sorted_tables if "sealed" in table.c}
    assert with_seal == {"approvals", "confirmations", "desk_secret", "mail_boxes"}


async def test_files_are_their_owners_alone(tmp_path: Path, offline: Model) -> None:
    folder = tmp_path / "data"
    settings = settings_in(folder)
    async with open_desk(settings, model=offline):
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
        assert set(modes.values()) == {0o600}
        assert {"deskward.db", "deskward.db-wal", "secret.key"} <= set(modes)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_files_that_were_open_to_others_are_closed_and_that_is_said(
    tmp_path: Path, offline: Model, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "data"
    settings = settings_in(folder)
    async with open_desk(settings, model=offline):
        pass
    opened = (folder, settings.key_file, folder / "deskward.db")
    for path in opened:
        path.chmod(0o777 if path.is_dir() else 0o644)
    await open_again_empty(settings, offline)
    for path in opened:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077
        assert f"{path} could be read by others" in caplog.text


async def open_again_empty(settings: Settings, offline: Model) -> None:
    async with open_desk(settings.changed(), model=offline):
        pass


def test_a_folder_of_others_is_only_spoken_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    here, shared = tmp_path / "here", tmp_path / "shared"
    for folder, mode in ((here, 0o755), (shared, 0o1777)):
        folder.mkdir()
        folder.chmod(mode)
    monkeypatch.chdir(here)
    for folder in (here, shared):
        before = folder.stat().st_mode
        close_folder(folder)
        assert folder.stat().st_mode == before
        assert f"others can look into {folder}" in caplog.text
