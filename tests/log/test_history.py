"""Opening the log: what is kept between calls, and what its fingerprint stands for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from holdfast.log.quality import Quality
from holdfast.log.settings import CleanSettings


def test_an_unchanged_shop_is_opened_from_the_cache(desk: Any, made: Any, line: Any, tmp_path: Path) -> None:
    desk.take(made([line(), line("bob", 1)]))
    first, quality = desk.open(cache=tmp_path)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "log").iterdir()}
    second, again = desk.open(cache=tmp_path)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "log").iterdir()} == kept
    assert (second.fingerprint, again) == (first.fingerprint, quality)
    assert desk.engine.arrow(second.events) == desk.engine.arrow(first.events)


def test_a_changed_setting_or_lake_replaces_what_was_kept(desk: Any, made: Any, line: Any, tmp_path: Path) -> None:
    desk.take(made([line(), line()]))
    seen = {desk.open(cache=tmp_path)[0].fingerprint}
    seen.add(desk.open(cache=tmp_path, settings=CleanSettings(merge_duplicates=False))[0].fingerprint)
    desk.take(made([line("bob")]))
    seen.add(desk.open(cache=tmp_path)[0].fingerprint)
    assert len(seen) == 3
    assert len(list((tmp_path / "log").glob("*.json"))) == 1


def test_a_damaged_cache_is_built_anew(desk: Any, made: Any, line: Any, tmp_path: Path) -> None:
    desk.take(made([line()]))
    before = desk.open(cache=tmp_path)[1]
    (path,) = (tmp_path / "log").glob("*.json")
    path.write_text("{half")
    assert desk.open(cache=tmp_path)[1] == before


def test_the_fingerprint_does_not_depend_on_when_a_file_was_imported(
    new_desk: Any, made: Any, line: Any, day: Any, tmp_path: Path
) -> None:
    found = []
    for number, when in enumerate((100, 200)):
        desk = new_desk()
        desk.take(made([line(), line("bob")], {"items": [{"item_id": "1", "title": "Mug"}]}), now=day(when))
        found.append(desk.open(cache=tmp_path / str(number))[0].fingerprint)
    assert found[0] == found[1]


def test_quality_survives_its_json_and_speaks_two_languages(desk: Any, made: Any, line: Any) -> None:
    desk.take(made([line(), line(), line("bob", unit_price=0)], rejected=[{"reason": "bad_date", "source_row": 7}]))
    quality = desk.open()[1]
    assert Quality.from_json(quality.to_json()) == quality
    english, chinese = quality.as_dict("en"), quality.as_dict("zh")
    assert english["steps"][1] == {
        "step": "bad_date", "title": "Date cannot be read", "rows_removed": 1, "rows": 3, "amount_removed": 0.0,
        "amount": 2.0,
    }  # fmt: skip
    assert chinese["findings"][0]["sentence"].startswith("1行与同一文件")
    assert [proof["holds"] for proof in chinese["proofs"]] == [True] * len(quality.proofs)
