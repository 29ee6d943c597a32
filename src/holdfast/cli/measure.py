"""What it changed: `holdfast measure`. The work is done by `app.service`."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.cli.root import HERE, Debug, Here, Json, LanguageOption, answer, app


@app.command(epilog="Example: holdfast measure shop --campaign campaign-03")
def measure(
    folder: Here = HERE,
    campaign: Annotated[str | None, typer.Option(metavar="ID", help="Only this campaign.")] = None,
    follow_up: Annotated[
        str | None,
        typer.Option("--follow-up", metavar="30d", help="How long after its assignment a customer is counted."),
    ] = None,
    language: LanguageOption = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """What campaigns changed: orders, revenue, margin and return against doing nothing, with intervals."""
    from holdfast.app import service

    answer(json, service.measure, folder, campaign=campaign, follow_up=follow_up, language=language)
