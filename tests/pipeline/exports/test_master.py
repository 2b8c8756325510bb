"""The master data set: complete, reproducible, split without leaks, and checked when read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import small_library
from composer_core.errors import NotFound, StoreError
from composer_core.music.grouping import groups_of, split_of
from composer_core.music.loop import Loop
from composer_core.pipeline.datasets.imports import ingest_with_facts
from composer_core.pipeline.exports.master import PREDECESSOR_CONDITIONS, build_master
from composer_core.pipeline.exports.master_songs import groups_and_splits
from composer_core.pipeline.exports.pairs import build_pairs
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.imports import LabelRow, import_labels
from composer_core.pipeline.library import duplicates
from composer_core.pipeline.library import imports as library_imports
from composer_core.pipeline.library import loops as library_loops
from composer_core.render.midi import loop_to_midi
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import open_labels
from composer_core.store.master import MasterColumn, MasterTable, read_master, row_digest, write_master
from composer_core.store.songs import SongRow, SongStore
from composer_core.workspace import ASSETS, Workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Path]:
    workspace = small_library.make_library(tmp_path_factory.mktemp("library"))
    first = library_loops.table(workspace)["loop_id"][0]
    decisions.decide(
        workspace, first, rater="aki", action="approve",
        values={"emotion": "happy", "genre": {"rock": 0.5, "funk": 0.5}, "technique": ["ghost"]}, seen={},
    )  # fmt: skip
    import_labels(workspace, [LabelRow(first, "quality", 4), LabelRow(first, "license", "cc")], "import:test")
    folder = tmp_path_factory.mktemp("master")
    build_master(workspace, folder)
    return workspace, folder


def test_every_loop_and_song_is_there_with_labels_and_metrics(made: tuple[Workspace, Path]) -> None:
    workspace, folder = made
    master = read_master(folder)
    assert len(master.loops.rows) == small_library.N_LOOPS and len(master.songs.rows) == len(small_library.FILES)
    row = master.loops.rows[0]
    assert (row["labels.emotion"], row["labels.emotion.source"], row["labels.emotion.status"]) == (
        "happy", "human:aki", "approved",
    )  # fmt: skip
    assert row["labels.genre"] == {"rock": 0.5, "funk": 0.5} and row["labels.technique"] == ["ghost"]
    assert (row["labels.quality"], row["labels.license"]) == (4, "cc")
    assert row["metrics.onset_density"] == pytest.approx(library_loops.table(workspace)["metrics.onset_density"][0])
    # Rock in straight 8ths at 120, the shuffle swung at 92, the 7/8 at 150.
    grids = {row["title"]: (row["grid_class"], row["tempo_bucket"], row["bars"]) for row in master.loops.rows}
    assert grids["rock=beat"] == ("even_8", "medium", 4)
    assert grids["=shuffle"] == ("swing_8", "medium", 4)
    assert grids["七拍子<b>"] == ("even_8", "fast", 4)


def test_every_condition_of_the_predecessor_has_a_column(made: tuple[Workspace, Path]) -> None:
    master = read_master(made[1])
    empty: Any = master.manifest["tables"]
    names = {column.name for column in master.loops.columns}
    names |= {column["name"] for column in empty["master_dataset"]["empty_columns"]}
    assert set(PREDECESSOR_CONDITIONS.values()) <= names
    path = ASSETS.parent.parent / "shared" / "samples" / "composer4" / "labels_schema.yaml"
    if path.is_file():
        schema = yaml.safe_load(path.read_text(encoding="utf-8"))["schema"]
        features = {f"rhythm_key.{name}" for name in schema["rhythm_key"]["features"]}
        assert features <= set(PREDECESSOR_CONDITIONS)
        assert {name.split(".")[0] for name in PREDECESSOR_CONDITIONS} >= set(schema)


def test_the_same_library_gives_the_same_digest_and_a_label_another(
    made: tuple[Workspace, Path], tmp_path: Path
) -> None:
    workspace, folder = made
    shutil.copytree(workspace.root, tmp_path / "workspace")
    other = Workspace(tmp_path / "workspace")
    first = build_master(other, tmp_path / "again")["digest"]
    assert first == read_master(folder).manifest["digest"]
    import_labels(other, [LabelRow(library_loops.table(other)["loop_id"][1], "quality", 1)], "import:test")
    assert build_master(other, tmp_path / "changed")["digest"] != first


def test_xmidi_names_carry_emotion_and_genre_to_the_master(tmp_path: Path) -> None:
    folder = tmp_path / "XMIDI_Dataset"
    folder.mkdir()
    loops: list[Loop] = [small_library.rock(), small_library.shuffle()]
    for name, loop in zip(("XMIDI_angry_rock_0A1B2C3D.midi", "XMIDI_quiet_jazz_9Z8Y7X6W.midi"), loops, strict=True):
        (folder / name).write_bytes(loop_to_midi(loop))
    workspace = Workspace(tmp_path / "workspace").create()
    ingest_with_facts([str(folder)], workspace, dataset="xmidi", jobs=1)
    build_master(workspace, tmp_path / "master")
    found = {
        (row["labels.emotion"], tuple(row["labels.genre"]), row["labels.emotion.source"])
        for row in read_master(tmp_path / "master").loops.rows
    }
    assert found == {("intense", ("rock",), "import:xmidi"), ("calm", ("jazz",), "import:xmidi")}


def test_a_data_set_that_has_a_split_keeps_it_though_it_parts_a_session() -> None:
    rows = [{"loop_id": name, "source_digest": name, "content_hash": name} for name in "abcd"]
    songs: dict[str, dict[str, str]] = {
        "a": {"split": "train", "source_group": "session"},
        "b": {"split": "validation", "source_group": "session"},
        "c": {"split": "train", "source_group": "session"},
    }
    # c nearly repeats b, so it goes where b is; d has no data set.
    found = groups_and_splits(rows, songs, {"a": "a", "b": "b", "c": "b", "d": "d"})
    assert {name: split for name, (_, split) in found.items() if name != "d"} == {
        "a": "train", "b": "validation", "c": "validation",
    }  # fmt: skip
    for song in songs.values():
        song["split"] = ""
    assert (
        len({found[1] for name, found in groups_and_splits(rows, songs, {n: n for n in "abcd"}).items() if name != "d"})
        == 1
    )


# As a data scientist reads it: pandas and pyarrow alone


def test_lists_and_weights_are_lists_and_maps(made: tuple[Workspace, Path]) -> None:
    table = pq.read_table(made[1] / "master_dataset.parquet")
    kinds = {field.name: field.type for field in table.schema}
    assert kinds["labels.genre"] == pa.map_(pa.string(), pa.float64())
    assert kinds["labels.technique"] == pa.list_(pa.string())
    assert kinds["rhythm_fingerprint"] == pa.list_(pa.float64())
    frame = pd.read_parquet(made[1] / "master_dataset.parquet")
    assert dict(frame["labels.genre"][0]) == {"funk": 0.5, "rock": 0.5}
    assert list(frame["labels.technique"][0]) == ["ghost"]
    assert np.stack(list(frame["rhythm_fingerprint"])).shape == (len(frame), 58)
    lines = pd.read_json(made[1] / "master_dataset.jsonl", lines=True)
    assert list(lines["loop_id"]) == list(frame["loop_id"]) and set(lines.columns) == set(frame.columns)
    songs = pd.read_parquet(made[1] / "master_songs.parquet")
    assert set(songs["meters"].explode()) == {"4/4", "7/8"} and songs["split"].notna().all()
    assert table.schema.field("meter").metadata[b"meaning"].startswith(b"the metre that counts")


def test_no_column_is_empty_and_those_left_out_are_named(made: tuple[Workspace, Path]) -> None:
    frame = pd.read_parquet(made[1] / "master_dataset.parquet")
    assert frame.notna().any().all()
    manifest: Any = json.loads((made[1] / "master.json").read_text(encoding="utf-8"))
    empty = {column["name"]: column["meaning"] for column in manifest["tables"]["master_dataset"]["empty_columns"]}
    assert "labels.caption_en" in empty and "composer" in empty and all(empty.values())
    assert not set(empty) & set(frame.columns)


def test_one_column_says_the_metre_and_another_who_says_it(tmp_path: Path) -> None:
    workspace = small_library.make_library(tmp_path)
    frame = library_loops.table(workspace)
    four, other, seven = frame["loop_id"][0], frame["loop_id"][1], frame["loop_id"][frame["meter"] == "7/8"].iloc[0]
    decisions.decide(workspace, four, rater="aki", action="approve", values={"meter": "2/4"}, seen={})
    import_labels(workspace, [LabelRow(seven, "meter", "7/4", 0.9)], "import:set")
    open_labels(workspace).add("model:meter@1", [Entry(other, "meter", "3/4", "suggested", 0.99)])
    build_master(workspace, tmp_path / "master")
    frame = pd.read_parquet(tmp_path / "master" / "master_dataset.parquet").set_index("loop_id")
    said = frame[["meter", "meter_source", "file_meter"]].to_dict("index")
    assert said[four] == {"meter": "2/4", "meter_source": "human:aki", "file_meter": "4/4"}
    assert said[seven] == {"meter": "7/4", "meter_source": "import:set", "file_meter": "7/8"}
    # A machine's suggestion does not come before what the file says.
    assert said[other] == {"meter": "4/4", "meter_source": "file", "file_meter": "4/4"}
    assert not [name for name in frame.columns if name.startswith("labels.meter")]


def test_exact_copies_stand_once_with_the_labels_of_all(tmp_path: Path) -> None:
    workspace = small_library.make_library(tmp_path)
    copy = tmp_path / "again"
    copy.mkdir()
    # Another byte at its end, so that it is another file with the same notes.
    (copy / "other name.mid").write_bytes(loop_to_midi(small_library.shuffle()) + b"\0")
    library_imports.ingest([str(copy)], workspace, jobs=1)
    frame = library_loops.table(workspace)
    second = frame["loop_id"][frame["duplicate_of"].notna()].iloc[0]
    first = frame["duplicate_of"].dropna().iloc[0]
    import_labels(workspace, [LabelRow(first, "emotion", "happy"), LabelRow(first, "quality", 2)], "import:set")
    decisions.decide(workspace, second, rater="aki", action="approve", values={"emotion": "sad"}, seen={})
    manifest: Any = build_master(workspace, tmp_path / "master")
    rows = {row["loop_id"]: row for row in read_master(tmp_path / "master").loops.rows}
    assert second not in rows and len(rows) == small_library.N_LOOPS
    assert (rows[first]["labels.emotion"], rows[first]["labels.emotion.source"]) == ("sad", "human:aki")
    assert rows[first]["labels.quality"] == 2 and "duplicate_of" not in rows[first]
    assert (manifest["made_with"]["n_copies"], manifest["made_with"]["copies"]) == (1, "left out")
    build_master(workspace, tmp_path / "kept", with_copies=True)
    kept = {row["loop_id"]: row["duplicate_of"] for row in read_master(tmp_path / "kept").loops.rows}
    assert {name: other for name, other in kept.items() if other} == {second: first}
    # Where the first was left out by hand, the next copy stands for it.
    duplicates.exclude(workspace, [first])
    build_master(workspace, tmp_path / "next")
    assert second in {row["loop_id"] for row in read_master(tmp_path / "next").loops.rows}


def test_data_set_composer_licence_and_split_are_those_of_the_set(tmp_path: Path) -> None:
    workspace = small_library.make_library(tmp_path)
    frame = library_loops.table(workspace)
    digest = {name: frame["source_digest"][frame["loop_id"] == name].iloc[0] for name in frame["loop_id"]}
    first, second, own, _ = frame.drop_duplicates("source_digest")["loop_id"]  # four files
    songs = SongStore(workspace)
    songs.write("gmd", [SongRow(digest[first], "gmd", "a.mid", "Take", "", "test")])
    songs.write("ryans", [SongRow(digest[second], "ryans", "b.mid", "Reel", "traditional")])
    # The same files named as a plain folder's later: what the sets said stays.
    songs.write("folder", [SongRow(digest[name], "folder", "c.mid", "a plain name") for name in (first, second, own)])
    decisions.decide(workspace, own, rater="aki", action="approve", values={"license": "user_owned"}, seen={})
    build_master(workspace, tmp_path / "master")
    rows = {row["loop_id"]: row for row in read_master(tmp_path / "master").loops.rows}
    names = ("title", "composer", "dataset", "licence", "licence_source")
    assert [rows[first][name] for name in names] == ["Take", None, "gmd", "CC BY 4.0", "data set"]
    assert rows[first]["split"] == "test"
    assert [rows[second][name] for name in names] == ["Reel", "traditional", "ryans", "public domain", "data set"]
    assert [rows[own][name] for name in names] == ["a plain name", None, None, "user_owned", "human:aki"]


def test_a_set_of_the_schema_before_is_read(
    made: tuple[Workspace, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Schema 2 had lists and weights as texts of JSON in Parquet, and empty columns."""
    master = read_master(made[1])
    kinds = {"texts": "json", "numbers": "json", "weights": "json"}
    columns = [MasterColumn(c.name, kinds.get(c.kind, c.kind), c.meaning) for c in master.loops.columns]
    columns.append(MasterColumn("labels.feel", "text", "current label feel"))
    rows = [row | {"labels.feel": None} for row in master.loops.rows]
    rows = [row | {"digest": row_digest(row)} for row in rows]
    songs = MasterTable(
        tuple(MasterColumn(c.name, kinds.get(c.kind, c.kind), c.meaning) for c in master.songs.columns),
        master.songs.rows,
    )
    monkeypatch.setattr("composer_core.store.master.SCHEMA_VERSION", 2)
    monkeypatch.setattr("composer_core.store.master.without_empty_columns", lambda table: (table, ()))
    write_master(tmp_path, MasterTable(tuple(columns), rows), songs, {})
    monkeypatch.undo()
    assert pq.read_schema(tmp_path / "master_dataset.parquet").field("labels.genre").type == pa.string()
    again = read_master(tmp_path)
    assert again.loops.rows == rows and again.manifest["schema_version"] == 2
    build_pairs(tmp_path, tmp_path / "pairs")


@pytest.mark.parametrize("damage", ["row", "column", "version", "digest", "parquet", "cut"])
def test_what_is_not_whole_is_refused(made: tuple[Workspace, Path], tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "master"
    shutil.copytree(made[1], folder)
    lines, manifest = folder / "master_dataset.jsonl", folder / "master.json"
    text = lines.read_text(encoding="utf-8")
    if damage == "row":
        lines.write_text(text.replace('"happy"', '"sad"'), encoding="utf-8")
    elif damage == "column":
        lines.write_text(text.replace('"tempo_bpm"', '"tempo"'), encoding="utf-8")
    elif damage == "cut":
        lines.write_text(text[: len(text) // 2], encoding="utf-8")
    elif damage == "parquet":
        shutil.copy(folder / "master_songs.parquet", folder / "master_dataset.parquet")
    else:
        facts = json.loads(manifest.read_text(encoding="utf-8"))
        facts["schema_version" if damage == "version" else "made_with"] = 99
        manifest.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(StoreError) as refused:
        read_master(folder)
    assert refused.value.code == "damaged_store"


def test_a_folder_without_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_master(tmp_path)


# Splits


def test_groups_join_through_any_shared_key() -> None:
    # 0 and 1 share a song, 1 and 3 a content, so 0, 1 and 3 are one group; 2 is alone.
    assert groups_of([["s1", "c1"], ["s1", "c2"], ["s2", "c3"], ["s3", "c2"]]) == [0, 0, 2, 0]


@given(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=3), max_size=30))
def test_no_key_is_ever_parted(keys: list[list[int]]) -> None:
    groups = groups_of(keys)
    for key in range(13):
        assert len({group for group, own in zip(groups, keys, strict=True) if key in own}) <= 1


def test_the_strictest_part_a_data_set_asks_for_wins() -> None:
    assert split_of("any", ["train", "test", "validation"]) == "test"
    assert split_of("any", ["train", "validation"]) == "validation"
    shares = [split_of(str(number)) for number in range(1000)]
    # A tenth each with a standard deviation of sqrt(1000 * 0.1 * 0.9) = 9.5: within five of them.
    assert abs(shares.count("test") - 100) < 48 and abs(shares.count("validation") - 100) < 48
