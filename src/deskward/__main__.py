"""The `deskward` command."""

import gc
import os
import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line; Ctrl-C while it is being loaded ends it quietly, too."""
    # numpy's library reads it when it is loaded. It would start a thread for each processor, which
    # spin while they wait: twice the CPU for vectors as small as ours.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Most of what a start makes stays; looking for garbage in it took a seventh of the start.
    gc.set_threshold(10_000)
    try:
        from deskward.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    run()


if __name__ == "__main__":
    main()
