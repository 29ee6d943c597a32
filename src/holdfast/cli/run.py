"""Run one command and turn whatever happens into an exit code and a message with a remedy.

0 done, 2 wrong usage or config, 3 input refused whole, 4 too little data, 130 interrupted, 1 anything else.
"""

from __future__ import annotations

import errno
import json
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from holdfast.core.errors import HoldfastError

_REMEDIES = {
    errno.ENOSPC: "free some disk space, then run the same command again; nothing was half-written",
    errno.EACCES: "check who may read and write there",
    errno.EPERM: "check who may read and write there",
    errno.EROFS: "the disk is read-only; choose another folder",
    errno.EDQUOT: "the disk quota is used up; free some space",
}


def run(argv: Sequence[str]) -> int:
    """Run `holdfast ARGV...` and return the exit code; never raises."""
    import typer

    from holdfast.cli.commands import app

    # typer brings its own copy of click from 0.20 on; its public BadParameter leads to the class in use.
    usage: type[Any] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
    as_json, debug = "--json" in argv, "--debug" in argv
    try:
        result = app(args=list(argv), prog_name="holdfast", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except HoldfastError as error:
        return _fail(error, as_json, debug)
    except typer.Exit as stop:
        return stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("interrupted; nothing was half-written\n")
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "check the path and try again")
        return _fail(HoldfastError(error.strerror or str(error), where=error.filename, remedy=remedy), as_json, debug)
    except MemoryError:
        return _fail(HoldfastError("out of memory", remedy="lower [shop] memory in holdfast.toml"), as_json, debug)
    except usage as error:
        error.show()
        return 2
    except Exception as error:
        remedy = "this is a mistake in Holdfast; run the same command with --debug and report what it prints"
        return _fail(HoldfastError(f"{type(error).__name__}: {error}", remedy=remedy), as_json, debug)


def _fail(error: HoldfastError, as_json: bool, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    if as_json:
        sys.stdout.write(json.dumps(error.as_dict(), ensure_ascii=False) + "\n")
    sys.stderr.write(f"error: {error.what}\n")
    if error.where:
        sys.stderr.write(f"where: {error.where}\n")
    if error.remedy:
        sys.stderr.write(f"to fix it: {error.remedy}\n")
    return error.exit_code
