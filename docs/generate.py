"""Write the pages that are made from the code: glossary, settings, tables, commands, features, presets, models.

python docs/generate.py           writes them
python docs/generate.py --check   says which ones are out of date, and ends with 1 if any is
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
NOTE = "<!-- Written by docs/generate.py from the code; change the code, then run it again. -->"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """A Markdown table; a vertical bar inside a cell is escaped."""
    lines = [head, ("---",) * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines]


def page(title: str, *parts: str) -> str:
    return "\n".join([f"# {title}", "", NOTE, "", *parts]).rstrip() + "\n"


def first_line(thing: Any) -> str:
    """The first sentence of a docstring."""
    return (inspect.getdoc(thing) or "").split("\n\n")[0].replace("\n", " ").replace("Section `", "`")


def words(language: str) -> str:
    from holdfast.core.glossary import main

    head, rest = main([language]).split("\n", 1)
    return f"{head}\n\n{NOTE}\n{rest}"


def settings() -> str:
    """Every key of holdfast.toml with its default and meaning."""
    from holdfast.app.config import sections

    parts = [
        "Every key of `holdfast.toml`, by section. A key that is not set has its default; an unknown key is an error that",
        "names the nearest known one. `holdfast config check` prints every value in force.",
        "",
    ]
    for name, kind in sections().items():
        rows = []
        for one in fields(kind):
            choices = one.metadata.get("choices") or ()
            meaning = str(one.metadata.get("help", ""))
            meaning += f" One of: {', '.join(f'`{choice}`' for choice in choices if choice != '')}." if choices else ""
            rows.append((f"`{one.name}`", f"`{_shown(getattr(kind(), one.name))}`", meaning))
        parts += [f"## [{name}]", "", first_line(kind), "", *table(("key", "default", "meaning"), rows), ""]
    return page("Settings", *parts)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{}" if not value else json.dumps(dict(value), ensure_ascii=False)
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def tables() -> str:
    """Every canonical and release table, column by column."""
    from holdfast.core.schema import CANONICAL, EVENTS_CLEAN, EVENTS_STORED, RELEASE_TABLES

    parts = [
        "Instants are UTC microseconds. Money in canonical tables is a whole number of 1/10,000 of the currency unit, so that",
        "sums are exact in any order; release tables give it in currency units. A column in bold is part of the key.",
        "",
        "## The shop's history",
        "",
        "What imports fill and the lake keeps (`lake/<table>/*.parquet`).",
        "",
    ]
    for one in (*CANONICAL.values(), EVENTS_STORED, EVENTS_CLEAN):
        parts += _columns(one, "###")
    parts += [
        "## A release",
        "",
        "`releases/<id>/<table>.parquet`; columns that later work fills are there and null.",
        "",
    ]
    for one in RELEASE_TABLES.values():
        parts += _columns(one, "###")
    return page("Tables", *parts)


def _columns(one: Any, level: str) -> list[str]:
    rows = [
        (f"**`{c.name}`**" if c.key else f"`{c.name}`", str(c.dtype), c.unit, c.meaning, c.null) for c in one.columns
    ]
    head = ("column", "type", "unit", "meaning", "null means")
    return [f"{level} {one.name}", "", one.meaning, "", *table(head, rows), ""]


def commands() -> str:
    """Every verb with its arguments, options and example."""
    import typer

    from holdfast.cli.commands import app

    parts = [
        "`holdfast VERB DIR ...`. Every verb takes `--json` (machine output on stdout, progress on stderr), `--debug` (the",
        "traceback of an error) and `--help`.",
        "",
        *table(("exit code", "meaning"), [
            ("0", "done; rows set aside are counted, kept and no error"),
            ("2", "wrong usage or config"),
            ("3", "input refused whole; nothing was changed"),
            ("4", "too little data to answer"),
            ("130", "interrupted; nothing was half-written"),
            ("1", "anything else: disk full, no permission, a damaged shop"),
        ]),
        "",
    ]  # fmt: skip
    for name, command in _leaves("holdfast", typer.main.get_command(app)):
        parts += _command(name, command)
    return page("Commands", *parts)


def _leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
    else:
        for one in inner.values():
            yield from _leaves(f"{name} {one.name}", one)


def _command(name: str, command: Any) -> list[str]:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and one.name not in _EVERYWHERE]
    usage = " ".join([name, *(str(one.metavar or one.name.upper()) for one in arguments)])
    rows = [(f"`{one.metavar or one.name.upper()}`", str(one.help or "")) for one in arguments]
    rows += [(f"`{'` `'.join(one.opts)}`", _option(one)) for one in options]
    example = str(command.epilog or "").removeprefix("Example: ")
    return [
        f"## {name}", "", f"    {usage}", "", inspect.cleandoc(command.help or ""), "",
        *(table(("argument or option", "meaning"), rows) if rows else []), "", f"Example: `{example}`", "",
    ]  # fmt: skip


_EVERYWHERE = ("json", "debug", "help")


def _option(one: Any) -> str:
    default = one.default
    shown = default is not None and default is not False and not callable(default) and str(default) != ""
    return f"{one.help or ''}{f' Default: `{default}`.' if shown else ''}"


def features() -> str:
    """Every declared feature in both languages."""
    from holdfast.features.declare import FEATURES

    columns = [FEATURES[name].column for name in FEATURES]
    parts = [
        f"{len(columns)} features, each declared once and read by SQL and by the plain evaluator alike. `{{value}}` is the",
        "customer's own number. `holdfast features sql NAME` prints the SQL of one.",
        "",
    ]
    for family in dict.fromkeys(one.family for one in columns):
        rows = [
            (f"`{c.name}`", c.unit, c.window or "all history", c.missing, f"{c.sentence.en}<br>{c.sentence.zh}")
            for c in columns
            if c.family == family
        ]
        head = ("feature", "unit", "window", "missing means", "reason sentence")
        parts += [f"## {family}", "", *table(head, rows), ""]
    return page("Features", *parts)


def registries() -> str:
    """Presets, models and benches: whatever lies in their folders."""
    from holdfast.bench.registry import BENCHES
    from holdfast.core.models import MODELS
    from holdfast.core.recommend import RECOMMENDERS
    from holdfast.log.sources.preset import PRESETS
    from holdfast.models.btyd.purchase import PURCHASE_MODELS
    from holdfast.models.clv.registry import VALUE_MODELS
    from holdfast.models.uplift.learner import UPLIFT

    presets = [(f"`{name}`", PRESETS[name].title.en, PRESETS[name].title.zh) for name in PRESETS]
    models = [(f"`{name}`", first_line(inspect.getmodule(MODELS[name])), first_line(MODELS[name])) for name in MODELS]
    purchase = [(f"`{name}`", first_line(PURCHASE_MODELS[name])) for name in PURCHASE_MODELS]
    value = [(f"`{name}`", first_line(VALUE_MODELS[name])) for name in VALUE_MODELS]
    uplift = [(f"`{name}`", first_line(inspect.getmodule(UPLIFT[name])), first_line(UPLIFT[name])) for name in UPLIFT]
    lanes = [(f"`{name}`", RECOMMENDERS[name].lane, first_line(RECOMMENDERS[name])) for name in RECOMMENDERS]
    benches = [(f"`{name}`", first_line(BENCHES[name])) for name in BENCHES]
    return page(
        "Presets, models, benches",
        "## Presets", "", "How a known kind of file is read: `holdfast import DIR FILE --preset NAME`.", "",
        *table(("preset", "reads", "读取"), presets), "",
        "## Models", "", "Which ones compete is `[models] use`; a model of your own is one file more.", "",
        *table(("model", "what it is", "how it is fitted"), models), "",
        "## Purchase models", "", "Buy till you die; the likelihood chooses among those that let a one-time buyer leave.", "",
        *table(("purchase model", "what it says of customers"), purchase), "",
        "## Value models", "", "Which ones compete is `[value] use`.", "",
        *table(("value model", "how it is fitted"), value), "",
        "## Uplift learners", "", "What a treatment changes for each customer; they are the candidates of the guard ([uplift](uplift.md)).", "",
        *table(("uplift learner", "what it is", "what to know of it"), uplift), "",
        "## Recommenders", "", "Which ones are mixed is `[recommend] lanes`; a lane of your own is one file more.", "",
        *table(("recommender", "lane", "what it is"), lanes), "",
        "## Benches", "", "`holdfast bench NAME`; every figure in these pages is a row of one of them.", "",
        *table(("bench", "what it measures"), benches),
    )  # fmt: skip


PAGES: dict[str, Callable[[], str]] = {
    "glossary.md": lambda: words("en"),
    "glossary.zh-CN.md": lambda: words("zh"),
    "config.md": settings,
    "tables.md": tables,
    "commands.md": commands,
    "features.md": features,
    "registries.md": registries,
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; say what is out of date")
    check = parser.parse_args(arguments).check
    stale = []
    for name, write in PAGES.items():
        path, text = HERE / name, write()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    sys.stdout.write("".join(f"{'out of date' if check else 'written'}: docs/{name}\n" for name in stale))
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
