"""`holdfast alerts`: who to call now, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.root import HERE, Debug, Here, Json, LanguageOption, answer, app


@app.command(epilog="Example: holdfast alerts shop --done 17850 --wrong 13047 --why 'moved abroad'")
def alerts(
    folder: Here = HERE,
    done: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="This customer was worked on; repeatable.")
    ] = None,
    snooze: Annotated[list[str] | None, typer.Option(metavar="ID", help="Later; with --until. Repeatable.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="Until when a snoozed alert sleeps.")] = None,
    wrong: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="No alert was due; with --why. Repeatable.")
    ] = None,
    why: Annotated[str | None, typer.Option(metavar="TEXT", help="Why it was wrong.")] = None,
    dispositions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read what came of each call from this CSV, as --csv writes it.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the list as CSV, to be filled in.")] = None,
    language: LanguageOption = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """List whom to call now, or note what came of it: done, snoozed, wrong and why."""
    from holdfast.app import service

    answer(
        json, service.alerts, folder, bars=False, done=done or (), snooze=snooze or (), until=until, wrong=wrong or (),
        why=why, dispositions=dispositions, csv=csv, language=language,
    )  # fmt: skip
