"""The command line: `holdfast VERB DIR ...`. It calls app.service and bench, and nothing else."""

from __future__ import annotations


def main() -> None:
    """Entry point of the `holdfast` command."""
    import sys

    from holdfast.cli.run import run

    sys.exit(run(sys.argv[1:]))
