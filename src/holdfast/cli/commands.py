"""Every verb of `holdfast`, gathered: a group of verbs is one file beside this one and one line here."""

from __future__ import annotations

import holdfast.cli.plan
import holdfast.cli.verbs  # noqa: F401  (importing a group enrols its verbs)
from holdfast.cli.root import app

__all__ = ["app"]
