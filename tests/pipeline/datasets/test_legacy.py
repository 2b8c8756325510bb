"""The predecessor's files in all their forms: joined, reported, kept beside; and out again in its columns."""

from __future__ import annotations

import csv
import json
import pickle
import shutil
from collections import Counter
from pathlib import Path, PosixPath
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

import smf
from composer_core.errors import NotFound
from composer_core.ingest.legacy import swing_ratio_of
from composer_core.pipeline.datasets.legacy import import_legacy, legacy_of
from composer_core.pipeline.exports.legacy import SCORE_KEYS, SUMMARY_COLUMNS, export_stage2
from composer_core.pipeline.labels.decisions import current
from composer_core.pipeline.library import imports
from composer_core.pipeline.library import loops as library_loops
from composer_core.store.legacy import EVENT_SCHEMA, events_bytes
from composer_core.store.loops.content import md5_of
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples" / "composer4"
CORPUS = Path(__file__).resolve().parents[4] / "shared" / "data" / "malformed"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"{SAMPLES} is not there")
MIDI = smf.drum_bars(4)
MD5 = md5_of(MIDI)
TAGS = {"mode": "drums", "section": "verse", "mood": "relaxed", "intensity": "medium", "bpm": 92.0}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the predecessor with one MIDI file."""
    folder = tmp_path / "old"
    (folder / "funk").mkdir(parents=True)
    (folder / "funk" / "loop_a.mid").write_bytes(MIDI)
    return folder


def only_loop(workspace: Workspace) -> str:
    (loop_id,) = library_loops.table(workspace)["loop_id"]
    return str(loop_id)


@needs_samples
def test_the_fixtures_import_and_golden_metrics_stand_beside(workspace: Workspace) -> None:
    report = import_legacy(SAMPLES, workspace, jobs=1)
    assert report.read == {"golden": 2, "summary": 2, "score": 2, "tags": 4}
    assert report.matched == {"golden": 2, "summary": 2, "score": 2} and not report.refused
    table = library_loops.table(workspace).set_index("source")
    (source,) = [name for name in table.index if name.endswith("golden-straight8.mid")]
    said = legacy_of(workspace, table.loc[source, "loop_id"])
    assert set(said) == {"legacy_golden", "legacy_summary", "legacy_score"}
    assert said["legacy_golden"][0]["metrics"]["swing_ratio"] == 0.9844
    assert said["legacy_summary"][0]["tempo.events"] == [500000]
    assert said["legacy_summary"][0]["score.passed"] is False
    assert said["legacy_summary"][0]["metrics.tempo_stability"] is None
    # Theirs cannot see swing; ours of the same notes is that of the loop.
    (swung,) = [name for name in table.index if name.endswith("golden-triplet_swing8.mid")]
    assert table.loc[swung, "metrics.swing_ratio_8"] == pytest.approx(2.0, abs=0.01)
    again = import_legacy(SAMPLES, workspace, jobs=1)
    assert not again.changed


SLOW_FORMS = [pytest.param(form, marks=pytest.mark.slow) for form in ("full", "simple", "text")]


@pytest.mark.parametrize("form", ["meta", "shards", *SLOW_FORMS])
def test_tags_and_moods_in_all_forms(form: str, folder: Path, workspace: Workspace) -> None:
    entries: dict[str, Any] = {
        "full": {"mood.yaml": {"funk/loop_a.mid": TAGS | {"confidence": "0.412"}}},
        "simple": {"mood.yaml": {"funk/loop_a.mid": {"mood": "relaxed"}}},
        "text": {"mood.yaml": {"loop_a.mid": "relaxed"}},
        "meta": {"tags.yaml": {"meta": {"version": 2}, "funk/loop_a.mid": TAGS}},
        "shards": {"tags_000.yaml": {"funk/loop_a.mid": TAGS}, "tags_001.yaml": {"gone.mid": TAGS}},
    }[form]
    for name, content in entries.items():
        (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    (folder / "manifest.json").write_text(json.dumps({"shards": sorted(entries)}))
    report = import_legacy(folder, workspace, jobs=1)
    assert report.matched["tags"] == 1
    label = current(workspace, only_loop(workspace)).fields["emotion"]
    assert (label.value, label.confidence, label.source) == ("calm", 0.1, "import:composer4")
    assert not import_legacy(folder, workspace, jobs=1).changed


def test_stage_1_pickles_in_both_forms(folder: Path, workspace: Workspace) -> None:
    shard = {
        "loops": [{"md5": MD5, "filename": "loop_a.mid", "bpm": 92, "input_path": PosixPath("/elsewhere/loop_a.mid")}]
    }
    index = {
        "version": 2,
        "config": {"input": PosixPath("/elsewhere")},
        "summary": {},
        "shards": [{"path": "/elsewhere/shard_0.pickle"}],
    }
    old = [["/elsewhere/loop_a.mid"], [MD5], [7], [16], Counter({"funk": 1}), [92.0]]
    for name, content in (("drumloops_metadata_v2", index), ("shard_0", shard), ("old", old), ("odd", {"a": 1})):
        (folder / f"{name}.pickle").write_bytes(pickle.dumps(content))
    report = import_legacy(folder, workspace, jobs=1)
    assert report.matched["stage1"] == 2
    assert [issue.place for issue in report.refused] == ["odd.pickle"]
    assert [said["bpm"] for said in legacy_of(workspace, only_loop(workspace))["legacy_stage1"]] == [92.0, 92]


def summary_row(**values: Any) -> dict[str, Any]:
    said = {"loop_id": MD5, "file_digest": MD5, "filename": "loop_a.mid", "ticks_per_beat": 96, "time_signature": "4/4"}
    return dict.fromkeys(SUMMARY_COLUMNS, "") | said | values


def write_summary(path: Path, rows: list[dict[str, Any]], extra: tuple[str, ...] = ()) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [*SUMMARY_COLUMNS, *extra], restval="")
        writer.writeheader()
        writer.writerows(rows)


def test_rows_that_contradict_are_reported_and_the_digest_counts(folder: Path, workspace: Workspace) -> None:
    (folder / "other.mid").write_bytes(smf.drum_bars(2))
    rows = [
        summary_row(filename="other.mid", text_audio_cos="0.5"),
        summary_row(loop_id="x", file_digest="", filename=""),
    ]
    write_summary(folder / "loop_summary_v3.csv", rows, ("text_audio_cos",))
    report = import_legacy(folder, workspace, jobs=1)
    assert len(report.conflicts) == 1 and report.matched["summary"] == 1
    assert len(report.refused) == 1  # the row without a file name
    table = library_loops.table(workspace).set_index("source")
    said = legacy_of(workspace, table.loc[f"{folder}/funk/loop_a.mid", "loop_id"])
    assert said["legacy_summary"][0]["text_audio_cos"] == 0.5


def test_loops_that_exist_as_events_only(tmp_path: Path, workspace: Workspace) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    # Two quarters at 96 ticks, the second on another track and first in the file.
    notes = [(96, 48, 38, 90), (0, 48, 36, 100)]
    rows = [
        {
            "loop_id": loop_id,
            "onset_ticks": on,
            "duration_ticks": length,
            "channel": 9,
            "program": 0,
            "pitch": pitch,
            "velocity": velocity,
        }
        for loop_id in ("a" * 32, "b" * 32)
        for on, length, pitch, velocity in notes
    ]
    (folder / "canonical_events.parquet").write_bytes(events_bytes(rows))
    write_summary(
        folder / "loop_summary.csv",
        [summary_row(loop_id="a" * 32, file_digest="", filename="a.mid", bar_count=1, **{"tempo.events": "[400000]"})],
    )
    report = import_legacy(folder, workspace, jobs=1)
    assert [(issue.reason, issue.word) for issue in report.refused] == [("no_resolution", "b" * 32)]
    loop = library_loops.load_loop(workspace, only_loop(workspace))
    assert (loop.instrument, loop.bars, loop.tempo_bpm) == ("drums", 1, 150.0)
    assert loop.notes.rows() == [(0, 240, 36, 100), (480, 240, 38, 90)]
    assert not import_legacy(folder, workspace, jobs=1).changed


def test_out_in_its_columns_and_in_again(folder: Path, workspace: Workspace, tmp_path: Path) -> None:
    # A note 30 ticks before the second bar's downbeat is early and stays with it.
    rows = [(0, 60, 36), (480, 60, 38), (1890, 60, 36), (1920, 60, 42), (2400, 60, 38)]
    (folder / "early.mid").write_bytes(smf.smf(smf.notes(rows, channel=9)))
    imports.ingest([str(folder)], workspace, jobs=1)
    written = export_stage2(workspace, tmp_path / "out")
    table = pq.read_table(tmp_path / "out" / "canonical_events.parquet")
    assert table.schema.names == EVENT_SCHEMA.names and table.num_rows == written["notes"]
    if SAMPLES.is_dir():
        columns = json.loads((SAMPLES / "schema_columns.json").read_text(encoding="utf-8"))
        assert list(SUMMARY_COLUMNS) == columns["loop_summary_v2_6axis"]
        assert list(SCORE_KEYS) == columns["metrics_score_v2"]
        assert EVENT_SCHEMA.names == columns["canonical_events"]
    with (tmp_path / "out" / "loop_summary.csv").open(encoding="utf-8", newline="") as stream:
        assert next(csv.reader(stream)) == list(SUMMARY_COLUMNS)
    other = Workspace(tmp_path / "other")
    report = import_legacy(tmp_path / "out", other, jobs=1)
    assert not report.refused and not report.unmatched
    assert contents(other) == contents(workspace)
    # In the library it came from every row finds its loop and no loop is added.
    assert import_legacy(tmp_path / "out", workspace, jobs=1).loops_added == 0


def contents(workspace: Workspace) -> list[Any]:
    ids = list(library_loops.table(workspace)["loop_id"])
    loops = LoopStore(workspace).load_many(ids)
    return sorted(
        (loop.instrument, loop.bars, str(loop.meter), round(loop.tempo_bpm, 3), loop.notes.rows()) for loop in loops
    )


@pytest.mark.parametrize(
    ("column", "value", "ratio"),
    [
        ("metrics.swing_ratio", 1.5, 1.5),
        ("swing_fraction", 0.6, 1.5),  # 0.6 / 0.4
        ("swing_amount", 1.0, 2.0),  # all the way to the triplet
        ("swing_amount", 0.0, 1.0),
        ("swing_percent", 60, 1.5),
        ("odd_sixteenth_share", 0.6, None),
        ("swing_hint", 0.22, None),
        ("anything", 0.6, None),
        ("swing_fraction", True, None),
    ],
)
def test_six_meanings_of_swing(column: str, value: float, ratio: float | None) -> None:
    found = swing_ratio_of(column, value)
    assert found is None if ratio is None else found == pytest.approx(ratio, abs=1e-6)


def test_a_folder_that_is_not_there(tmp_path: Path, workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        import_legacy(tmp_path / "nope", workspace)


@pytest.mark.slow
def test_hostile_files_under_its_names(tmp_path: Path, workspace: Workspace, canaries: Path) -> None:
    if not CORPUS.is_dir():
        pytest.skip(f"{CORPUS} is not there")
    folder = tmp_path / "old"
    folder.mkdir()
    endings = {"pickle": "{}.pickle", "yaml": "mood_{}.yaml", "csv_json": "loop_summary_{}.csv"}
    for family, pattern in endings.items():
        for path in sorted((CORPUS / family).iterdir()):
            if not path.name.endswith(".gz"):
                shutil.copy(path, folder / pattern.format(path.stem))
    for path in (CORPUS / "checkpoint").iterdir():
        shutil.copy(path, folder / f"canonical_events_{path.stem}.parquet")
    report = import_legacy(folder, workspace, jobs=1)
    assert not report.matched and list(canaries.iterdir()) == []
    named = {issue.place.split(" ")[0] for issue in report.refused + report.unmatched}
    assert {path.name for path in folder.glob("*.parquet")} <= named
    assert not any("worker_died" in issue.word for issue in report.refused)
