"""The pages agree with the code: nothing is missing from them, and nothing in them is made up."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
#: Pages that people write and read, as against those written by docs/generate.py.
WRITTEN = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])


@cache
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(generator().PAGES))
def test_generated_pages_are_current(name: str) -> None:
    assert text(name) == generator().PAGES[name](), f"run: python docs/generate.py ({name} is out of date)"


def test_the_glossary_prints_from_its_own_module() -> None:
    for language in ("en", "zh"):
        command = [sys.executable, "-m", "holdfast.core.glossary", language]
        environment = {"PYTHONPATH": str(ROOT / "src"), "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, check=True)
        assert "`p_churn`" in done.stdout


def leaves(name: str, command: Any) -> list[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        return [(name, command)]
    return [leaf for one in inner.values() for leaf in leaves(f"{name} {one.name}", one)]


@cache
def verbs() -> dict[str, Any]:
    import typer

    from holdfast.cli.commands import app

    return dict(leaves("holdfast", typer.main.get_command(app)))


def test_every_command_and_option_is_described() -> None:
    page = text("commands.md")
    for name, command in verbs().items():
        assert f"## {name}\n" in page
        for option in command.params:
            if option.param_type_name == "option" and option.name not in ("json", "debug", "help"):
                assert option.opts[0] in page, f"{name} {option.opts[0]}"


def test_every_command_has_an_example_that_names_it() -> None:
    for name, command in verbs().items():
        assert (command.epilog or "").startswith(f"Example: {name}"), name


def test_every_setting_is_described() -> None:
    from dataclasses import fields

    from holdfast.app.config import sections

    page = text("config.md")
    for section, kind in sections().items():
        part = page.split(f"## [{section}]\n")[1].split("\n## ")[0]
        for one in fields(kind):
            assert one.metadata.get("help"), f"[{section}] {one.name} has no help"
            assert f"| `{one.name}` |" in part, f"[{section}] {one.name}"


def test_every_table_and_column_is_described() -> None:
    from holdfast.core.schema import CANONICAL, RELEASE_TABLES

    history, release = text("tables.md").split("## A release")
    for page, tables in ((history, CANONICAL), (release, RELEASE_TABLES)):
        for name, table in tables.items():
            part = page.split(f"### {name}\n")[1].split("\n### ")[0]
            for column in table.columns:
                assert f"`{column.name}`" in part, f"{name}.{column.name}"


def test_every_feature_is_described_in_both_languages() -> None:
    from holdfast.features.declare import FEATURES

    page = text("features.md")
    assert len(list(FEATURES)) >= 60
    for name in FEATURES:
        column = FEATURES[name].column
        assert f"| `{name}` |" in page
        assert column.sentence.en in page
        assert column.sentence.zh in page


def test_every_preset_model_and_bench_is_described() -> None:
    from holdfast.bench.registry import BENCHES
    from holdfast.core.models import MODELS
    from holdfast.log.sources.preset import PRESETS

    page = text("registries.md")
    for registry in (PRESETS, MODELS, BENCHES):
        for name in registry:
            assert f"| `{name}` |" in page


def mentioned() -> list[tuple[str, str]]:
    """(page, command) for every `holdfast ...` that a page shows in code."""
    found = []
    for page in WRITTEN:
        body = page.read_text(encoding="utf-8")
        code = re.findall(r"```sh\n(.*?)```", body, re.DOTALL) + re.findall(r"`([^`\n]+)`", body)
        code += re.findall(r"^    (holdfast .*)$", body, re.MULTILINE)
        for part in code:
            found += [(page.name, line.strip()) for line in part.splitlines() if line.strip().startswith("holdfast ")]
    return found


def test_no_page_names_a_command_that_does_not_exist() -> None:
    known = set(verbs())
    assert len(mentioned()) > 20
    for page, line in mentioned():
        words = line.split("#")[0].split()
        if len(words) > 1 and words[1] in ("VERB",):
            continue
        names = {" ".join(words[:2]), " ".join(words[:3])}
        groups = {name for one in known for name in (one, one.rsplit(" ", 1)[0])}
        assert names & known or names & groups, f"{page}: {line}"
        flags = {option for one in known if one in names for p in verbs()[one].params for option in p.opts}
        for word in words:
            if word.startswith("--") and names & known:
                assert word.split("=")[0] in flags | {"--help", "--version"}, f"{page}: {line}"


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_no_page_holds_a_figure_that_nobody_filled_in() -> None:
    for page in WRITTEN:
        assert "TODO" not in page.read_text(encoding="utf-8"), page.name
        assert "???" not in page.read_text(encoding="utf-8"), page.name


def test_the_front_door_is_shown() -> None:
    """Every name that `import holdfast` offers stands somewhere in the pages."""
    import holdfast

    words = " ".join(page.read_text(encoding="utf-8") for page in WRITTEN)
    for name in holdfast.__all__:
        assert name == "__version__" or re.search(rf"\b{name}\b", words), name
