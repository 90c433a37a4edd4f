"""`deskward keys rotate-secret`, with a key that the desk keeps, and with one of the operator's."""

import os
import stat
from pathlib import Path

import pytest

from deskward.agent.model import Model
from deskward.app import open_desk
from deskward.cli import rotate_secret
from deskward.cli.ending import Misused
from deskward.core.errors import Unavailable
from deskward.gate.context import Context
from tests.conftest import CUSTOMER, recorded, settings_in


async def test_a_key_of_the_desks_own_is_replaced(
    tmp_path: Path, offline: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(tmp_path)
    async with open_desk(settings, model=offline, demo=True) as desk:
        await desk.gate.call("get_account_balance", {}, Context(CUSTOMER, "cli"))
        before = await recorded(desk)
    old = settings.key_file.read_bytes()

    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    real = os.replace
    monkeypatch.setattr(os, "replace", cut_off)
    with pytest.raises(KeyboardInterrupt):
        await rotate_secret._rotate(settings, None)
    monkeypatch.setattr(os, "replace", real)
    with pytest.raises(Unavailable, match="rotate-secret` again"):
        async with open_desk(settings.changed(), model=offline):
            pass
    await rotate_secret._rotate(settings.changed(), None)
    assert settings.key_file.read_bytes() != old
    assert stat.S_IMODE(settings.key_file.stat().st_mode) == 0o600
    assert not (tmp_path / "secret.key.new").exists()
    async with open_desk(settings.changed(), model=offline) as desk:
        *book, last = await recorded(desk)
        assert book == before
        assert last["tool"] == "rotate_secret"


async def test_a_key_of_the_operators_is_replaced(
    tmp_path: Path, offline: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(tmp_path, secret_key="a" * 32)
    async with open_desk(settings, model=offline):
        pass
    with pytest.raises(Misused, match="at least 32 characters"):
        await rotate_secret._rotate(settings, None)
    monkeypatch.setenv("NEW_SECRET_KEY", "b" * 32)
    await rotate_secret._rotate(settings, None)
    await rotate_secret._rotate(settings, None)  # it is done: nothing is done again
    async with open_desk(settings.changed(secret_key="b" * 32), model=offline):
        pass
    assert not settings.key_file.exists()
