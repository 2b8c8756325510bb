"""Parts exchanged for others: all in one moment, back again whole, with the library's order and duplicates kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from composer_core.errors import StoreError
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.library.measuring import measure_loop
from composer_core.store.loops.exchanges import (
    Exchange,
    counted_parts,
    exchanges,
    made_for,
    newest_standing,
    part_name,
    part_number,
    taking_back,
)
from composer_core.store.loops.record import LoopRecord
from composer_core.store.loops.staging import FileRows, commit, drop_leftovers, exchanging, stage_part
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace


def record(loop_id: str, digest: str, *, pitches: tuple[int, ...] = (60, 64), source: str = "a.mid") -> LoopRecord:
    notes = Notes.from_rows([(n * 480, 240, pitch, 90) for n, pitch in enumerate(pitches)])
    loop = Loop("piano", notes, 1, source=source, extra={"part": 0})
    return LoopRecord.of(measure_loop(loop), loop_id=loop_id, source_digest=digest)


@pytest.fixture
def library(tmp_path: Path) -> Workspace:
    """Two parts: files A (a1, a2) and B (b1); and C, whose one loop repeats a1."""
    workspace = Workspace(tmp_path / "w").create()
    store = LoopStore(workspace)
    store.append([record("a1", "A"), record("a2", "A", pitches=(50, 55, 57)), record("b1", "B", pitches=(40,))])
    store.append([record("c1", "C")])
    return workspace


def ids(workspace: Workspace) -> list[str]:
    return list(LoopStore(workspace).table()["loop_id"])


def repeats(workspace: Workspace) -> dict[str, str]:
    table = LoopStore(workspace).table()
    return {row.loop_id: row.duplicate_of for row in table.itertuples() if isinstance(row.duplicate_of, str)}


def put_in(workspace: Workspace, *records: LoopRecord, digest: str = "A", kind: str = "test") -> Exchange:
    """Exchange all loops of a file in the first part for others."""
    first = LoopStore(workspace).part_names()[0]
    exchange = Exchange(f"{len(exchanges(workspace)):08x}", kind, (first,), ())
    made = stage_part(workspace, exchange.id, first, {digest: FileRows(records, {})})
    return commit(workspace, Exchange(exchange.id, kind, (first,), (made,) if made else ()))


def test_names_say_the_number_and_the_exchange() -> None:
    assert (part_name(12, "ab"), part_name(12, "ab", "f0")) == ("part-000012-ab.parquet", "part-000012-ab-f0.parquet")
    for name in (part_name(12, "ab"), part_name(12, "ab", "f0")):
        assert part_number(name) == 12
    assert (made_for(part_name(1, "ab")), made_for(part_name(1, "ab", "f0"))) == ("", "f0")


def test_a_staged_part_does_not_count_before_its_exchange(library: Workspace) -> None:
    before = ids(library)
    first = LoopStore(library).part_names()[0]
    made = stage_part(library, "f0f0f0f0", first, {"A": FileRows([record("n1", "A")], {})})
    assert (library.loops / made).exists() and ids(library) == before
    commit(library, Exchange("f0f0f0f0", "test", (first,), (made,)))
    # The new loop stands where the file's first one stood; the other file of the part and later parts stay.
    assert ids(library) == ["n1", "b1", "c1"]


def test_an_exchange_keeps_what_it_does_not_replace(library: Workspace) -> None:
    store = LoopStore(library)
    before = store.table().set_index("loop_id").loc[["b1", "c1"]]
    loops = store.load_many(["b1", "c1"])
    put_in(library, record("n1", "A", pitches=(70, 71, 72)))
    after = LoopStore(library).table().set_index("loop_id").loc[["b1", "c1"]]
    assert before.drop(columns="duplicate_of").equals(after.drop(columns="duplicate_of"))
    assert LoopStore(library).load_many(["b1", "c1"]) == loops
    assert LoopStore(library).load("n1").notes.pitch.tolist() == [70, 71, 72]


def test_the_first_loop_of_a_content_is_found_again(library: Workspace) -> None:
    assert repeats(library) == {"c1": "a1"}
    put_in(library, record("n1", "A", pitches=(70, 75)))
    assert repeats(library) == {}  # what c1 repeated is gone
    put_in(library, record("n2", "A"))
    assert repeats(library) == {"c1": "n2"}


def test_taking_back_brings_the_very_same_rows(library: Workspace) -> None:
    before, parts = LoopStore(library).table(), counted_parts(library)
    done = put_in(library, record("n1", "A", pitches=(70, 75)))
    back = commit(library, taking_back(library, done))
    assert LoopStore(library).table().equals(before) and counted_parts(library) == parts
    assert (back.takes_back, newest_standing(library, "test")) == (done.id, None)
    # And what was taken back can be done again.
    put_in(library, record("n2", "A", pitches=(71,)))
    assert ids(library) == ["n2", "b1", "c1"]


def test_loops_that_came_later_stay_when_an_exchange_is_taken_back(library: Workspace) -> None:
    done = put_in(library, record("n1", "A", pitches=(70, 75)))
    LoopStore(library).append([record("d1", "D", pitches=(70, 75)), record("e1", "E", pitches=(33, 40, 33))])
    assert repeats(library) == {"d1": "n1"}
    commit(library, taking_back(library, done))
    assert ids(library) == ["a1", "a2", "b1", "c1", "d1", "e1"]
    assert repeats(library) == {"c1": "a1"}  # d1 repeats nothing that is there


def test_a_file_without_loops_leaves_its_part_and_a_part_without_loops_goes(library: Workspace) -> None:
    put_in(library)
    assert ids(library) == ["b1", "c1"]
    done = put_in(library, digest="B")
    assert (ids(library), len(done.put_in)) == (["c1"], 0)
    commit(library, taking_back(library, done))
    assert ids(library) == ["b1", "c1"]


def test_what_a_later_exchange_changed_is_not_taken_back_from_below(library: Workspace) -> None:
    first = put_in(library, record("n1", "A", pitches=(70, 75)))
    second = put_in(library, record("n2", "A", pitches=(71, 75)))
    with pytest.raises(StoreError, match="cannot be brought back") as caught:
        taking_back(library, first)
    assert caught.value.code == "exchange_built_on" and second.at in str(caught.value)
    commit(library, taking_back(library, second))
    commit(library, taking_back(library, first))
    assert ids(library) == ["a1", "a2", "b1", "c1"]


def test_a_part_that_does_not_count_any_more_is_not_exchanged_again(library: Workspace) -> None:
    first = LoopStore(library).part_names()[0]
    put_in(library, record("n1", "A", pitches=(70, 75)))
    before = (ids(library), len(exchanges(library)))
    with pytest.raises(StoreError, match="was changed meanwhile"):
        commit(library, Exchange("abababab", "test", (first,), ()))
    assert (ids(library), len(exchanges(library))) == before


def test_times_of_loops_that_stay_are_kept(library: Workspace) -> None:
    first = LoopStore(library).part_names()[0]
    then = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    rows = FileRows([record("a1", "A"), record("n1", "A", pitches=(1,))], {"a1": then})
    made = stage_part(library, "f0f0f0f0", first, {"A": rows})
    commit(library, Exchange("f0f0f0f0", "test", (first,), (made,)))
    times = LoopStore(library).table().set_index("loop_id")["created_at"]
    assert times["a1"] == then and times["n1"] > then and times["b1"] > then


def test_stamps_reach_the_named_files_alone(library: Workspace) -> None:
    first = LoopStore(library).part_names()[0]
    stamp = {"reading": pa.scalar(7, pa.int32())}
    made = stage_part(library, "f0f0f0f0", first, {"A": FileRows([record("n1", "A")], {})}, stamp, frozenset("B"))
    table = LoopStore(library).part_table(made, ["loop_id", "reading"]).to_pydict()
    assert table == {"loop_id": ["n1", "b1"], "reading": [0, 7]}


def test_leftovers_go_and_what_an_append_does_not_know_stays(library: Workspace) -> None:
    first = LoopStore(library).part_names()[0]
    kept = stage_part(library, "aaaaaaaa", first, {"A": FileRows([record("n1", "A")], {})})
    lost = stage_part(library, "bbbbbbbb", first, {"A": FileRows([record("n2", "A")], {})})
    LoopStore(library).append([record("d1", "D", pitches=(1, 2, 3))])
    with exchanging(library):
        drop_leftovers(library, keep="aaaaaaaa")
    for folder in (library.loops, library.notes):
        assert (folder / kept).exists() and not (folder / lost).exists()
    assert ids(library) == ["a1", "a2", "b1", "c1", "d1"]


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 99, "exchanges": []}', '{"format": 1}'])
def test_a_damaged_log_is_named(library: Workspace, content: str) -> None:
    library.exchanges.write_text(content)
    with pytest.raises(StoreError, match=r"exchanges\.json is damaged"):
        ids(library)


def test_the_log_is_plain_values(library: Workspace) -> None:
    done = put_in(library, record("n1", "A", pitches=(70, 75)), kind="reread")
    said = json.loads(library.exchanges.read_text())
    assert said["format"] == 1 and said["exchanges"][0]["id"] == done.id and said["exchanges"][0]["kind"] == "reread"
