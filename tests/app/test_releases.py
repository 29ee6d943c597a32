"""Releases appear whole, name themselves, and show every damaged byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.app.releases import Releases
from holdfast.core.errors import StateError, UsageError


def publish(releases: Releases, name: str, text: str = "x") -> None:
    releases.publish(name, {"cutoff": name}, lambda folder: (folder / "a.txt").write_text(text) and None)


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path / "releases")


def test_nothing_published_says_what_to_do(releases: Releases) -> None:
    with pytest.raises(UsageError, match="holdfast run"):
        releases.current()


def test_the_newest_publication_is_current_and_can_be_rolled_back(releases: Releases) -> None:
    publish(releases, "b")
    publish(releases, "a")
    assert releases.current().release_id == "a"
    assert [one.release_id for one in releases.all()] == ["b", "a"]
    assert releases.rollback().release_id == "b"
    assert releases.current().release_id == "b"
    with pytest.raises(UsageError, match="no earlier"):
        releases.rollback()


def test_a_failed_publication_changes_nothing(releases: Releases) -> None:
    publish(releases, "a")

    def fail(folder: Path) -> None:
        (folder / "half.txt").write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        releases.publish("b", {"cutoff": "b"}, fail)
    assert releases.current().release_id == "a"
    assert [path.name for path in releases.folder.iterdir() if path.is_dir()] == ["a"]


def test_the_same_release_again_is_not_rewritten(releases: Releases) -> None:
    publish(releases, "a", "first")
    publish(releases, "a", "second")
    assert (releases.get("a").folder / "a.txt").read_text() == "first"


def test_verify_names_the_damaged_file(releases: Releases) -> None:
    publish(releases, "a")
    assert releases.verify(releases.current()) == 1
    (releases.get("a").folder / "a.txt").write_text("y")
    with pytest.raises(StateError, match=r"a\.txt.*damaged"):
        releases.verify(releases.current())
    (releases.get("a").folder / "a.txt").unlink()
    with pytest.raises(StateError, match="missing"):
        releases.verify(releases.current())


def test_an_unknown_release_names_the_nearest(releases: Releases) -> None:
    publish(releases, "2011-12-09-abc")
    with pytest.raises(UsageError, match="did you mean '2011-12-09-abc'"):
        releases.get("2011-12-09-abd")


def test_pruning_keeps_the_current_one(releases: Releases) -> None:
    for name in ("a", "b", "c"):
        publish(releases, name)
    releases.rollback("a")
    assert releases.prune(0) == []
    assert releases.prune(1) == ["b"]
    assert [one.release_id for one in releases.all()] == ["a", "c"]
