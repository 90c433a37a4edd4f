"""`deskward ledger`."""

import stat
from pathlib import Path

from tests.cli.conftest import Cli
from tests.core.test_files import device


def test_the_ledger_is_exported_to_a_device(cli: Cli, tmp_path: Path) -> None:
    null = device(tmp_path / "null", 3)
    code, _, err = cli("ledger", "export", str(null))
    assert (code, "lines are in" in err) == (0, True)
    assert stat.S_ISCHR(null.stat().st_mode)
    code, _, _ = cli("ledger", "export", str(tmp_path / "new"))
    assert (code, stat.S_IMODE((tmp_path / "new").stat().st_mode)) == (0, 0o600)
    code, _, err = cli("ledger", "export", str(tmp_path / "missing" / "file"))
    assert (code, "cannot write" in err) == (1, True)
