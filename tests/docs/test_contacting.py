"""What the page on contacting customers shows is run and read."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from blocks import ROOT, blocks, run_page

from holdfast.app.config import from_dict
from holdfast.decide.contact.settings import ContactSettings
from holdfast.deliver.channels import parse


def test_every_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_page("docs/contacting.md", tmp_path)


def test_every_setting_shown_can_be_read() -> None:
    shown = [tomllib.loads(one.code) for one in blocks(ROOT / "docs/contacting.md") if one.language == "toml"]
    rules, channels = shown
    assert from_dict(rules).section(ContactSettings).caps["sms"] == "0"
    assert {type(one).__name__ for one in parse(channels).values()} == {"Smtp", "Webhook", "WriteBack", "AudienceFiles"}
