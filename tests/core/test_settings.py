"""Settings: from the environment, checked, and every one documented."""

import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from deskward.core.setting_names import fields
from deskward.core.settings import Settings
from tests.conftest import settings_in

ROOT = Path(__file__).parents[2]


def test_the_defaults_need_nothing(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 9080)
    assert settings.database_location.render_as_string() == f"sqlite:///{tmp_path}/deskward.db"
    assert settings.server.on_loopback


def test_the_environment_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVER_PORT", "9999")
    (tmp_path / ".env").write_text("DEFAULT_USER_ID=user_007\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    settings = Settings()
    assert (settings.server.port, settings.default.user_id) == (9999, "user_007")


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///x.db", "sqlite"),
        ("postgresql://u:p@h/n", "postgresql+asyncpg"),
        ("postgresql+psycopg2://u:p@h/n", "postgresql+asyncpg"),
    ],
)
def test_the_database_url_gets_our_driver(tmp_path: Path, url: str, driver: str) -> None:
    assert settings_in(tmp_path, database_url=url).database_location.drivername == driver


def test_the_secret_key_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    key = settings_in(tmp_path / "new").key
    assert len(key) == 64
    assert settings_in(tmp_path / "new").key == key
    assert stat.S_IMODE((tmp_path / "new" / "secret.key").stat().st_mode) == 0o600
    assert settings_in(tmp_path, secret_key="s" * 32).key == b"s" * 32
    with pytest.raises(ValidationError, match="32 characters"):
        settings_in(tmp_path, secret_key="short")


@pytest.mark.parametrize(
    ("changes", "hosts"),
    [
        ({}, {"127.0.0.1", "localhost", "::1", "[::1]"}),
        ({"server_host": "0.0.0.0"}, None),
        (
            {"server_host": "0.0.0.0", "allowed_hosts": "desk.example, Other.Example"},
            {"desk.example", "other.example"},
        ),
    ],
)
def test_the_hosts_that_are_served(tmp_path: Path, changes: dict, hosts: set[str] | None) -> None:
    assert settings_in(tmp_path, **changes).server.hosts == hosts


@pytest.mark.parametrize("name", sorted(fields(Settings)))
def test_every_setting_is_documented(name: str) -> None:
    assert fields(Settings)[name].description
    assert name.upper() in (ROOT / ".env.example").read_text(encoding="utf-8")
