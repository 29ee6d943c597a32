"""The `holdfast` command itself: what every verb shares. Verbs lie beside this file, one group each."""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from holdfast.app.answer import Answer

app = typer.Typer(
    name="holdfast",
    help="Keep your customers: from raw shop events to an explained, measured retention release.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
features_app = typer.Typer(help="The declared features: list, sql, show.", no_args_is_help=True)
release_app = typer.Typer(help="Published releases: list, rollback, verify.", no_args_is_help=True)
config_app = typer.Typer(help="holdfast.toml: check it.", no_args_is_help=True)
app.add_typer(features_app, name="features")
app.add_typer(release_app, name="release")
app.add_typer(config_app, name="config")

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The shop's folder.")]
Here = Annotated[Path, typer.Argument(metavar="[DIR]", help="The shop's folder; the current one by default.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout; progress on stderr.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Preset = Annotated[
    str | None, typer.Option("--preset", metavar="P", help="How to read the file; guessed if not given.")
]
CutoffOption = Annotated[
    str | None, typer.Option("--cutoff", metavar="DAY", help="Instant of knowledge; default: after the last event.")
]
HorizonOption = Annotated[str | None, typer.Option("--horizon", metavar="30d", help="How far ahead; default 30d.")]
LanguageOption = Annotated[str | None, typer.Option("--language", metavar="en|zh", help="Language of the answer.")]
HERE = Path()


def answer(json: bool, call: Callable[..., Answer], *args: Any, bars: bool = True, **options: Any) -> None:
    """Call the service, drawing its progress, and print the answer."""
    if bars:
        from holdfast.cli.bars import Bars

        with Bars() as progress:
            found = call(*args, progress=progress, **options)
    else:
        found = call(*args, **options)
    if json:
        sys.stdout.write(jsonlib.dumps(found.data, ensure_ascii=False, default=str) + "\n")
    elif found.text:
        sys.stdout.write(found.text.rstrip("\n") + "\n")


def _version(show: bool) -> None:
    if show:
        from holdfast import __version__

        sys.stdout.write(f"holdfast {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="The version.")] = False,
) -> None:
    pass
