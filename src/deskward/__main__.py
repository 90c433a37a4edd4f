"""The `deskward` command."""

import os
import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line; Ctrl-C while it is being loaded ends it quietly, too."""
    # numpy's library reads it when it is loaded. It would start a thread for each processor, which
    # spin while they wait: twice the CPU for vectors as small as ours.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from deskward.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    run()


if __name__ == "__main__":
    main()
