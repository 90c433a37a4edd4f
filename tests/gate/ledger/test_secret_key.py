"""The secret key: made once, and never anew where records are sealed under the old one."""

from pathlib import Path

import pytest

from deskward.agent.model import Model
from deskward.app import open_desk
from deskward.core.errors import Unavailable
from deskward.core.settings import Settings
from deskward.gate.context import Context
from tests.conftest import CUSTOMER, recorded


@pytest.fixture
async def used(sqlite_settings: Settings, offline: Model) -> Settings:
    """Settings of a desk that made its own key, and sealed a record under it."""
    settings = sqlite_settings.changed(secret_key=None)
    async with open_desk(settings, model=offline) as desk:
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


async def test_a_desk_without_records_takes_any_key(
    sqlite_settings: Settings, offline: Model, tmp_path: Path
) -> None:
    for secret in ("x" * 32, "y" * 32):
        async with open_desk(sqlite_settings.changed(secret_key=secret), model=offline):
            pass
    assert not (tmp_path / "secret.key").exists()
