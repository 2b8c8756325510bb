"""Song facts: the newest row of a file counts, whatever part it lies in."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer_core.store import songs
from composer_core.store.songs import SongRow, SongStore
from composer_core.workspace import Workspace


def row(digest: str, title: str, dataset: str = "gmd") -> SongRow:
    return SongRow(digest, dataset, f"{digest}.mid", title)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "w")


def test_only_what_changed_is_written_and_the_newest_counts(workspace: Workspace) -> None:
    store = SongStore(workspace)
    assert store.write("gmd", [row("a", "One"), row("b", "Two")]) == 2
    assert store.write("gmd", [row("a", "One"), row("b", "Two, changed"), row("c", "Three")]) == 2
    assert store.write("gmd", [row("a", "One"), row("b", "Two, changed")]) == 0
    assert store.write("xmidi", [row("a", "Other", "xmidi")]) == 1
    assert [path.name for path in sorted(workspace.songs.glob("*.parquet"))] == [
        "gmd.000001.parquet",
        "gmd.000002.parquet",
        "xmidi.000001.parquet",
    ]
    found = store.table().set_index(["dataset", "source_digest"])["title"].to_dict()
    assert found == {
        ("gmd", "a"): "One",
        ("gmd", "b"): "Two, changed",
        ("gmd", "c"): "Three",
        ("xmidi", "a"): "Other",
    }
    assert [one.title for one in store.of("b")] == ["Two, changed"]
    assert sorted(one.title for one in store.of("a")) == ["One", "Other"]
    assert store.of("z") == []


def test_many_parts_are_gathered_and_say_the_same(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(songs, "_MANY_PARTS", 3)
    store = SongStore(workspace)
    for number in range(8):
        store.write("gmd", [row("a", f"take {number}"), row(str(number), "x")])
    assert len(list(workspace.songs.glob("*.parquet"))) <= 3
    found = store.table().set_index("source_digest")["title"].to_dict()
    assert found == {"a": "take 7", **{str(number): "x" for number in range(8)}}


def test_the_single_part_of_an_early_library_is_read_first(workspace: Workspace) -> None:
    store = SongStore(workspace)
    store.write("gmd", [row("a", "early"), row("b", "early")])
    (workspace.songs / "gmd.000001.parquet").rename(workspace.songs / "gmd.parquet")
    assert store.write("gmd", [row("a", "early"), row("b", "late")]) == 1
    assert store.table().set_index("source_digest")["title"].to_dict() == {"a": "early", "b": "late"}


def test_a_file_of_which_nothing_is_said_changes_nothing(tmp_path: Path) -> None:
    store = SongStore(Workspace(tmp_path))
    store.write("gmd", [SongRow("a", "gmd", "a.mid", "First")])
    assert store.write("gmd", []) == 0
    assert store.table()["title"].tolist() == ["First"]
