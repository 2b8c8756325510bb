"""The library on disk: whole parts only, nothing twice, everything as it was put in."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from composer_core.errors import NotFound, StoreError
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import Meter
from composer_core.store.loops import store as loops_module
from composer_core.store.loops.content import content_hash
from composer_core.store.loops.record import GENERATED, LoopRecord
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

SEAM_COLUMNS = {
    *("loop_id", "source", "source_digest", "member", "instrument", "program", "track_name", "start_bar", "bars"),
    *("meter", "tempo_bpm", "tempo_varies", "n_notes", "swing_phase", "content_hash", "duplicate_of", "origin"),
    *("take_id", "valence_estimate", "arousal_estimate", "score_digest", "created_at"),
    *("key_root", "key_mode", "key_confidence"),
}


def a_loop(seed: int, n_notes: int = 20) -> Loop:
    rng = np.random.default_rng(seed)
    notes = Notes.of(
        np.sort(rng.integers(-60, 4 * 1440, n_notes)),
        rng.integers(1, 300, n_notes),
        rng.integers(35, 60, n_notes),
        rng.integers(1, 128, n_notes),
    )
    return Loop(
        "drums",
        notes,
        bars=4,
        tempo_bpm=97.25,
        meter=Meter(3, 4),
        program=24,
        start_bar=8,
        tempo_events=((0, 100.0), (960, 94.5)),
        track_name="ドラム",
        source="太鼓/a.mid",
        extra={"part": 0, "channel": 9},
    )


def record(loop: Loop, name: str, **changes: object) -> LoopRecord:
    count = len(loop.notes)
    values = {
        "loop": loop,
        "loop_id": name,
        "source_digest": "d" * 64,
        "content_hash": content_hash(loop),
        "metrics": {"density": 2.5, "swing": float("nan")},
        "swing_phase": "straight",
        "valence_estimate": 0.25,
        "arousal_estimate": 0.75,
        "grid_onset_tick": np.maximum(loop.notes.onset_tick // 120 * 120, 0).astype(np.int32),
        "is_ghost": np.zeros(count, np.bool_),
    }
    return LoopRecord(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> LoopStore:
    return LoopStore(Workspace(tmp_path / "workspace"))


def files_of(store: LoopStore) -> list[str]:
    root = store._workspace.root
    return sorted(str(path.relative_to(root)) for path in root.rglob("*part*") if path.is_file())


def test_a_loop_comes_back_as_it_was(store: LoopStore) -> None:
    loop = a_loop(1)
    store.append([record(a_loop(0, 7), "first"), record(loop, "second")])
    again = LoopStore(store._workspace).load("second")
    assert again == loop
    assert again.extra == loop.extra


def test_an_empty_library(store: LoopStore) -> None:
    table = store.table()
    assert len(table) == 0 and set(table.columns) >= SEAM_COLUMNS
    assert not store._workspace.root.exists()
    with pytest.raises(NotFound, match="no loop 'x'"):
        store.load("x")


def test_table(store: LoopStore) -> None:
    store.append([record(a_loop(1), "a", member="b.mid")])
    store.append([record(a_loop(2, 3), "b", origin=GENERATED, take_id="t", metrics={"density": 1.0, "later": 3.0})])
    table = store.table()
    assert table["loop_id"].tolist() == ["a", "b"]
    assert table["n_notes"].tolist() == [20, 3]
    assert table["metrics.density"].tolist() == [2.5, 1.0]
    assert np.isnan(table["metrics.swing"]).all()
    assert table["metrics.later"].isna().tolist() == [True, False]
    row = table.iloc[0]
    assert (row["source"], row["member"], row["meter"], row["tempo_varies"]) == ("太鼓/a.mid", "b.mid", "3/4", True)
    assert (row["valence_estimate"], row["arousal_estimate"], row["tempo_bpm"]) == (0.25, 0.75, 97.25)
    assert abs(pd.Timestamp.now(tz="UTC") - row["created_at"]) < pd.Timedelta(minutes=10)
    assert store.table(["bars", "loop_id"]).columns.tolist() == ["bars", "loop_id"]


def test_appending_again_changes_nothing(store: LoopStore) -> None:
    records = [record(a_loop(n), str(n)) for n in range(3)]
    assert store.append(records).added == ("0", "1", "2")
    before, digest = files_of(store), store.digest()
    again = LoopStore(store._workspace).append(records)
    assert (again.added, again.known, again.n_exact) == ((), ("0", "1", "2"), 0)
    assert files_of(store) == before and store.digest() == digest


def test_digest_changes_with_the_library(store: LoopStore) -> None:
    digests = [store.digest()]
    for n in range(3):
        store.append([record(a_loop(n), str(n))])
        digests.append(store.digest())
    assert len(set(digests)) == 4


def test_exact_duplicates_are_kept_and_name_the_first(store: LoopStore) -> None:
    loop = a_loop(1)
    faster = replace(loop, tempo_bpm=180.0, source="other.mid")
    store.append([record(loop, "first"), record(faster, "copy")])
    later = LoopStore(store._workspace).append([record(faster, "later"), record(a_loop(2), "different")])
    assert later.n_exact == 1
    table = store.table().set_index("loop_id")["duplicate_of"]
    assert table["copy"] == table["later"] == "first"
    assert pd.isna(table["first"]) and pd.isna(table["different"])


def test_loops_across_parts_and_row_groups(store: LoopStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops_module, "_ROWS_A_GROUP", 16)
    loops = {f"{n:02d}": a_loop(n, 5 + n) for n in range(30)}
    for start in range(0, 30, 10):
        store.append([record(loop, name) for name, loop in list(loops.items())[start : start + 10]])
    wanted = ["29", "00", "13", "14", "05"]
    assert store.load_many(wanted) == [loops[name] for name in wanted]
    assert [store.load(name) == loop for name, loop in loops.items()] == [True] * 30
    with pytest.raises(NotFound, match="missing"):
        store.load_many(["00", "missing"])


def test_notes_keep_their_meanings(store: LoopStore) -> None:
    # 3/4: bars of 1440 ticks, beats of 480. Early by 20; 8 late of bar 1, beat 2, second 16th.
    notes = Notes.from_rows([(-20, 60, 36, 127), (1440 + 960 + 128, 30, 38, 20), (4000, 30, 80, 64)])
    loop = a_loop(1).with_notes(notes)
    grid = np.array([0, 1440 + 960 + 120, 3960], np.int32)
    ghost = np.array([False, True, False])
    store.append([record(loop, "a", grid_onset_tick=grid, is_ghost=ghost)])
    rows = pq.read_table(store._workspace.notes).to_pandas()
    assert rows["onset_ticks"].tolist() == [-20, 2528, 4000]
    assert rows["grid_onset"].tolist() == [0, 2520, 3960]
    assert rows["microtiming_offset"].tolist() == [-20, 8, 40]
    assert rows["bar_index"].tolist() == [0, 1, 2]
    assert rows["beat_index"].tolist() == [0, 2, 2]
    assert rows["beat_frac"].tolist() == [0.0, 0.25, 0.25]
    assert rows["intensity"].tolist() == pytest.approx([1.0, 20 / 127, 64 / 127])
    assert rows["is_ghost"].tolist() == [False, True, False]
    assert rows["instrument_role"].tolist() == ["kick", "snare", "percussion"]
    assert rows["loop_id"].tolist() == ["a"] * 3 and rows["channel"].tolist() == [9] * 3
    assert rows["program"].tolist() == [24] * 3 and rows["file_digest"].iloc[0] == "d" * 64


def test_names_that_no_text_can_hold(store: LoopStore) -> None:
    odd = os.fsdecode("ド.mid".encode("cp932"))
    store.append([record(replace(a_loop(1), source=odd), "a")])
    assert store.load("a").source.endswith(".mid")


def test_a_crash_between_notes_and_loops_leaves_nothing(store: LoopStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.append([record(a_loop(1), "a")])
    whole = files_of(store)
    with monkeypatch.context() as patch:
        patch.setattr(loops_module, "loops_table", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            store.append([record(a_loop(2), "b")])
    assert store.table()["loop_id"].tolist() == ["a"]
    assert len(files_of(store)) == len(whole) + 1  # the notes without loops
    again = LoopStore(store._workspace)
    again.append([record(a_loop(3), "c")])
    assert again.table()["loop_id"].tolist() == ["a", "c"]
    assert len(files_of(store)) == len(whole) + 2
    assert again.load("c") == a_loop(3)


def test_a_full_disk_is_said_and_the_store_stays_usable(store: LoopStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="No space left"):
            store.append([record(a_loop(1), "a")])
    assert files_of(store) == []
    assert store.append([record(a_loop(1), "a")]).added == ("a",)


def test_a_damaged_part_is_named(store: LoopStore) -> None:
    store.append([record(a_loop(1), "a")])
    part = next(store._workspace.loops.glob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-20])
    for read in (store.table, lambda: LoopStore(store._workspace).load("a")):
        with pytest.raises(StoreError) as caught:
            read()
        assert caught.value.code == "damaged_store" and part.name in str(caught.value)


def _append_many(root: str, worker: int) -> None:
    store = LoopStore(Workspace(Path(root)))
    for n in range(1000):
        store.append([record(a_loop(worker * 1000 + n), f"{worker}-{n}"), record(a_loop(n), f"shared-{n}")])


def test_kills_while_writing_leave_whole_parts(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    context = multiprocessing.get_context("fork")
    rng = np.random.default_rng(0)
    for round_number in range(6):
        writers = [context.Process(target=_append_many, args=(str(workspace.root), w)) for w in (1, 2)]
        for writer in writers:
            writer.start()
        time.sleep(0.1 + 0.1 * rng.random())
        for writer in writers:
            os.kill(writer.pid or 0, signal.SIGKILL)
            writer.join()
        store = LoopStore(workspace)
        ids = store.table()["loop_id"].tolist()
        assert len(ids) == len(set(ids)), "stored twice"
        store.append([record(a_loop(9000 + round_number), f"after-{round_number}")])
        assert len(store.load_many(ids)) == len(ids)
    assert len(ids) > 6
