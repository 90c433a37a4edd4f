"""The container's files, read: what they promise, and what must not be in them.

Building and running the image is described in docs/containers.md.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from deskward.core.setting_names import names
from deskward.core.settings import Settings
from tests.services.programs import give_up

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
VARIABLE = re.compile(r"^#?([A-Z][A-Z0-9_]*)=", re.MULTILINE)


def test_hadolint_finds_nothing() -> None:
    beside = Path(sys.executable).with_name("hadolint")
    hadolint = str(beside) if beside.exists() else shutil.which("hadolint")
    if hadolint is None:
        give_up("hadolint is not installed (make lock, make setup)")
    done = subprocess.run([hadolint, str(ROOT / "Dockerfile")], capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_the_image_is_built_in_two_stages_upon_alpine() -> None:
    assert _instructions("ARG")[0] == "BASE=python:3.11-alpine"
    assert _instructions("FROM") == ["${BASE} AS build", "${BASE}"]
    installs = [line for line in _instructions("RUN") if " -r " in line]
    assert len(installs) == 2
    assert all("--no-deps --require-hashes" in line for line in installs)


def test_what_the_image_installed_is_compared_with_the_lock() -> None:
    (last,) = re.findall(r"install --no-index .+?(?<!\\)\n", DOCKERFILE, re.DOTALL)
    assert "pip --python /opt/deskward/bin/python check" in last
    assert "check_lock.py requirements-runtime.lock /opt/deskward/" in last


def test_the_image_serves_without_being_root() -> None:
    assert _instructions("USER") == ["1000:1000"]
    assert _instructions("EXPOSE") == ["9080"]
    assert _instructions("ENTRYPOINT") == ['["deskward"]']
    assert _instructions("CMD") == ['["serve"]']
    assert _instructions("HEALTHCHECK") == []


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(
        (ROOT / "compose.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    )
    return loaded


def test_compose_runs_the_desk_alone(compose: dict[str, Any]) -> None:
    assert list(compose["services"]) == ["api"]
    api = compose["services"]["api"]
    assert api["image"] == "${DESKWARD_IMAGE:-deskward}"
    assert api["ports"] == ["9080:9080"]
    assert api["volumes"] == ["./data:/app/data", "./logs:/app/logs"]
    assert api["env_file"][0] == ".env.docker"
    assert "healthcheck" not in api


def test_compose_gives_no_rights(compose: dict[str, Any]) -> None:
    api = compose["services"]["api"]
    assert api["read_only"] is True
    assert api["cap_drop"] == ["ALL"]
    assert api["security_opt"] == ["no-new-privileges:true"]
    assert api["user"].endswith(":-1000:1000}")
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & set(api)


def test_the_settings_are_those_of_the_example() -> None:
    ours, example = (_variables(name) for name in (".env.docker", ".env.example"))
    assert ours == example
    assert set(ours) <= {name.upper() for name in names(Settings)}


def test_a_container_sets_its_address_and_its_folders_and_no_secret() -> None:
    values = dotenv_values(ROOT / ".env.docker")
    assert values == {
        "SERVER_HOST": "0.0.0.0",
        "DATA_DIR": "/app/data",
        "LOG_TO_FILE": "true",
        "LOG_FILE_PATH": "/app/logs/app.log",
    }
    image = set(DOCKERFILE.split())
    assert {f"{name}={value}" for name, value in values.items()} - image == {"LOG_TO_FILE=true"}


@pytest.mark.parametrize(
    "name",
    [".git", ".venv", "tests", "docs", "benchmarks", "*.md", ".env", ".env.*", "data", "logs"],
)
def test_an_image_is_built_without(name: str) -> None:
    assert name in _ignored()


def test_an_image_is_built_with_what_it_copies() -> None:
    copied = {
        name
        for line in _instructions("COPY")
        if not line.startswith("--from")
        for name in line.split()[:-1]
    }
    assert "src" in copied
    assert all((ROOT / name).exists() for name in copied)
    assert "!README.md" in _ignored()
    assert not copied & _ignored()


def test_what_runs_in_a_container_is_what_was_tested() -> None:
    tested = _pins("requirements.lock")
    for name in ("requirements-runtime.lock", "requirements-build.lock"):
        pins = _pins(name)
        assert pins
        for package, pin in pins.items():
            # maturin is for the container alone.
            assert package == "maturin" or pin == tested[package], f"{name}: make lock"
    assert {"pytest", "ruff", "hypothesis"}.isdisjoint(_pins("requirements-runtime.lock"))


def _instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} +(.+)$", DOCKERFILE, re.MULTILINE | re.IGNORECASE)


def _variables(name: str) -> list[str]:
    return VARIABLE.findall((ROOT / name).read_text(encoding="utf-8"))


def _ignored() -> set[str]:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def _pins(name: str) -> dict[str, str]:
    """Each package's version and hashes in a lock file."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [re.match(r"([^=\s]+)==(.*)", line) for line in text.splitlines()]
    return {found[1]: " ".join(found[2].split()) for found in lines if found}
