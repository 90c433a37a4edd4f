"""Targets that a person names: replaced whole where they are regular files, and only there."""

import contextlib
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from deskward.core.files import write_whole


def write(path: Path, text: str = "new\n") -> None:
    with write_whole(path) as file:
        file.write(text)


def device(path: Path, minor: int) -> Path:
    """A device of our own: 3 takes everything, 7 is always full."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, minor))
        path.open("wb").close()
    except PermissionError as error:
        pytest.skip(f"devices cannot be made or opened here: {error}")
    return path


def test_a_new_file_is_there_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new"
    with write_whole(path) as file:
        file.write("Grüße\n")
        file.flush()
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "Grüße\n"
    assert os.listdir(tmp_path) == ["new"]


def test_an_old_file_stays_when_the_new_one_fails(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_text("old\n", encoding="utf-8")
    with contextlib.suppress(KeyboardInterrupt), write_whole(path) as file:
        file.write("half")
        raise KeyboardInterrupt
    assert path.read_text(encoding="utf-8") == "old\n"
    assert os.listdir(tmp_path) == ["old"]


def test_an_old_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_text("a longer text than the new one\n", encoding="utf-8")
    path.chmod(0o640)
    write(path)
    assert path.read_text(encoding="utf-8") == "new\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "target", tmp_path / "link"
    link.symlink_to(target)
    for text in ("first\n", "second\n"):  # to a file that is not there yet, and to one that is
        write(link, text)
        assert link.is_symlink()
        assert target.read_text(encoding="utf-8") == text
    assert os.listdir(tmp_path / "elsewhere") == ["target"]


def test_a_device_is_written_to_and_stays(tmp_path: Path) -> None:
    null = device(tmp_path / "null", 3)
    before = null.stat()
    write(null)
    assert (null.stat().st_ino, null.stat().st_rdev) == (before.st_ino, before.st_rdev)


def test_a_full_device_is_said(tmp_path: Path) -> None:
    full = device(tmp_path / "full", 7)
    with pytest.raises(OSError, match=r"cannot write .*full: No space left on device"):
        write(full)
    assert stat.S_ISCHR(full.stat().st_mode)


def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(
        target=lambda: read.append(pipe.read_text(encoding="utf-8")), daemon=True
    )
    reader.start()
    write(pipe)
    reader.join(20)
    assert read == ["new\n"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("folder", "Is a directory"),
        ("missing/file", "No such file or directory"),
        ("file/file", "Not a directory"),
        ("loop", "Too many levels of symbolic links"),
        ("n" * 300, "File name too long"),
    ],
)
def test_what_cannot_be_written_is_named(tmp_path: Path, name: str, problem: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("old", encoding="utf-8")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match=f"cannot write .*: {problem}"):
        write(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder", "loop"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_text("old\n", encoding="utf-8")
    program = (
        "import pathlib, resource, sys\n"
        "from deskward.core.files import write_whole\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "with write_whole(pathlib.Path(sys.argv[1])) as file:\n"
        "    file.write('x' * 1_000_000)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=60
    )
    assert "cannot write" in done.stderr
    assert "File too large" in done.stderr
    assert path.read_text(encoding="utf-8") == "old\n"
    assert os.listdir(tmp_path) == ["old"]


def test_an_open_stream_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("old\n", encoding="utf-8")
    program = (
        "import pathlib\n"
        "from deskward.core.files import write_whole\n"
        "with write_whole(pathlib.Path('/dev/stdout')) as file:\n"
        "    file.write('new\\n')\n"
    )
    with path.open("a", encoding="utf-8") as out:
        subprocess.run([sys.executable, "-c", program], stdout=out, check=True, timeout=60)
    assert path.read_text(encoding="utf-8") == "old\nnew\n"
