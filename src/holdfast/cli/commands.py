"""Every verb of `holdfast`, gathered: a group of verbs is one file beside this one and one word here, in the order of help."""

from __future__ import annotations

import importlib

from holdfast.cli.root import app

_GROUPS = ("verbs", "segments", "alerts", "plan", "measure")
for _group in _GROUPS:
    importlib.import_module(f"holdfast.cli.{_group}")


def _place(module: str) -> int:
    """The place of a verb's file; one that is not gathered here comes last."""
    known = [f"holdfast.cli.{one}" for one in _GROUPS]
    return known.index(module) if module in known else len(known)


# Whoever imported one group first does not change the help.
app.registered_commands.sort(key=lambda one: _place(one.callback.__module__ if one.callback else ""))

__all__ = ["app"]
