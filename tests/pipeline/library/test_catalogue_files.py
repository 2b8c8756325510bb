"""The files a search reads: what is fetched by place equals what is scanned, whatever came later or is lacking."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from composer_core.pipeline.generation.approval import wants_starter
from composer_core.pipeline.library import browse
from composer_core.pipeline.library.filters import Filter
from composer_core.pipeline.library.query import library_query
from composer_core.store.atomic import atomic_writer
from composer_core.store.exclusions import Exclusion, ExclusionStore
from composer_core.store.labels.store import LabelStore
from composer_core.store.loops import part_files
from composer_core.store.loops.store import LoopStore
from composer_core.store.search import catalogue
from composer_core.store.search.row_files import ROWS_SUFFIX, write_rows
from composer_core.workspace import Workspace
from searched_library import label, small_library


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The small library in a file a part: no part is merged with the next."""
    for module in (catalogue, part_files):
        monkeypatch.setattr(module, "FULL_ROWS", 1)
    return small_library(Workspace(tmp_path / "workspace"))


def assert_fetched_as_scanned(workspace: Workspace) -> None:
    query = library_query(workspace)
    names = list(query.columns())
    scanned = query.select(names).to_pandas().sort_values("loop_id").reset_index(drop=True)
    page = query.select(names, limit=10).to_pandas().sort_values("loop_id").reset_index(drop=True)
    some = query.rows_of(["e", "b", "nothing"], names).to_pandas().sort_values("loop_id").reset_index(drop=True)
    assert str(page.to_dict("list")) == str(scanned.to_dict("list"))
    chosen = scanned[scanned["loop_id"].isin(["b", "e"])].reset_index(drop=True)
    assert str(some.to_dict("list")) == str(chosen.to_dict("list"))


def test_rows_fetched_by_place_equal_the_rows_scanned(workspace: Workspace) -> None:
    assert_fetched_as_scanned(workspace)
    assert len(list(workspace.catalogue.glob("loops-*.parquet"))) == 2
    label(workspace, "b", {"emotion": "calm"})
    ExclusionStore(workspace).append([Exclusion("d", "damaged", author="human:ann")])
    assert_fetched_as_scanned(workspace)


def test_files_with_different_columns_are_read_together(workspace: Workspace, tmp_path: Path) -> None:
    assert browse.count(workspace) == 5
    first = min(workspace.catalogue.glob("loops-*.parquet"))
    table = pq.read_table(first).drop_columns(["key_mode", "labels.genres", "key_root"])
    pq.write_table(table, first)
    with atomic_writer(first.with_suffix(ROWS_SUFFIX)) as stream:
        write_rows(stream, table)
    workspace.root.rename(tmp_path / "moved")
    moved = Workspace(tmp_path / "moved")
    assert_fetched_as_scanned(moved)
    assert browse.ids(moved, Filter(measured_modes=("dorian",))) == ["d"]


def test_only_files_with_loops_labelled_later_are_written_anew(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert browse.count(workspace) == 5
    monkeypatch.setattr(catalogue, "MAX_LATER", 1)
    first, second = sorted(path.name for path in workspace.catalogue.glob("loops-*.parquet"))
    before = [browse.rows(workspace, ["d"]).to_dict("list")]
    LabelStore(workspace.labels).undo("ann")
    label(workspace, "c", {"emotion": "calm"})
    label(workspace, "e", {"emotion": "warm", "technique": ["fill"]})
    assert browse.ids(workspace, Filter(emotions=("calm", "warm"))) == ["e", "c"]
    names = {path.name for path in workspace.catalogue.glob("loops-*.parquet")}
    assert first in names and second not in names
    after = browse.rows(workspace, ["d", "e", "c"], ["label_status", "labels.key_root", "labels.technique"])
    assert after["label_status"].tolist() == ["unlabelled", "approved", "approved"]
    assert after["labels.key_root"].isna().all() and before[0]["labels.key_root"] == ["C#"]
    assert list(after["labels.technique"][1]) == ["fill"] and list(after["labels.technique"][2]) == ["fill", "ghost"]
    assert library_query(workspace)._views._later_empty
    assert_fetched_as_scanned(workspace)


def test_which_columns_have_values(workspace: Workspace) -> None:
    known = {name for name in ("genre", "technique", "measured_root", "dataset", "swing") if
             browse.has_values(workspace, name)}  # fmt: skip
    assert known == {"genre", "technique", "measured_root", "swing"}
    assert browse.has_values(workspace, "metrics.syncopation") and not browse.has_values(workspace, "scores.total")
    assert browse.span(workspace, "tempo_bpm") == (90.0, 120.0) and browse.span(workspace, "scores.total") is None


def test_a_new_session_reads_no_column_of_a_library_that_has_loops(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unread(*_: object) -> None:
        raise AssertionError("the library's columns were read")

    monkeypatch.setattr(LoopStore, "_read", unread)
    assert not wants_starter(workspace)
