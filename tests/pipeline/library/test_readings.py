"""By which reading loops were cut and how they were asked for; and a watch over the number of the reading."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import small_library
from composer_core.ingest.cut import cut
from composer_core.ingest.midi import read_song
from composer_core.ingest.song import READING
from composer_core.pipeline.library.declared import keep_meters, keep_signatures
from composer_core.pipeline.library.imports import ingest
from composer_core.pipeline.library.readings import (
    CutLoop,
    bars_of_part,
    cuts_of,
    loops_of_part,
    old_parts,
    set_aside_ids,
    source_of,
    would_change,
)
from composer_core.pipeline.library.uploads import keep_upload
from composer_core.store.atomic import write_json
from composer_core.store.loops.columns import completed
from composer_core.store.loops.declarations import LOOP_COLUMNS
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

STORED = datetime(2026, 11, 30, 8, 0, 0, tzinfo=UTC)


def cut_loop(start_bar: int, bars: int, *, part: int = 0, digest: str = "A", **changes: Any) -> CutLoop:
    made = CutLoop(f"{digest}{part}.{start_bar}.{bars}", digest, "a.mid", "", "imported", part, start_bar, bars, STORED,
                   0, 0, "", "hash", "", 0, "[]")  # fmt: skip
    return replace(made, **changes)


def test_a_loop_is_old_when_an_earlier_reading_cut_it() -> None:
    assert cut_loop(0, 4).is_old and cut_loop(0, 4, reading=READING - 1).is_old
    assert not cut_loop(0, 4, reading=READING).is_old
    assert not cut_loop(0, 4, origin="generated").is_old  # it was never read


@pytest.mark.parametrize(
    ("loops", "cuts"),
    [
        ([cut_loop(0, 4), cut_loop(4, 4), cut_loop(8, 2)], {4}),
        ([cut_loop(0, 2)], set()),  # of a short song: nobody knows
        ([cut_loop(0, 2), cut_loop(0, 2, part=1)], set()),  # one of each part
        ([cut_loop(0, 4), cut_loop(4, 4), cut_loop(0, 8), cut_loop(8, 8)], {4, 8}),
        ([cut_loop(0, 2, cut_bars=4)], {4}),
        ([cut_loop(0, 2, cut_bars=4), cut_loop(0, 1), cut_loop(1, 1)], {1, 4}),
        ([], set()),
    ],
)
def test_how_long_loops_were_asked_for(loops: list[CutLoop], cuts: set[int]) -> None:
    assert cuts_of(loops) == cuts


def test_the_report_of_an_import_tells_it_where_loops_do_not(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path).create()
    for hours, bars in ((-1, 1), (1, 8), (2, 2)):
        at = STORED + timedelta(hours=hours)
        write_json(workspace.imports / f"import-{at:%Y%m%dT%H%M%S%f}-abcd.json", {"bars": bars})
    # The first import that ended after the loops were stored is theirs.
    assert bars_of_part(workspace, [cut_loop(0, 2)]) == 8
    assert bars_of_part(workspace, [cut_loop(0, 2), cut_loop(2, 2)]) == 2
    assert bars_of_part(workspace, [cut_loop(0, 2, created_at=STORED + timedelta(days=1))]) == 2  # the longest there is


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(tmp_path)
    return small_library.make_library(tmp_path)


def test_new_loops_carry_the_reading_and_what_was_asked(library: Workspace) -> None:
    (name,) = LoopStore(library).part_names()
    loops = loops_of_part(library, name)
    assert {(loop.reading, loop.cut_bars, loop.drum_map_choice) for loop in loops} == {(READING, 4, "auto")}
    assert old_parts(library) == [] and all(loop.place == loop.loop_id for loop in loops)


def test_a_part_without_the_numbers_or_with_an_earlier_one_is_old(library: Workspace) -> None:
    store = LoopStore(library)
    (name,) = store.part_names()
    table = store.part_table(name)
    lower = [READING - 1, *([READING] * (table.num_rows - 1))]
    store.replace_columns(name, {"reading": _like(table, "reading", lower)})
    assert old_parts(library) == [name]
    store.replace_columns(name, {"reading": _like(table, "reading", [None] * table.num_rows)})
    assert old_parts(library) == [name]
    store.replace_columns(name, {"reading": _like(table, "reading", [READING] * table.num_rows)})
    assert old_parts(library) == []


def _like(table: Any, name: str, values: list[Any]) -> Any:
    import pyarrow as pa

    return pa.array(values, table.schema.field(name).type)


def test_a_file_is_found_where_it_was_or_among_the_uploads(library: Workspace, tmp_path: Path) -> None:
    (name,) = LoopStore(library).part_names()
    loops = [loop for loop in loops_of_part(library, name) if loop.source.endswith("=shuffle.mid")]
    path = Path(loops[0].source)
    assert source_of(library, loops) == str(path)
    data = path.read_bytes()
    path.unlink()
    assert source_of(library, loops) is None
    kept = keep_upload(library, "again.mid", data)
    assert source_of(library, loops) == str(kept)
    # What was in an archive is not looked for among single files.
    assert source_of(library, [replace(loop, member="x.mid") for loop in loops]) is None


def test_a_path_without_its_beginning_is_seen_from_beside_the_workspace(
    library: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = replace(loops_of_part(library, LoopStore(library).part_names()[0])[0], source="files/=shuffle.mid")
    elsewhere = library.root / "library"
    monkeypatch.chdir(elsewhere)
    assert source_of(library, [loop]) == str(library.root.parent / "files" / "=shuffle.mid")
    assert source_of(library, [replace(loop, source="files/none.mid")]) is None


def test_nothing_is_set_aside_in_an_ordinary_library(library: Workspace) -> None:
    assert set_aside_ids(library, [loop.source_digest for name in LoopStore(library).part_names()
                                   for loop in loops_of_part(library, name)]) == set()  # fmt: skip


def test_equal_loops_do_not_change_and_one_fact_is_enough(library: Workspace) -> None:
    from composer_core.ingest.pool import read_all
    from composer_core.pipeline.library.measuring import READ_TASK, decode_records

    (name,) = LoopStore(library).part_names()
    stored = [loop for loop in loops_of_part(library, name) if loop.source.endswith("rock=beat.mid")]
    options = {"bars": 4, "instrument": None, "measure": True, "drum_map": "auto"}
    (report,) = read_all([(stored[0].source, "midi")], READ_TASK, options, jobs=1)
    records = decode_records(stored[0].source, "", report.outcomes[0].facts, report.outcomes[0].payload)
    old = [replace(loop, reading=0, cut_bars=0) for loop in stored]
    assert len(records) == 2 and not would_change(old, records) and not would_change(old, [*records, *records])
    for changed in ({"track_name": "x"}, {"program": 7}, {"declared": "[1]"}, {"content_hash": "x"}, {"start_bar": 9}):
        assert would_change([replace(old[0], **changed), old[1]], records), changed  # type: ignore[arg-type]
    assert would_change(old[:1], records)  # a loop where none was
    assert would_change([*old, replace(old[0], start_bar=8)], records)  # a loop that is no more
    # Cut to another length it is not the same cut; a longer one may be, where no cut is known.
    assert not would_change([replace(loop, cut_bars=8) for loop in old], records)
    assert would_change([replace(old[0], bars=2)], records) and not would_change([replace(old[0], bars=8)], records)


def test_importing_again_changes_nothing_and_says_so(library: Workspace, tmp_path: Path) -> None:
    before = LoopStore(library).table()
    report = ingest([str(tmp_path / "files")], library, jobs=1)
    assert (report.loops_added, report.files_improved, report.improved) == (0, 0, [])
    assert LoopStore(library).table().equals(before)


def test_the_new_columns_are_null_where_parts_are_older() -> None:
    # At the end, before those of the profiles alone: older parts keep their order.
    columns = LOOP_COLUMNS[-5:-2]
    names = [column.name for column in columns]
    assert names == ["reading", "cut_bars", "drum_map_choice"]
    assert [column.name for column in LOOP_COLUMNS[-2:]] == ["score_profile", "programmed_digest"]
    assert not any(column.listed for column in columns)
    import pyarrow as pa

    filled = completed(pa.table({"loop_id": ["a"]}), names)
    assert filled.to_pylist() == [{"loop_id": "a", "reading": None, "cut_bars": None, "drum_map_choice": None}]


def test_whoever_changes_the_reading_counts_it_up(tmp_path: Path) -> None:
    """What the files of the saved misread workspace are cut into, as one number for this READING.

    If this fails, files are read otherwise than before: count READING up in composer_core/ingest/song.py, say there
    what changed, and put the number found here. By READING libraries are told that their files are read better.
    """
    small_library.unpack_misread(tmp_path)
    found = hashlib.sha256()
    for path in sorted((tmp_path / "misread").rglob("*.mid")):
        song = read_song(path.read_bytes(), path.name)
        loops = cut(song, 4)
        keep_meters(song, loops)
        keep_signatures(song, loops)
        for loop in loops:
            facts = (
                loop.instrument,
                loop.program,
                loop.bars,
                loop.start_bar,
                str(loop.meter),
                round(loop.tempo_bpm, 3),
            )
            names = (loop.track_name, json.dumps(loop.extra, sort_keys=True))
            found.update(repr((*facts, *names, loop.notes.rows())).encode())
    assert (READING, found.hexdigest()[:16]) == (2, "be5a164aa0a80147")
