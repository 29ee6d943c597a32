"""Every verb of `holdfast`, gathered: a group of verbs is one file beside this one and one line here."""

from __future__ import annotations

import holdfast.cli.segments
import holdfast.cli.verbs  # noqa: F401
from holdfast.cli.root import app

__all__ = ["app"]
