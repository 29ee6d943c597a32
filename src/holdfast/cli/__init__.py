"""The command line: `holdfast VERB DIR ...`. It calls app.service and bench, and nothing else."""

from __future__ import annotations


def main() -> None:
    """Entry point of the `holdfast` command."""
    import os
    import sys

    # Threads that wait must not spin: on a busy machine that costs more than it saves.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    from holdfast.cli.run import run

    sys.exit(run(sys.argv[1:]))
