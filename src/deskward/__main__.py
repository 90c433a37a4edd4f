"""The `deskward` command."""

from deskward.entrypoints.cli import main

if __name__ == "__main__":
    main()
