"""The file of servers, as other clients write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deskward.hub.config import BadFile, Servers, plain, read_servers, text_of

CLAUDE = """{"mcpServers": {
  "filesystem": {"command": "npx", "args": ["-y", "server-filesystem", "/tmp"]},
  "off": {"command": "x", "disabled": true, "alwaysAllow": ["a"]}
}}"""
VS_CODE = """{
  // a comment, as "VS Code" takes it
  "inputs": [{"id": "crm-key", "type": "promptString", "password": true}],
  "servers": {
    "GitHub": {"type": "http", "url": "https://api.example.com/mcp/",
      "headers": {"Authorization": "Bearer ${input:crm-key}"}}, /* and
      another */
    "py": {"type": "stdio", "command": "uvx", "env": {"A": "${env:SOME}", "N": 1, "B": true},},
  },
}"""


def read(text: str, **environment: str) -> Servers:
    return read_servers(text, environment)


def test_files_of_other_clients_are_read_as_they_are() -> None:
    found = read(CLAUDE)
    assert list(found.servers) == ["filesystem"]
    (way,) = found.servers["filesystem"].ways
    assert way.command == ("npx", "-y", "server-filesystem", "/tmp")
    assert way.kinds == ("stdio",)
    found = read(VS_CODE, MCP_INPUT_CRM_KEY="k", SOME="//no comment")
    assert not found.problems
    (github,) = found.servers["GitHub"].ways
    assert github.headers == {"Authorization": "Bearer k"}
    assert (github.kinds, found.servers["GitHub"].prefix) == (("http",), "github__")
    (py,) = found.servers["py"].ways
    assert py.env == {"A": "//no comment", "N": "1", "B": "true"}
    settings = f'{{"editor.x": 1, "mcp": {VS_CODE}}}'
    assert read(settings, MCP_INPUT_CRM_KEY="k", SOME="s").servers.keys() == {"GitHub", "py"}


@pytest.mark.parametrize(
    ("entry", "kinds"),
    [
        ('{"url": "http://h/mcp"}', ("http", "sse")),
        ('{"type": "streamable-http", "url": "http://h/mcp"}', ("http",)),
        ('{"type": "streamableHttp", "url": "http://h/mcp"}', ("http",)),
        ('{"type": "sse", "url": "https://h/sse"}', ("sse",)),
        ('{"url": "wss://h/ws"}', ("ws",)),
        ('{"type": "websocket", "url": "ws://h"}', ("ws",)),
    ],
)
def test_the_type_says_how_it_is_spoken_to(entry: str, kinds: tuple[str, ...]) -> None:
    found = read(f'{{"mcpServers": {{"a": {entry}}}}}')
    assert found.servers["a"].ways[0].kinds == kinds, found.problems


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("5", "should be a valid dictionary"),
        ("{}", "a command or a url"),
        ('{"command": "x", "url": "http://h"}', "not both"),
        ('{"command": 5}', "command: "),
        ('{"command": "x", "type": "http"}', "over stdio, not http"),
        ('{"url": "http://h", "type": "stdio"}', "not spoken to over stdio"),
        ('{"url": "file:///etc/passwd"}', "no address"),
        ('{"url": "http://h:port/"}', "no address"),
        ('{"url": "http://"}', "no address"),
        ('{"url": "http://h", "type": "ws"}', "ws://host"),
        ('{"url": "http://h", "type": "carrier pigeon"}', "is none of"),
        ('{"url": "http://h", "headers": {"A": "b\\r\\nC: d"}}', "line break"),
        ('{"url": "http://${HOST}/"}', "HOST, which it names, is not set"),
        ('{"command": "x", "env": {"A": "b\\u0000"}}', "NUL"),
        ('{"command": "x", "deskward": {"replicas": ["http://h"]}}', "replicas"),
        ('{"command": "x", "deskward": {"timeout": 0}}', "deskward.timeout"),
        ('{"command": "x", "deskward": {"tennant": "a"}}', "deskward.tennant"),
    ],
)
def test_a_wrong_entry_costs_that_server_only(entry: str, why: str) -> None:
    found = read(f'{{"mcpServers": {{"good": {{"command": "x"}}, "bad": {entry}}}}}')
    assert list(found.servers) == ["good"]
    assert why in found.problems["bad"]


def test_no_server_takes_the_names_of_another() -> None:
    found = read('{"mcpServers": {"my-crm": {"command": "x"}, "My.CRM": {"command": "y"}}}')
    assert list(found.servers) == ["my-crm"]
    assert "named like those of 'my-crm'" in found.problems["My.CRM"]
    assert plain("a__b") == plain("A-_b_") == "a_b"  # so the first two in a row end its part
    found = read(f'{{"mcpServers": {{"_": {{"command": "x"}}, "{"a" * 33}": {{"command": "x"}}}}}}')
    assert not found.servers
    assert len(found.problems) == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("[]", "no object"),
        ('{"mcpServers": []}', "no object"),
        ('{"mcpServers": {', "no JSON (line 1"),
        ('{"mcpServers": {"a": {}, "a": {}}}', "'a' stands twice"),
        ("[" * 100_000, "no JSON|nested"),
        (str({"mcpServers": {str(n): {} for n in range(101)}}).replace("'", '"'), "at most 100"),
    ],
)
def test_a_file_that_is_none_says_why(text: str, why: str) -> None:
    with pytest.raises(BadFile, match=why.replace("(", r"\(")):
        read(text)


def test_no_secret_of_the_file_is_shown() -> None:
    entry = '{"url": "http://u:s3cret@h:1/mcp?k=s3cret", "headers": {"A": "s3cret"}}'
    text = f'{{"mcpServers": {{"a": {entry}, "b": {{"command": "x", "env": {{"K": "s3cret"}}}}}}}}'
    found = read(text)
    assert "s3cret" not in repr(found)
    assert found.servers["a"].ways[0].place == "http://h:1/mcp"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert text_of(tmp_path / "none.json") is None
    (tmp_path / "latin.json").write_bytes(b'{"\xe4": 1}')
    (tmp_path / "large.json").write_bytes(b" " * 1_000_001)
    for name, why in (("latin.json", "UTF-8"), ("large.json", "more than"), (".", "cannot be")):
        with pytest.raises(BadFile, match=why):
            text_of(tmp_path / name)
