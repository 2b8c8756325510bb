"""Every column of a stored loop: written, read back, missing in an older part, known to the catalogue."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import Meter
from composer_core.store.loops.columns import loop_facts, loop_of, loops_table, measured_facts, measured_fields
from composer_core.store.loops.declarations import LOOP_COLUMNS, LOOP_SCHEMA, UNIT_SUFFIXES, LoopColumn
from composer_core.store.loops.record import GENERATED, LoopRecord, MeasuredLoop
from composer_core.store.loops.store import LoopStore
from composer_core.store.search.catalogue import EMPTY_SCHEMA
from composer_core.store.search.query import LibraryQuery
from composer_core.workspace import Workspace

LOOP = Loop(
    "bass",
    Notes.from_rows([(0, 240, 40, 90), (480, 120, 43, 100)]),
    bars=2,
    tempo_bpm=97.25,
    meter=Meter(3, 4),
    program=33,
    start_bar=8,
    tempo_events=((0, 100.0), (960, 94.5)),
    track_name="ベース",
    source="低音/a.mid",
    extra={"part": 1, "channel": 2},
)
RECORD = LoopRecord(
    loop=LOOP,
    loop_id="one",
    source_digest="d" * 64,
    content_hash="c" * 24,
    metrics={"density": 2.5},
    swing_phase="swing_16",
    valence_estimate=0.25,
    arousal_estimate=0.75,
    grid_onset_tick=np.array([0, 480], np.int32),
    is_ghost=np.zeros(2, np.bool_),
    member="in.mid",
    origin=GENERATED,
    take_id="take",
    key_root=4,
    key_mode="minor",
    key_confidence=0.5,
    scores={"total": 80.0},
    score_digest="s",
    fingerprint=b"\x01\x02",
)
OF_EVERY_PART = {"loop_id", "source_digest", "content_hash", "instrument", "bars", "n_notes", "first_note"}
"""Without these a part is damaged: they find a loop and its notes, or a Loop cannot be without them."""
BY_STORE = [column for column in LOOP_COLUMNS if not column.of]
BY_RECORD = [column for column in LOOP_COLUMNS if column.of]
LATER = [column for column in LOOP_COLUMNS if column.name not in OF_EVERY_PART]
each = pytest.mark.parametrize("column", LOOP_COLUMNS, ids=attrgetter("name"))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "workspace")
    LoopStore(workspace).append([RECORD])
    return workspace


def without(workspace: Workspace, name: str) -> None:
    """Make the library's part one of a release that did not have the column."""
    (path,) = workspace.loops.glob("part-*.parquet")
    pq.write_table(pq.read_table(path).drop_columns([name]), path)


def stored(workspace: Workspace, name: str) -> object:
    return LoopStore(workspace).rows(["one"], ["loop_id", name])["one"][name]


def test_a_part_has_the_declared_columns_first(workspace: Workspace) -> None:
    (path,) = workspace.loops.glob("part-*.parquet")
    schema = pq.read_schema(path).remove_metadata()
    assert [(field.name, field.type) for field in schema][: len(LOOP_COLUMNS)] == [
        (f.name, f.type) for f in LOOP_SCHEMA
    ]
    assert schema.names[len(LOOP_COLUMNS) :] == ["metrics.density", "scores.total"]


@pytest.mark.parametrize("column", BY_RECORD, ids=attrgetter("name"))
def test_a_value_comes_back_as_it_was(workspace: Workspace, column: LoopColumn) -> None:
    said = attrgetter(column.of)(RECORD)
    assert stored(workspace, column.name) == column.write(said)
    if column.read is not None:
        assert column.read(stored(workspace, column.name)) == said


def test_every_field_of_a_record_has_its_column() -> None:
    # The loop has columns of its own, metrics and scores have one each, and the last two go with the notes.
    elsewhere = {"loop", "metrics", "scores", "programmed_scores", "grid_onset_tick", "is_ghost"}
    held = {column.of for column in BY_RECORD}
    assert {spec.name for spec in fields(LoopRecord)} - elsewhere == {of for of in held if not of.startswith("loop.")}
    assert {f"loop.{spec.name}" for spec in fields(Loop)} == {of for of in held if of.startswith("loop.")}


def test_the_store_says_what_only_it_knows(workspace: Workspace) -> None:
    assert {column.name for column in BY_STORE} == {"duplicate_of", "created_at", "first_note"}
    assert [stored(workspace, name) for name in ("duplicate_of", "first_note")] == [None, 0]
    assert stored(workspace, "created_at") is not None


@pytest.mark.parametrize("column", LATER, ids=attrgetter("name"))
def test_an_older_part_says_nothing_in_a_later_column(workspace: Workspace, column: LoopColumn) -> None:
    without(workspace, column.name)
    assert stored(workspace, column.name) is None
    assert LoopStore(workspace).table([column.name])[column.name].isna().tolist() == [True]
    assert (column.name in LoopStore(workspace).table().columns) == column.listed
    if column.listed:
        assert LibraryQuery(workspace).select([column.name]).column(0).to_pylist() == [None]
    again = LoopStore(workspace).load("one")
    assert again.notes == LOOP.notes
    field = column.of.removeprefix("loop.") if column.of.startswith("loop.") and column.read else ""
    plain = Loop(LOOP.instrument, LOOP.notes, LOOP.bars)
    for name in ("tempo_bpm", "meter", "program", "start_bar", "tempo_events", "track_name", "source", "extra"):
        assert getattr(again, name) == getattr(plain if name == field else LOOP, name)


@each
def test_the_catalogue_knows_what_is_listed(workspace: Workspace, column: LoopColumn) -> None:
    assert (column.name in LibraryQuery(workspace).columns()) == column.listed
    assert (column.name in EMPTY_SCHEMA.names) == column.listed
    assert column.listed or not (column.shown or column.searched or column.plotted or column.choice)


@each
def test_a_name_tells_the_unit(column: LoopColumn) -> None:
    suffixes = [suffix for suffix in UNIT_SUFFIXES if column.name.endswith(suffix)]
    assert [UNIT_SUFFIXES[suffix] for suffix in suffixes] in ([], [column.unit])
    assert suffixes or column.unit not in UNIT_SUFFIXES.values()
    assert column.meaning
    assert column.unit or not column.name.startswith("n_")


@each
def test_a_reader_process_can_say_it_in_json(column: LoopColumn) -> None:
    facts = json.loads(json.dumps(loop_facts(LOOP) | measured_facts(RECORD)))
    assert (column.name in facts) == column.carried
    assert loop_of({**facts, "source": LOOP.source}, LOOP.notes) == LOOP
    if column.carried and not column.of.startswith("loop."):
        assert measured_fields(facts)[column.of] == getattr(RECORD, column.of)


def test_where_nothing_was_estimated_nothing_is_stored() -> None:
    plain = {name: getattr(RECORD, name) for name in ("content_hash", "metrics", "swing_phase", "grid_onset_tick")}
    estimates = {"valence_estimate": 0.0, "arousal_estimate": math.nan, "is_ghost": RECORD.is_ghost}
    measured = MeasuredLoop(loop=LOOP, **plain, **estimates)
    record = LoopRecord.of(measured, loop_id="two", source_digest="")
    facts = json.loads(json.dumps(measured_facts(measured)))
    assert math.isnan(measured_fields(facts)["key_confidence"])
    row = loops_table([record], {}, datetime.now(UTC)).to_pylist()[0]
    assert [row[name] for name in ("arousal_estimate", "key_confidence", "fingerprint")] == [None, None, None]
    assert (row["key_root"], row["key_mode"], row["member"], row["origin"]) == (-1, "", "", "imported")
