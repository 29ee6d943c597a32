"""The verbs that make, ask and keep releases. The work is done by `app.service`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from holdfast.cli.root import (
    HERE,
    CutoffOption,
    Debug,
    Folder,
    Here,
    HorizonOption,
    Json,
    LanguageOption,
    Preset,
    answer,
    app,
    config_app,
    features_app,
    release_app,
)


@app.command(epilog="Example: holdfast demo demo-shop")
def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to make it.")] = Path("demo-shop"),
    customers: Annotated[int, typer.Option(help="How many customers the synthetic shop has.")] = 5000,
    days: Annotated[int, typer.Option(help="How many days of history.")] = 730,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic shop.")] = 1,
    language: LanguageOption = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Make a synthetic shop whose truth is known, run everything, and show what Holdfast says."""
    from holdfast.app import service

    answer(json, service.demo, folder, customers=customers, days=days, seed=seed, language=language)


@app.command(epilog="Example: holdfast init shop --preset online-retail")
def init(
    folder: Here = HERE,
    preset: Preset = None,
    zone: Annotated[str | None, typer.Option(help="Time zone of the shop, e.g. Europe/London.")] = None,
    currency: Annotated[str | None, typer.Option(help="ISO 4217 code, e.g. GBP.")] = None,
    language: LanguageOption = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Create a shop folder with a commented holdfast.toml."""
    from holdfast.app import service

    answer(json, service.init, folder, preset=preset, zone=zone, currency=currency, language=language, bars=False)


@app.command(epilog="Example: holdfast doctor orders.csv")
def doctor(
    origin: Annotated[
        str,
        typer.Argument(
            metavar="FILE_OR_DIR", help="An order file, a folder of files, a database URL, or a shop's folder."
        ),
    ],
    preset: Preset = None,
    horizon: HorizonOption = None,
    zone: Annotated[str | None, typer.Option(help="Time zone of the dates in the file.")] = None,
    language: LanguageOption = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """One page on any order file, nothing configured: what it holds, what is wrong, what can be forecast."""
    from holdfast.app import service

    answer(json, service.doctor, origin, preset=preset, horizon=horizon, zone=zone, language=language)


@app.command(name="import", epilog="Example: holdfast import shop orders.csv.gz items.csv")
def import_(
    folder: Folder,
    origins: Annotated[list[str] | None, typer.Argument(metavar="FILE...", help="Files, or database URLs.")] = None,
    preset: Preset = None,
    source: Annotated[str | None, typer.Option(help="Name of the source; default: the preset's name.")] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Try the rows set aside earlier once more.")] = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Read files into the shop's log. The same file again adds nothing; bad rows are set aside and counted."""
    from holdfast.app import service

    if replay:
        answer(json, service.replay, folder)
    else:
        answer(json, service.import_files, folder, origins or [], preset=preset, source=source)


@app.command(epilog="Example: holdfast quality shop")
def quality(folder: Here = HERE, language: LanguageOption = None, json: Json = False, debug: Debug = False) -> None:
    """What cleaning found, with counts, money and examples; rows and money reconciled."""
    from holdfast.app import service

    answer(json, service.quality, folder, language=language)


@app.command(
    epilog="Example: holdfast run shop --horizon 30d; for a labelled table: holdfast run out --table loans.csv --label Default --id LoanID"
)
def run(
    folder: Here = HERE,
    cutoff: CutoffOption = None,
    horizon: HorizonOption = None,
    table: Annotated[
        Path | None,
        typer.Option("--table", metavar="FILE", help="A labelled table (CSV, Excel, Parquet) instead of a shop."),
    ] = None,
    label: Annotated[str | None, typer.Option(metavar="COL", help="Table: the column to forecast.")] = None,
    id_: Annotated[str | None, typer.Option("--id", metavar="COL", help="Table: the row's own id.")] = None,
    time: Annotated[
        str | None, typer.Option(metavar="COL", help="Table: when each row was known; then checked forward in time.")
    ] = None,
    positive: Annotated[
        str | None, typer.Option(metavar="VALUE", help="Table: the label's value that is asked for.")
    ] = None,
    protected: Annotated[
        list[str] | None,
        typer.Option(metavar="COLS", help="Table: never features, but scored by group; 'none' for none."),
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(metavar="COLS", help="Table: columns left out, 'name*' for all that start so.")
    ] = None,
    categories: Annotated[
        list[str] | None, typer.Option(metavar="COLS", help="Table: codes that are no amounts; 'none' for none.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(metavar="NAME", help="Table: sheet of an Excel workbook.")] = None,
    language: LanguageOption = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """The whole path: clean, learn, backtest, predict, explain, publish. With --table: the same for a labelled table."""
    from holdfast.app import service

    asked: dict[str, Any] = {"label": label, "id": id_, "time": time, "positive": positive, "sheet": sheet}
    lists: dict[str, Any] = {"protected": protected, "drop": drop, "categories": categories}
    if table is None:
        service.refuse_table_options(**asked, **lists)
        answer(json, service.run, folder, cutoff=cutoff, horizon=horizon, language=language)
    else:
        service.refuse_shop_options(cutoff=cutoff, horizon=horizon)
        answer(json, service.run_table, folder, table, language=language, **asked, **lists)


@app.command(epilog="Example: holdfast backtest shop --cutoff 2011-11-09 --horizon 30d")
def backtest(
    folder: Here = HERE,
    cutoff: CutoffOption = None,
    horizon: HorizonOption = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """How good the forecast would have been: every model and baseline at the cutoff and at earlier ones."""
    from holdfast.app import service

    answer(json, service.backtest, folder, cutoff=cutoff, horizon=horizon)


@app.command(epilog="Example: holdfast drift shop")
def drift(
    folder: Here = HERE,
    cutoff: CutoffOption = None,
    language: LanguageOption = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Whether the published release still holds: what moved since, what it said and what happened, refit now or not."""
    from holdfast.app import service

    answer(json, service.drift, folder, cutoff=cutoff, language=language)


@app.command(epilog="Example: holdfast explain shop 17850")
def explain(
    folder: Folder,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="A customer_id.")],
    for_customer: Annotated[
        bool, typer.Option("--for-customer", help="The page that may be shown to the customer, and how to object.")
    ] = False,
    language: LanguageOption = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """One customer: profile, timeline, forecast with its interval, the reasons, and what would change it."""
    from holdfast.app import service

    answer(json, service.explain, folder, customer, language=language, for_customer=for_customer)


@app.command(epilog="Example: holdfast recommend shop 17850 --count 5 --cart 85123A")
def recommend(
    folder: Folder,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="A customer_id; unknown ones get what many buy.")],
    count: Annotated[
        int | None, typer.Option("--count", metavar="N", help="Length; default: [recommend] count.")
    ] = None,
    cart: Annotated[
        list[str] | None, typer.Option("--cart", metavar="ITEM", help="In the cart now; what goes with it comes first.")
    ] = None,
    dismiss: Annotated[
        list[str] | None,
        typer.Option("--dismiss", metavar="ITEM", help="Record that the customer does not want it; it stays away."),
    ] = None,
    language: LanguageOption = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """What one customer wants next, each item with its reason. Events imported since the release count at once."""
    from holdfast.app import service

    answer(
        json,
        service.recommend,
        folder,
        customer,
        count=count,
        cart=cart or [],
        dismiss=dismiss or [],
        language=language,
    )


@app.command(epilog="Example: holdfast report shop")
def report(folder: Here = HERE, json: Json = False, debug: Debug = False) -> None:
    """Where the published report lies."""
    from holdfast.app import service

    answer(json, service.report, folder, bars=False)


@features_app.command("list", epilog="Example: holdfast features list")
def features_list(language: LanguageOption = None, json: Json = False, debug: Debug = False) -> None:
    """Every declared feature with unit, window, meaning of missing and reason sentence."""
    from holdfast.app import service

    answer(json, service.features_list, language=language, bars=False)


@features_app.command("sql", epilog="Example: holdfast features sql order_count_90d")
def features_sql(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A feature's name.")],
    json: Json = False,
    debug: Debug = False,
) -> None:
    """The SQL that one feature compiles to."""
    from holdfast.app import service

    answer(json, service.features_sql, name, bars=False)


@features_app.command("show", epilog="Example: holdfast features show shop 17850")
def features_show(
    folder: Folder,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="A customer_id.")],
    language: LanguageOption = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Every feature of one customer at the published cutoff."""
    from holdfast.app import service

    answer(json, service.features_show, folder, customer, language=language)


@release_app.command("list", epilog="Example: holdfast release list shop")
def release_list(folder: Here = HERE, json: Json = False, debug: Debug = False) -> None:
    """All releases, the published one marked."""
    from holdfast.app import service

    answer(json, service.release_list, folder, bars=False)


@release_app.command("rollback", epilog="Example: holdfast release rollback shop")
def release_rollback(
    folder: Here = HERE,
    to: Annotated[str | None, typer.Option(metavar="ID", help="Which one; default: the one before.")] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Publish an earlier release again."""
    from holdfast.app import service

    answer(json, service.release_rollback, folder, to=to, bars=False)


@release_app.command("verify", epilog="Example: holdfast release verify shop")
def release_verify(folder: Here = HERE, json: Json = False, debug: Debug = False) -> None:
    """Compare every file of the published release with its sha256."""
    from holdfast.app import service

    answer(json, service.release_verify, folder, bars=False)


@config_app.command("check", epilog="Example: holdfast config check shop")
def config_check(folder: Here = HERE, json: Json = False, debug: Debug = False) -> None:
    """Read holdfast.toml strictly and show every value in force."""
    from holdfast.app import service

    answer(json, service.config_check, folder, bars=False)


@app.command(epilog="Example: holdfast bench features --json")
def bench(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Which; none lists them.")] = None,
    data: Annotated[str | None, typer.Option("--data", metavar="SET", help="Which data set.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Go beyond 20 minutes.")] = False,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Run a benchmark; every figure in the docs is a row of one of these."""
    from holdfast.cli.benches import bench as run_bench

    run_bench(name, data=data, full=full, every=every, json=json)
