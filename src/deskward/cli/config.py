"""`deskward config show` and `config check`: what is set, and where each value came from."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from deskward.cli.session import print_json, read_settings

config = App(name="config", help="See and check the settings.")

NEAR = 0.85
"""How alike a variable of the environment and a setting are that are taken for a slip."""


@config.command
def show(
    *,
    json_: Annotated[
        bool, Parameter(name="--json", help="Print names, values and origins as JSON.")
    ] = False,
) -> None:
    """Print every setting with its value and where that came from. Secrets are masked.

    Example: `deskward config show`
    """
    settings = read_settings()
    origins = _origins()
    rows = {
        name.upper(): (_shown(value), origins.get(name, "default"))
        for name, value in settings.values().items()
    }
    if json_:
        print_json(
            {name: {"value": value, "from": origin} for name, (value, origin) in rows.items()}
        )
        return
    for name, (value, origin) in rows.items():
        print(f"{name:<40} {'-' if value is None or value == '' else value}  ({origin})")


@config.command
def check() -> None:
    """Check all settings, the files they name, and names that look like slips.

    Exit code 0: nothing is wrong (there may be warnings), 1: something is.

    Example: `deskward config check`
    """
    from deskward.core.config_file import config_path, unused_keys
    from deskward.core.setting_names import names
    from deskward.core.settings import Settings

    settings = read_settings()
    known = names(Settings)
    warnings = []
    for variable in os.environ:
        name = variable.lower()
        near = difflib.get_close_matches(name, list(known), 1, NEAR)
        if variable.isupper() and name not in known and near:
            warnings.append(f"{variable} is no setting. Did you mean {near[0].upper()}?")
    path = config_path()
    if path is not None:
        warnings += [f"{path}: {key} is not used by this version." for key in unused_keys(path)]
    errors = _problems(settings)
    for warning in warnings:
        print(f"warning: {warning}")
    for error in errors:
        print(f"error: {error}")
    if errors:
        sys.exit(1)
    print("The settings are valid.")


def _problems(settings: Any) -> list[str]:
    """What a valid set of settings can still get wrong: files, folders and each other."""
    from deskward.agent.models.choose import choose_model
    from deskward.agent.offline.model import OfflineModel
    from deskward.features import all_features, features_of
    from deskward.gate.policy.engine import Policy
    from deskward.shipped import policy_files, skills_of, taught_skills

    try:
        features = features_of(settings)
    except ValueError as error:
        return [str(error)]
    problems = []
    tools = all_features().tools
    loads: dict[str, Callable[[], object]] = {
        "POLICY_DIR": lambda: Policy(policy_files(settings.policy.dir, features), tools),
        "SKILLS_DIR": lambda: taught_skills(settings, features),
        "MODEL": lambda: choose_model(
            settings, offline=lambda: OfflineModel(skills_of(settings, features), lazy=True)
        ),
    }
    for name, load in loads.items():
        try:
            load()
        except (ValueError, OSError) as error:
            problems.append(f"{name}: {error}")
    if settings.mail.ca_file and not settings.mail.ca_file.is_file():
        problems.append(f"SMTP_CA_FILE: {settings.mail.ca_file} is no file.")
    problems += _servers(settings)
    if settings.mcp_server.required and not settings.mcp_server.url:
        problems.append("MCP_SERVER_REQUIRED: there is no MCP_SERVER_URL that could be required.")
    return problems


def _servers(settings: Any) -> list[str]:
    """What is wrong with the file of outside MCP servers."""
    import os

    from deskward.hub.config import BadFile, read_servers, text_of

    file = settings.mcp_server.servers_file
    if file is None:
        return []
    try:
        text = text_of(file)
        if text is None:
            raise BadFile("it is not there")
        found = read_servers(text, os.environ).problems
    except BadFile as error:
        return [f"MCP_SERVERS_FILE: {file}: {error}"]
    return [f"MCP_SERVERS_FILE: server {name}: {problem}" for name, problem in found.items()]


def _shown(value: Any) -> Any:
    from pydantic import SecretStr

    from deskward.core.credentials import without_credentials

    if isinstance(value, SecretStr):
        return "**********"
    if isinstance(value, Path):
        value = str(value)
    return without_credentials(value) if isinstance(value, str) else value


def _origins() -> dict[str, str]:
    """Setting → the source that its value came from, for those that are set."""
    from dotenv import dotenv_values

    from deskward.core.config_file import ConfigFile, config_path
    from deskward.core.setting_names import names
    from deskward.core.settings import Settings

    found: dict[str, str] = {}
    if path := config_path():
        found |= dict.fromkeys(ConfigFile(Settings, path, names(Settings)).made, str(path))
    for origin, values in ((".env", dotenv_values(".env")), ("environment", os.environ)):
        for variable, value in values.items():
            if value and variable.lower() in names(Settings):
                found[variable.lower()] = origin
    return found
