"""The library's services: import, measure, read back, loops for training."""

from __future__ import annotations

import math
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import smf
from composer_core.errors import InvalidValue, NotFound, StoreError
from composer_core.metrics import METRICS, measure
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.library import duplicates, import_history, imports
from composer_core.pipeline.library import loops as library_loops
from composer_core.pipeline.library.measured_files import measure_files
from composer_core.workspace import Workspace

GMD = Path(__file__).resolve().parents[4] / "shared" / "data" / "cc-by" / "gmd"
needs_gmd = pytest.mark.skipif(not GMD.is_dir(), reason=f"{GMD} is not there")


def a_file(folder: Path, name: str, n_bars: int = 4, pitch: int = 36) -> Path:
    """Kick on every quarter, a hat pattern that differs by `pitch`."""
    rows = [(beat * 480, 60, 36) for beat in range(4 * n_bars)] + [(240 + pitch, 60, 42)]
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(smf.smf(smf.notes(rows, smf.tempo(96), channel=9)))
    return path


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Two good files, one without notes, one damaged, a zip with good and bad members, and others."""
    folder = tmp_path / "files"
    a_file(folder, "a.mid", 8)
    a_file(folder, "日本/b.mid", 2, pitch=40)
    (folder / "quiet.mid").write_bytes(smf.smf(smf.track()))
    (folder / "broken.mid").write_bytes(b"MThd")
    (folder / "info.csv").write_text("x")
    (folder / "._a.mid").write_bytes(b"x")
    with zipfile.ZipFile(folder / "c.zip", "w") as archive:
        archive.writestr("in/d.mid", smf.drum_bars(4))
        archive.writestr("../e.mid", b"x")
        archive.writestr("readme.txt", b"x")
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


def test_import_of_a_folder(files: Path, workspace: Workspace) -> None:
    seen: list[tuple[int, int]] = []
    report = imports.ingest([str(files)], workspace, progress=lambda done, total: seen.append((done, total)))
    result = report.to_json()
    assert list(result) == [
        "files_seen",
        "files_accepted",
        "files_skipped",
        "accepted",
        "files_refused",
        "warnings",
        "loops_added",
        "duplicates",
        "names_added",
        "files_improved",
        "improved",
        "seconds",
    ]
    assert (result["files_seen"], result["files_accepted"], result["files_skipped"]) == (6, 4, 3)
    refused = {(Path(row["path"]).name, row["code"]) for row in result["files_refused"]}
    assert refused == {("broken.mid", "truncated"), ("e.mid", "unsafe_member")}
    assert f"{files}/c.zip!../e.mid" in {row["path"] for row in result["files_refused"]}
    assert all(set(row) == {"path", "code", "message"} for row in result["files_refused"] + result["warnings"])
    assert [(Path(row["path"]).name, row["code"]) for row in result["warnings"]] == [("quiet.mid", "no_notes")]
    # a.mid: two loops of 4 bars; b.mid: one of 2; d.mid: one of 4.
    assert result["loops_added"] == 4
    # The second half of a.mid has kicks only, as d.mid.
    assert result["duplicates"] == {"exact": 1, "near": None}
    assert seen == [(n, 5) for n in range(1, 6)]


def test_the_library_table(files: Path, workspace: Workspace) -> None:
    imports.ingest([str(files)], workspace)
    table = library_loops.table(workspace)
    assert {f"metrics.{name}" for name in METRICS} <= set(table.columns)
    assert sorted(zip(table["source"], table["member"], table["start_bar"], table["bars"], strict=True)) == [
        (f"{files}/a.mid", "", 0, 4),
        (f"{files}/a.mid", "", 4, 4),
        (f"{files}/c.zip", "in/d.mid", 0, 4),
        (f"{files}/日本/b.mid", "", 0, 2),
    ]
    assert set(table["origin"]) == {"imported"}
    assert table["valence_estimate"].between(-1, 1).all() and table["arousal_estimate"].between(0, 1).all()
    for loop_id, density in zip(table["loop_id"], table["metrics.onset_density"], strict=True):
        assert measure(library_loops.load_loop(workspace, loop_id))["onset_density"] == density


def test_importing_again_adds_nothing(files: Path, workspace: Workspace) -> None:
    first = imports.ingest([str(files)], workspace)
    digest = library_loops.digest(workspace)
    again = imports.ingest([str(files)], workspace)
    assert first.loops_added and not again.loops_added
    assert again.exact == 0 and again.files_accepted == first.files_accepted
    assert library_loops.digest(workspace) == digest


def test_copies_of_a_file_are_reported_and_add_nothing(tmp_path: Path, workspace: Workspace) -> None:
    original = a_file(tmp_path, "a.mid")
    shutil.copy(original, tmp_path / "copy.mid")
    report = imports.ingest([str(tmp_path / "a.mid"), str(tmp_path / "copy.mid")], workspace)
    assert (report.files_accepted, report.loops_added, report.exact) == (2, 1, 1)


def test_the_same_music_at_another_tempo_and_resolution_is_an_exact_duplicate(
    tmp_path: Path, workspace: Workspace
) -> None:
    """Another tempo and resolution, and the other kick drum."""
    (tmp_path / "a.mid").write_bytes(smf.smf(smf.notes([(k * 480, 60, 36) for k in range(16)], channel=9)))
    other = smf.notes([(k * 96, 30, 35) for k in range(16)], smf.tempo(171), channel=9)
    (tmp_path / "b.mid").write_bytes(smf.smf(other, resolution=96))
    report = imports.ingest([str(tmp_path)], workspace)
    assert (report.loops_added, report.exact) == (2, 1)
    table = library_loops.table(workspace).set_index("source")
    assert table.loc[f"{tmp_path}/b.mid", "duplicate_of"] == table.loc[f"{tmp_path}/a.mid", "loop_id"]


@pytest.mark.parametrize("bars", [1, 2, 8])
def test_other_lengths_are_other_loops(files: Path, workspace: Workspace, bars: int) -> None:
    imports.ingest([str(files / "a.mid")], workspace)
    report = imports.ingest([str(files / "a.mid")], workspace, bars=bars)
    assert report.loops_added == 8 // bars
    assert set(library_loops.table(workspace)["bars"]) == {4, bars}


def test_the_order_does_not_depend_on_the_number_of_readers(tmp_path: Path) -> None:
    for n in range(40):
        a_file(tmp_path / "files", f"{n:02d}.mid", 1 + n % 5, pitch=n)
    tables = []
    for jobs in (1, 3):
        workspace = Workspace(tmp_path / f"workspace{jobs}")
        imports.ingest([str(tmp_path / "files")], workspace, jobs=jobs)
        tables.append(library_loops.table(workspace).drop(columns="created_at"))
    assert tables[0].equals(tables[1])


def test_history(files: Path, workspace: Workspace) -> None:
    imports.ingest([str(files / "a.mid")], workspace)
    imports.ingest([str(files)], workspace, bars=2)
    newest, oldest = import_history.imports(workspace)
    assert (newest["bars"], oldest["bars"]) == (2, 4)
    assert newest["paths"] == [str(files)] and newest["files_seen"] == 6 and newest["at"]


def test_nothing_is_written_for_wrong_usage(files: Path, workspace: Workspace) -> None:
    for paths, options, kind in (
        ([str(files), str(files / "nope.mid")], {}, NotFound),
        ([str(files)], {"bars": 3}, InvalidValue),
        ([str(files)], {"jobs": 0}, InvalidValue),
    ):
        with pytest.raises(kind):
            imports.ingest(paths, workspace, **options)
    assert not workspace.root.exists()


def test_a_workspace_that_cannot_be_written(files: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StoreError, match="taken"):
        imports.ingest([str(files)], Workspace(tmp_path / "taken"))
    assert (tmp_path / "taken").read_text() == "a file"


def test_names_that_are_no_text(tmp_path: Path, workspace: Workspace) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + "/歌.mid".encode("euc_jp"))
    Path(path).write_bytes(smf.drum_bars(4))
    assert imports.ingest([path], workspace).loops_added == 1
    assert imports.ingest([path], workspace).exact == 0
    assert measure_files([path])["files"][0]["path"] == path


def test_an_archive_without_midi_is_refused(tmp_path: Path, workspace: Workspace) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", b"x")
    report = imports.ingest([str(tmp_path / "a.zip")], workspace)
    assert [row["code"] for row in report.files_refused] == ["unreadable_archive"]
    assert (report.files_seen, report.files_skipped) == (1, 1)


def test_measure_files(files: Path, tmp_path: Path) -> None:
    given = [str(files / "a.mid"), "nope.mid", str(files / "quiet.mid"), str(files / "a.mid")]
    entries = measure_files(given, 4)["files"]
    assert [entry["path"] for entry in entries] == given
    assert [entry["error"] and entry["error"]["code"] for entry in entries] == [None, "path_missing", None, None]
    assert [len(entry["loops"]) for entry in entries] == [2, 0, 0, 2]
    loop = entries[0]["loops"][1]
    assert {key: loop[key] for key in ("instrument", "start_bar", "bars", "meter", "n_notes")} == {
        "instrument": "drums",
        "start_bar": 4,
        "bars": 4,
        "meter": "4/4",
        "n_notes": 16,
    }
    assert loop["tempo_bpm"] == pytest.approx(96)
    axes = ("total", "timing", "velocity", "groove_harmony", "cohesion", "structure")
    assert tuple(loop["scores"]) == axes and all(0 < value < 100 for value in loop["scores"].values())
    assert loop["metrics"]["onset_density"] == 1.0
    # Kicks alone have no hats, so their openness is undefined.
    assert loop["metrics"]["hat_openness"] is None
    assert all(value is None or math.isfinite(value) for value in loop["metrics"].values())
    assert list(tmp_path.iterdir()) == [files]


def test_measure_whole_files(files: Path) -> None:
    (entry,) = measure_files([str(files / "a.mid")], 0)["files"]
    assert [(loop["start_bar"], loop["bars"], loop["n_notes"]) for loop in entry["loops"]] == [(0, 8, 33)]
    with pytest.raises(InvalidValue):
        measure_files([str(files / "a.mid")], 5)


def test_measure_many_files(files: Path) -> None:
    entries = measure_files([str(files / "a.mid")] * 400, 4)["files"]
    assert len(entries) == 400 and all(entry == entries[0] for entry in entries)


def test_generated_loops(workspace: Workspace) -> None:
    loop = Loop("drums", Notes.from_rows([(0, 60, 36, 100), (480, 60, 38, 90)]), bars=1, source="take")
    ids = library_loops.add_generated(workspace, [(loop, "take-1"), (replace(loop, tempo_bpm=90.0), "take-2")])
    assert library_loops.add_generated(workspace, [(loop, "take-1")]) == ids[:1]
    table = library_loops.table(workspace)
    assert table["loop_id"].tolist() == ids
    assert table["take_id"].tolist() == ["take-1", "take-2"]
    assert set(table["origin"]) == {"generated"}
    assert table["duplicate_of"].isna().tolist() == [True, False]
    assert table["duplicate_of"][1] == ids[0]
    assert library_loops.load_loop(workspace, ids[1]).tempo_bpm == 90.0
    assert import_history.imports(workspace) == []


def test_loops_for_training_of_a_folder(files: Path) -> None:
    loops = library_loops.loops_for_training(files, "drums")
    assert [(loop.source, loop.bars) for loop in loops] == [("a.mid", 8), ("c.zip!in/d.mid", 4), ("日本/b.mid", 2)]
    assert library_loops.loops_for_training(files, "piano") == []
    (single,) = library_loops.loops_for_training(files / "a.mid", "drums")
    assert single.source == "a.mid"
    with pytest.raises(NotFound):
        library_loops.loops_for_training(files / "nope", "drums")


def test_loops_for_training_of_the_library(files: Path, workspace: Workspace) -> None:
    imports.ingest([str(files)], workspace)
    library_loops.add_generated(workspace, [(Loop("drums", Notes.from_rows([(7, 60, 36, 100)]), bars=1), "take")])
    loops = library_loops.loops_for_training(workspace, "drums")
    # Four imported loops, one of them a duplicate; the generated one is not learnt from.
    assert len(loops) == 3
    table = library_loops.table(workspace)
    chosen = table[(table["origin"] == "imported") & table["duplicate_of"].isna()]["loop_id"].tolist()
    duplicates.exclude(workspace, chosen[:1])
    assert len(library_loops.loops_for_training(workspace, "drums")) == 2
    duplicates.restore(workspace, chosen[:1])
    assert len(library_loops.loops_for_training(workspace, "drums")) == 3


@needs_gmd
def test_groove_midi_for_training() -> None:
    folder = GMD / "drummer1" / "session1"
    assert folder.is_dir()
    loops = {loop.source: loop for loop in library_loops.loops_for_training(GMD, "drums")}
    assert len(loops) == 1021
    loop: Any = loops["drummer1/session1/1_funk_80_beat_4-4.mid"]
    assert {key: loop.extra[key] for key in ("style", "bpm", "beat_type", "split", "drummer")} == {
        "style": "funk",
        "bpm": 80.0,
        "beat_type": "beat",
        "split": "train",
        "drummer": "drummer1",
    }
    assert loop.tempo_bpm == pytest.approx(80, abs=0.01)
    # info.csv: 86.7 s at 80 BPM are 28.9 bars of 4/4, so the last note lies in bar 29.
    assert loop.bars == 29
