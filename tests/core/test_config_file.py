"""The YAML file and `.env`: mapped, filled in from the environment, and strict about names."""

from pathlib import Path

import pytest

from deskward.core.config_file import DEFAULT_PATH, PATH_VARIABLE
from deskward.core.setting_names import names
from deskward.core.settings import Settings

# A file of another desk, in part.
FILE = """
server: {host: "0.0.0.0", port: 8000, workers: 4, timeout: 30}
database:
  {host: "${DB_HOST}", port: 5432, name: "${DB_NAME}", user: me, password: "${DB_PASSWORD}"}
integrations: {crm: {type: salesforce, client_secret: "${SALESFORCE_CLIENT_SECRET}"}}
caching: {redis: {host: "${REDIS_HOST:-}", port: 6379, ttl_default: 3600}}
logging: {level: "${LOG_LEVEL_:-WARNING}", format: json, max_file_size: 20MB, backup_count: 2}
model: offline
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and an environment without settings."""
    monkeypatch.chdir(tmp_path)
    for name in names(Settings):
        monkeypatch.delenv(name.upper(), raising=False)
    return tmp_path


def write(folder: Path, text: str) -> None:
    path = folder / DEFAULT_PATH
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_file_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, FILE)
    for name, value in {"DB_HOST": "db", "DB_NAME": "n", "DB_PASSWORD": "a@b/c"}.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert (settings.server.host, settings.server.port, settings.server.workers) == (
        "0.0.0.0",
        8000,
        4,
    )
    assert settings.database.url == "postgresql://me:a%40b%2Fc@db:5432/n"
    assert settings.database_location.password == "a@b/c"
    assert settings.rate_limit.redis_url is None
    assert (settings.log.level, settings.log.format, settings.log.max_size_mb) == (
        "WARNING",
        "json",
        20,
    )
    monkeypatch.setenv("REDIS_HOST", "cache")
    redis_url = Settings().rate_limit.redis_url
    assert redis_url is not None
    assert redis_url.get_secret_value() == "redis://cache:6379/0"


@pytest.mark.parametrize(
    "text",
    ["server: {port: 8123}", "server_port: 8123", "logging: {level: DEBUG}\nserver: {port: 8123}"],
)
def test_a_setting_stands_in_its_group_or_at_the_top(folder: Path, text: str) -> None:
    write(folder, text)
    assert Settings().server.port == 8123


def test_the_environment_wins_over_dotenv_and_that_over_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "server: {port: 1, host: localhost}\nmodel: offline\n")
    (folder / ".env").write_text("SERVER_PORT=2\nSERVER_HOST=::1\n", encoding="utf-8")
    monkeypatch.setenv("SERVER_PORT", "3")
    monkeypatch.setenv("MODEL", "")
    settings = Settings()
    assert (settings.server.port, settings.server.host, settings.agent.model) == (
        3,
        "::1",
        "offline",
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("server: {prot: 1}", r"server.prot is no setting. Did you mean server.port\?"),
        ("modle: offline", r"modle is no setting. Did you mean model\?"),
        ("server: [", "is not valid YAML"),
        ("- a", "must hold a mapping"),
        ("database: {host: '${NOT_SET_ANYWHERE}'}", "wants the variable NOT_SET_ANYWHERE"),
        ("logging: {max_file_size: big}", "of the form 100MB"),
    ],
)
def test_a_wrong_file_is_refused(folder: Path, text: str, problem: str) -> None:
    write(folder, text)
    with pytest.raises(ValueError, match=problem):
        Settings()


def test_an_unknown_name_in_dotenv_is_refused(folder: Path) -> None:
    (folder / ".env").write_text("DESKWARD_API_KEY=dw_x\nSERVER_PROT=1\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"SERVER_PROT is no setting. Did you mean SERVER_PORT\?"):
        Settings()


def test_the_file_can_be_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "mine.yaml").write_text("server_port: 7\n", encoding="utf-8")
    monkeypatch.setenv(PATH_VARIABLE, "mine.yaml")
    assert Settings().server.port == 7
    monkeypatch.setenv(PATH_VARIABLE, "gone.yaml")
    with pytest.raises(ValueError, match=r"names gone\.yaml, which is no file"):
        Settings()


def test_the_example_file_is_what_it_says(folder: Path) -> None:
    example = Path(__file__).parents[2] / "config" / "support_agent.example.yaml"
    write(folder, example.read_text(encoding="utf-8"))
    changed = {"model": "offline", "database_pool_size": 20}
    assert Settings().values() == {**Settings(_env_file=None).values(), **changed}
