"""`holdfast segments`: who the customers are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.root import HERE, Debug, Here, Json, LanguageOption, answer, app


@app.command(epilog="Example: holdfast segments shop --segment champions --by rfm --csv champions.csv")
def segments(
    folder: Here = HERE,
    by: Annotated[
        str | None, typer.Option("--by", metavar="WAY", help="rules, rfm or learnt; default: as published.")
    ] = None,
    flow: Annotated[bool, typer.Option("--flow", help="Also who moved from which segment to which.")] = False,
    since: Annotated[
        str | None, typer.Option("--since", metavar="RELEASE", help="Who moved since an earlier release, as published.")
    ] = None,
    segment: Annotated[str | None, typer.Option("--segment", metavar="NAME", help="Only this one.")] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the members, of one segment or of all.")
    ] = None,
    language: LanguageOption = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """The segments of the published release: size, what sets each apart, value and churn."""
    from holdfast.app import service

    answer(json, service.segments, folder, by=by, flow=flow, segment=segment, csv=csv, since=since, language=language)
