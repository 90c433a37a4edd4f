"""Repositories, read with the real programs from real servers."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.integrations.sources import programs
from deskward.integrations.sources import svn as svn_sources
from tests.conftest import Call, caller
from tests.knowledge.documents.conftest import CHIEF, Sync, documents_of, syncer, write

pytestmark = pytest.mark.slow  # each starts several programs

WHO = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip


@pytest.fixture
async def desk(sqlite_settings: Settings, offline: Any) -> AsyncIterator[Desk]:
    """A desk whose sources may be on this machine's own network."""
    settings = sqlite_settings.changed(knowledge_networks="127.0.0.1/32")
    async with open_desk(settings, model=offline) as opened:
        yield opened


@pytest.fixture
def call(desk: Desk) -> Call:
    return caller(desk)


@pytest.fixture
def sync(desk: Desk, call: Call) -> Sync:
    return syncer(desk, call)


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words],
        check=True, capture_output=True, text=True, env={**os.environ, **WHO},
    )  # fmt: skip
    return done.stdout.strip()


def commit(folder: Path, said: str) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", said)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two documents and what must not be followed."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    made = tmp_path / "repo"
    write(made, docs__guide_md="# Guide\n\nPlug it in.", docs__old_md="# Old\n\nGone soon.")
    (made / "docs" / "passwd.md").symlink_to("/etc/passwd")
    (made / "big.lfs.md").write_text("version https://git-lfs.github.com/spec/v1\noid x\n", "utf-8")
    git(tmp_path, "init", "-q", "-b", "main", str(made))
    commit(made, "first")
    return made


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


@contextmanager
def served(*words: str, port: int) -> Iterator[None]:
    """A server that runs while the block does."""
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield
    finally:
        child.terminate()
        child.wait()


async def test_a_commit_is_read_and_only_what_the_next_one_changed(
    desk: Desk, call: Call, sync: Sync, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await sync(kind="git", location=str(repository))
    assert (source["state"], source["ready"], source["failed"]) == ("ready", 2, 2), source
    found = await documents_of(call, source["source_id"])
    assert found["docs/passwd.md"]["reason"] == (
        "it is a symbolic link, which is not followed in a repository"
    )
    assert found["big.lfs.md"]["reason"] == "it is kept by Git LFS, which is not read"
    named = {"document_id": found["docs/guide.md"]["document_id"]}
    shown = (await call("get_document", CHIEF, **named)).value
    assert shown["commit"] == git(repository, "rev-parse", "HEAD")
    assert shown["address"] == f"{repository}#docs/guide.md"
    (repository / "docs" / "old.md").unlink()
    write(repository, docs__new_md="# New\n\nHere.")
    commit(repository, "second")
    source = await sync(source["source_id"])
    assert sorted(await documents_of(call, source["source_id"], state="ready")) == [
        "docs/guide.md", "docs/new.md",
    ]  # fmt: skip


async def test_branches_tags_and_folders(call: Call, sync: Sync, repository: Path) -> None:
    git(repository, "tag", "-a", "v1", "-m", "one")
    git(repository, "checkout", "-q", "-b", "next")
    write(repository, docs__next_md="# Next\n\nSoon.", other_md="# Other\n\nElsewhere.")
    commit(repository, "next")
    git(repository, "checkout", "-q", "main")
    for branch, wanted in (("next", True), ("v1", False)):
        settings = {"branch": branch, "folder": "docs", "exclude": ["*passwd*"]}
        asked = {"name": branch, "kind": "git", "location": str(repository)}
        source = await sync(**asked, settings=settings)
        found = await documents_of(call, source["source_id"])
        assert ("docs/next.md" in found, "other.md" in found) == (wanted, False)
    asked = {"name": "none", "kind": "git", "location": str(repository)}
    source = await sync(**asked, settings={"branch": "no-such"})
    assert source["reason"] == "It has no branch or tag no-such."
    source = await sync(**{**asked, "name": "odd"}, settings={"branch": "--upload-pack=id"})
    assert source["reason"] == "--upload-pack=id is no name of a branch or tag."


async def test_a_server_of_git(call: Call, sync: Sync, repository: Path, tmp_path: Path) -> None:
    port = free_port()
    words = ("git", "daemon", "--export-all", f"--base-path={tmp_path}", "--reuseaddr")
    with served(*words, f"--port={port}", "--listen=127.0.0.1", port=port):
        location = f"git://127.0.0.1:{port}/repo/.git"
        source = await sync(kind="git", location=location)
        assert (source["state"], source["ready"]) == ("ready", 2), source
        gone = await sync(name="gone", kind="git", location=f"git://127.0.0.1:{port}/none")
        assert gone["state"] == "failed"
    source = await sync(source["source_id"])
    assert (source["state"], source["ready"]) == ("failed", 2)  # what is there goes on serving


async def test_a_host_that_never_answers(
    sync: Sync, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "SILENCE", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        source = await sync(kind="git", location=f"git://127.0.0.1:{port}/docs.git")
    assert source["state"] == "failed"
    assert source["reason"] == "Its server did not answer for 2 seconds."


async def test_a_copy_that_a_killed_process_left_locked_is_made_anew(
    desk: Desk, sync: Sync, repository: Path
) -> None:
    source = await sync(kind="git", location=str(repository))
    (copy,) = (desk.settings.data_dir / "sources").glob("*.git")
    (copy / "shallow.lock").touch()
    (copy / "refs" / "deskward" / "head.lock").touch()
    write(repository, more_md="# More\n\nText.")
    commit(repository, "more")
    source = await sync(source["source_id"])
    assert (source["state"], source["ready"]) == ("ready", 3), source


@pytest.fixture
def subversion(tmp_path: Path) -> Iterator[str]:
    """The address of a Subversion server with three documents."""
    if shutil.which("svnserve") is None:
        pytest.skip("subversion is not installed")
    root = tmp_path / "svn"
    subprocess.run(["svnadmin", "create", str(root)], check=True)
    (root / "conf" / "svnserve.conf").write_text("[general]\nanon-access = write\n", "utf-8")
    files = tmp_path / "files"
    write(
        files, trunk__a_md="# A\n\nOne.", trunk__b_md="# B\n\nTwo.", trunk__ü__c_md="# C\n\nThree."
    )
    (files / "trunk" / "logo.png").write_bytes(b"\x89PNG")
    words = ["svn", "import", "-q", "-m", "first", str(files), f"file://{root}"]
    subprocess.run(words, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    port = free_port()
    words = ["svnserve", "-d", "--foreground", "--listen-host=127.0.0.1", "-r", str(root)]
    with served(*words, f"--listen-port={port}", port=port):
        yield f"svn://127.0.0.1:{port}"


@pytest.mark.parametrize("few", [0, 30])
async def test_subversion(
    call: Call, sync: Sync, subversion: str, tmp_path: Path, few: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(svn_sources, "FEW", few)
    source = await sync(kind="svn", location=subversion, settings={"folder": "trunk"})
    assert (source["state"], source["ready"]) == ("ready", 3), source
    work = tmp_path / "work"
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    await asyncio.to_thread(
        subprocess.run, ["svn", "checkout", "-q", f"{subversion}/trunk", str(work)],
        check=True, env=environment,
    )  # fmt: skip
    (work / "a.md").write_text("# A\n\nOther.", "utf-8")
    for words in (["rm", "-q", "b.md"], ["commit", "-q", "-m", "second"]):
        await asyncio.to_thread(
            subprocess.run, ["svn", *words], check=True, cwd=work, env=environment
        )
    source = await sync(source["source_id"])
    found = await documents_of(call, source["source_id"])
    assert sorted(found) == ["a.md", "ü/c.md"]
    named = {"document_id": found["a.md"]["document_id"]}
    shown = (await call("get_document", CHIEF, **named)).value
    assert (shown["parts"][0]["text"], shown["commit"]) == ("Other.", "2")


async def test_subversion_over_http_is_for_named_hosts(sync: Sync) -> None:
    source = await sync(kind="svn", location="https://svn.example.com/docs")
    assert "KNOWLEDGE_HOSTS" in source["reason"]
