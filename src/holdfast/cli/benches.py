"""`holdfast bench`: run benchmarks and print their rows, as a table for people or JSON for programs."""

from __future__ import annotations

import json as jsonlib
import sys
from typing import TYPE_CHECKING

from holdfast.cli.bars import Bars
from holdfast.core.errors import InputRefused, UsageError

if TYPE_CHECKING:
    from holdfast.core.results import Score


def bench(name: str | None, *, data: str | None, full: bool, every: bool, json: bool) -> None:
    """Run one benchmark, or all, or list what there is."""
    from holdfast.bench.registry import BENCHES

    if name is None and not every:
        listing = {one: (BENCHES[one].__doc__ or "").strip().splitlines()[0] for one in BENCHES}
        lines = [f"{one:<12} {what}" for one, what in listing.items()]
        sys.stdout.write(jsonlib.dumps(listing) + "\n" if json else "\n".join(lines) + "\n")
        return
    if every and name is not None:
        raise UsageError("--all and a name together", remedy="give one of them")
    rows: list[Score] = []
    with Bars() as progress:
        for one in BENCHES if every else [str(name)]:
            try:
                rows += BENCHES[one](data=data, full=full, progress=progress)
            except InputRefused as absent:
                if not every:
                    raise
                sys.stderr.write(f"{one} was left out: {absent}\n")  # the others need not wait for its data
    if json:
        sys.stdout.write(jsonlib.dumps([row.as_dict() for row in rows], ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(table(rows))


def table(rows: list[Score]) -> str:
    """The rows as aligned text, one block for each protocol."""
    lines: list[str] = []
    protocol = ""
    for row in rows:
        if row.protocol != protocol:
            protocol = row.protocol
            lines += ["", f"{row.bench} on {row.data}: {protocol}"]
        interval = "" if row.low is None or row.high is None else f"[{row.low:,.4f}, {row.high:,.4f}]"
        cost = "" if row.seconds is None else f"{row.seconds:8.2f} s"
        memory = "" if row.peak_mb is None else f"{row.peak_mb:7.0f} MB"
        lines.append(f"  {row.model:<28} {row.metric:<20} {row.value:>14,.4f} {interval:<24}{cost} {memory}".rstrip())
    return "\n".join(lines).lstrip("\n") + "\n"
