"""A hundred thousand customers from one file, with the process killed in between."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

COUNT = 100_000
MEGABYTES = 300


def started(folder: Path, file: Path) -> subprocess.Popen[str]:
    environment = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ
    }
    environment |= {"DATA_DIR": str(folder), "LOG_LEVEL": "WARNING", "MODEL": "offline"}
    return subprocess.Popen(
        [sys.executable, "-m", "deskward", "customers", "import", str(file)],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def most_memory(process: subprocess.Popen[str]) -> int:
    """Megabytes that a process has had at the most, as Linux counts them."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) // 1024 if found else 0


def stored(folder: Path) -> int:
    try:
        file = sqlite3.connect(folder / "deskward.db", timeout=30)
        count: int = file.execute("SELECT count(*) FROM customers").fetchone()[0]
        file.close()
    except sqlite3.OperationalError:  # there is no table yet
        return 0
    return count


@pytest.mark.slow
@pytest.mark.started_anew
@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_an_import_is_streamed_killed_and_resumed(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    with file.open("w", encoding="utf-8") as out:
        out.write("id,name,email,phone,tier,tags,external:crm\n")
        for n in range(COUNT):
            name = ("Zoë", "王伟", "Анна", "Alex")[n % 4]
            out.write(f"c{n},{name} {n},c{n}@example.com,+4144{n:07},standard,a;b,{n}\n")
            if n % 1000 == 500:
                out.write(f"c{n},Somebody,no address,,,,\n")
    killed = started(tmp_path, file)
    while stored(tmp_path) < COUNT // 3:
        assert killed.poll() is None, killed.communicate()
        time.sleep(0.2)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    before = stored(tmp_path)
    assert COUNT // 3 <= before < COUNT

    resumed = started(tmp_path, file)
    most = 0
    while resumed.poll() is None:
        most = max(most, most_memory(resumed))
        time.sleep(0.2)
    out_, err = resumed.communicate()
    assert resumed.returncode == 1
    assert out_ == f"{COUNT - before} created, 0 changed, {before} unchanged, 100 refused.\n"
    assert err.count("is no mail address") == 100
    assert 0 < most < MEGABYTES
    with sqlite3.connect(tmp_path / "deskward.db") as database:
        for table, count in (
            ("customers", COUNT),
            ("customer_addresses", 2 * COUNT),
            ("customer_external_ids", COUNT),
        ):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (count,)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    print(f"{most} MB at the most")
