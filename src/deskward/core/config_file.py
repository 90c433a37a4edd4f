"""`config/support_agent.yaml`: the settings as a file.

Its sections are the settings' groups, and some older names for them; any setting may also stand at
the top level by its own name in lower case. `${VAR}` and `${VAR:-default}` are filled in from the
environment.
"""

from __future__ import annotations

import difflib
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml
from dotenv.parser import parse_stream
from pydantic_settings import BaseSettings, YamlConfigSettingsSource

from deskward.core.setting_names import Names, nested

DEFAULT_PATH = Path("config/support_agent.yaml")
PATH_VARIABLE = "DESKWARD_CONFIG"

OLDER = {
    "server.timeout": "tool_timeout",
    "logging.level": "log_level",
    "logging.format": "log_format",
    "logging.max_file_size": "log_max_size_mb",
    "logging.backup_count": "log_backup_count",
}
"""Names of a file of another desk, and the settings that they are here."""
DATABASE = ("host", "port", "name", "user", "password")
REDIS = ("host", "port", "password")
UNUSED = ("integrations.", "caching.redis.ttl_default")
"""Keys that such a file has and nothing uses yet."""

_VARIABLE = re.compile(r"\$\{(\w{1,200})(?::-([^}]{0,1000}))?\}")
_SIZE = re.compile(r"(\d{1,12})\s{0,9}MB", re.IGNORECASE)


class UnknownSetting(ValueError):
    """A name that no setting has."""

    def __init__(self, where: str, name: str, known: Iterable[str]) -> None:
        upper = name.isupper()
        near = difflib.get_close_matches(name.lower(), list(known), 1)
        hint = f" Did you mean {near[0].upper() if upper else near[0]}?" if near else ""
        super().__init__(f"{where}: {name} is no setting.{hint}")


def config_path() -> Path | None:
    """The YAML file that is read: DESKWARD_CONFIG, else `config/support_agent.yaml` if it exists.

    Raises:
        ValueError: DESKWARD_CONFIG names a file that does not exist.
    """
    named = os.environ.get(PATH_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise ValueError(f"{PATH_VARIABLE} names {named}, which is no file")
        return Path(named)
    return DEFAULT_PATH if DEFAULT_PATH.exists() else None


def check_dotenv(path: Any) -> None:
    """See that a file of variables, where there is one, is text of the form that it must have.

    Raises:
        ValueError: It is not; the message names it and the line.
    """
    if path is None or not Path(path).exists():
        return
    for binding in parse_stream(io.StringIO(_text(Path(path)))):
        if binding.error:
            line = binding.original.line
            raise ValueError(f"{path}: line {line} is not of the form NAME=value")


def _text(path: Path) -> str:
    """The text of a file.

    Raises:
        ValueError: It is no file, or not UTF-8, or holds a NUL.
    """
    if path.is_dir():
        raise ValueError(f"{path} is a folder, not a file")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text (at byte {error.start + 1})") from None
    if "\0" in text:
        raise ValueError(f"{path} holds a NUL character, which no text has")
    return text


class ConfigFile(YamlConfigSettingsSource):
    """The YAML file as a source of settings."""

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        path: Path | None,
        known: Names,
    ) -> None:
        """Read the file.

        Args:
            known: What each setting is called → its group and its field there.

        Raises:
            ValueError: It is no YAML mapping, a key is unknown, or a variable is not set.
        """
        if path is not None:
            _text(path)
        self._known = known
        self.made: dict[str, Any] = {}
        """The settings that the file makes, by their names."""
        super().__init__(settings_cls, yaml_file=path)

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        try:
            content: Any = super()._read_file(file_path)
        except yaml.YAMLError as error:
            raise ValueError(f"{file_path} is not valid YAML: {error}") from None
        if not isinstance(content, dict):
            raise ValueError(
                f"{file_path} must hold a mapping, such as `server:` with `port: 9080`"
            )
        self.made = _settings(file_path, dict(_flat(content)), self._known)
        return nested(self._known, self.made)


def _settings(path: Path, flat: dict[str, Any], known: Names) -> dict[str, Any]:
    """The settings that the keys of a file make, by their names."""
    parts = {f"database.{key}" for key in DATABASE} | {f"caching.redis.{key}" for key in REDIS}
    keys = {f"{group}.{field}": name for name, (group, field) in known.items() if group}
    keys |= {**OLDER, **{name: name for name in known}}
    values: dict[str, Any] = {}
    for key, raw in flat.items():
        if key.startswith(UNUSED):
            continue
        if key not in keys and key not in parts:
            raise UnknownSetting(str(path), key, [*keys, *parts])
        value = _filled(path, key, raw)
        if key == "logging.max_file_size" and isinstance(value, str):
            value = _megabytes(path, value)
        if key in parts:
            flat[key] = value
        elif value is not None:
            values[keys[key]] = value
    if flat.get("database.host"):
        values["database_url"] = _url("postgresql", flat, "database", "name")
    if flat.get("caching.redis.host"):
        values["redis_url"] = _url("redis", flat, "caching.redis", None)
    return values


def unused_keys(path: Path) -> list[str]:
    """The keys of a file that this version knows and does not use."""
    content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return [key for key, _ in _flat(content) if key.startswith(UNUSED)]


def _flat(node: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _filled(path: Path, key: str, value: Any) -> Any:
    """A value with its variables filled in."""
    if not isinstance(value, str):
        return value

    def variable(match: re.Match[str]) -> str:
        found = os.environ.get(match[1]) or match[2]
        if found is None:
            raise ValueError(
                f"{path}: {key} wants the variable {match[1]}, which is not set. Set it, or write "
                f"${{{match[1]}:-default}}."
            )
        return found

    return _VARIABLE.sub(variable, value)


def _megabytes(path: Path, value: str) -> int:
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"{path}: logging.max_file_size is of the form 100MB, not {value!r}")
    return int(match[1])


def _url(scheme: str, flat: Mapping[str, Any], section: str, name: str | None) -> str:
    part = {key: flat.get(f"{section}.{key}") for key in {*DATABASE, *REDIS}}
    user = quote(str(part["user"] or ""), safe="")
    password = f":{quote(str(part['password']), safe='')}" if part["password"] else ""
    who = f"{user}{password}@" if user or password else ""
    port = f":{part['port']}" if part["port"] else ""
    path = quote(str(part[name] or ""), safe="") if name else "0"
    return f"{scheme}://{who}{part['host']}{port}/{path}"
