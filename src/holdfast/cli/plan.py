"""`holdfast plan`: make, review, approve, export. Nothing is spent or sent unless it is said twice."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.root import HERE, Debug, Here, Json, LanguageOption, answer, app

plan_app = typer.Typer(
    help="Plans: who gets what, under a budget. make, review, approve, export.", no_args_is_help=True
)
app.add_typer(plan_app, name="plan")

PlanId = Annotated[str | None, typer.Option("--plan", metavar="ID", help="Which plan; default: the newest.")]


@plan_app.command("make", epilog="Example: holdfast plan make shop --budget 5000 --campaign spring")
def make(
    folder: Here = HERE,
    budget: Annotated[float | None, typer.Option(metavar="MONEY", help="What it may spend; default: [plan].")] = None,
    campaign: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the campaign.")] = None,
    contacts: Annotated[int | None, typer.Option(metavar="N", help="At most so many customers contacted.")] = None,
    language: LanguageOption = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Decide for every customer of the published release who gets what; nothing is spent or sent."""
    from holdfast.app import service

    answer(json, service.plan_make, folder, budget=budget, campaign=campaign, contacts=contacts, language=language)


@plan_app.command("review", epilog="Example: holdfast plan review shop --csv review.csv")
def review(
    folder: Here = HERE,
    plan: PlanId = None,
    customer: Annotated[
        str | None, typer.Option(metavar="CUSTOMER", help="One customer: why this, why not that.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write everybody with the reason as CSV.")] = None,
    count: Annotated[int, typer.Option(min=1, help="How many customers are shown.")] = 10,
    language: LanguageOption = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Who gets what and why, and who is left alone on purpose."""
    from holdfast.app import service

    answer(
        json, service.plan_review, folder, plan=plan, customer=customer, csv=csv, count=count, language=language,
        bars=False,
    )  # fmt: skip


@plan_app.command("approve", epilog="Example: holdfast plan approve shop --by ana --yes")
def approve(
    folder: Here = HERE,
    plan: PlanId = None,
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who approves; default: the user of this machine.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Really approve; without it, show what would happen.")] = False,
    despite: Annotated[
        bool, typer.Option("--despite-findings", help="Although protected groups are offered other prices.")
    ] = False,
    language: LanguageOption = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Reserve money, places and contacts for a plan, and fix who is held out. A dry run unless --yes."""
    from holdfast.app import service

    answer(json, service.plan_approve, folder, plan=plan, by=by, yes=yes, despite_findings=despite, language=language)


@plan_app.command("export", epilog="Example: holdfast plan export shop --to audience.csv --yes")
def export(
    folder: Here = HERE,
    plan: PlanId = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE", help="A .csv or .parquet file, or a channel of holdfast.toml; default: the plan's folder."
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Really write and spend; without it, show what would leave.")
    ] = False,
    language: LanguageOption = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Hand the audience of an approved plan over and log every decision. A dry run unless --yes."""
    from holdfast.app import service

    answer(json, service.plan_export, folder, plan=plan, to=to, yes=yes, language=language)


@plan_app.command("send", epilog="Example: holdfast plan send shop")
def send(folder: Here = HERE, language: LanguageOption = None, json: Json = False, debug: Debug = False) -> None:
    """Send what is due of exported plans through the channels of channels.toml; run it as often as you like."""
    from holdfast.app import service

    answer(json, service.plan_send, folder, language=language)
