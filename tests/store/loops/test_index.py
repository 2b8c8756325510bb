"""The index of the library: found by id whatever happened to the file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from composer_core.errors import StoreError
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace
from searched_library import record


@pytest.fixture
def store(tmp_path: Path) -> LoopStore:
    """Loops a, b in one part and c in another."""
    store = LoopStore(Workspace(tmp_path / "w"))
    store.append([record("a"), record("b")])
    store.append([record("c")])
    return store


def test_a_lost_or_damaged_index_is_made_anew(store: LoopStore) -> None:
    index = store._workspace.loop_index
    for damage in (index.unlink, lambda: index.write_bytes(b"no database" * 500)):
        damage()
        assert store.load("c").source == "c.mid"
        # a is known, h has the content of a (see record).
        appended = store.append([record("a"), record("h", metrics={})])
        assert appended.known[0] == "a"
    assert store.table(["loop_id", "duplicate_of"]).set_index("loop_id")["duplicate_of"]["h"] == "a"


def test_a_part_whose_writer_died_before_the_index_is_found(store: LoopStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(store._index, "_add", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            store.append([record("d")])
    assert LoopStore(store._workspace).load("d").source == "d.mid"
    assert LoopStore(store._workspace).append([record("d")]).known == ("d",)


def test_an_index_of_earlier_tables_is_made_anew(store: LoopStore) -> None:
    with closing(sqlite3.connect(store._workspace.loop_index)) as connection:
        connection.execute("DROP TABLE files")
        connection.execute("PRAGMA user_version = 0")
        connection.commit()
    digest = store.rows(["c"], ["loop_id", "source_digest"])["c"]["source_digest"]
    assert [row["loop_id"] for row in store.rows_of_files({digest}, ["loop_id", "source_digest"])] == ["c"]


def test_loops_of_files_are_found_in_library_order(store: LoopStore) -> None:
    columns = ["loop_id", "source_digest"]
    digests = {row["loop_id"]: row["source_digest"] for row in store.table(columns).to_dict("records")}
    wanted = {digests["c"], digests["a"], "no such file"}
    expected = [loop_id for loop_id, digest in digests.items() if digest in wanted]
    assert [row["loop_id"] for row in store.rows_of_files(wanted, columns)] == expected
    assert {"a", "c"} <= set(expected)
    assert store.rows_of_files(set(), columns) == []


def test_parts_that_are_gone_are_forgotten(store: LoopStore) -> None:
    last = sorted(store._workspace.loops.glob("*.parquet"))[-1]
    last.unlink()
    assert store.rows(["a", "c"], ["loop_id", "source"]) == {"a": {"loop_id": "a", "source": "a.mid"}}
    assert store.append([record("c")]).added == ("c",)


def test_an_index_that_cannot_be_written_is_said(store: LoopStore) -> None:
    index = store._workspace.loop_index
    for path in index.parent.glob("index.sqlite*"):
        path.unlink()
    index.mkdir()
    with pytest.raises(StoreError) as caught:
        store.load("a")
    assert caught.value.code == "cannot_write"
