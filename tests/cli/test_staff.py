"""Members of staff on the command line."""

from tests.cli.conftest import Cli, cli, folder

__all__ = ["cli", "folder"]


def test_an_empty_machine_user_locks_nobody_out(cli: Cli) -> None:
    code, _, err = cli("staff", "add", "anna", "--role", "support-3", "--shell-user", "")
    assert code != 0
    assert "--shell-user is empty" in err
    assert cli("staff", "list")[0] == 0
