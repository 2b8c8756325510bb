"""Loops like another one, and loops inside an outline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import small_library
from composer_core.errors import InvalidValue
from composer_core.pipeline import browse, library
from composer_core.pipeline.browse import Filter
from composer_core.pipeline.similar import similar, similar_to
from composer_core.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return small_library.make_library(tmp_path_factory.mktemp("library"))


def named(workspace: Workspace, name: str) -> list[str]:
    table = library.table(workspace)
    return [str(loop_id) for loop_id in table["loop_id"][table["source"].str.endswith(name)]]


def test_nearest_first_of_the_same_instrument_without_the_loop_itself(workspace: Workspace) -> None:
    first, second = named(workspace, "rock=beat.mid")
    found = similar(workspace, first)
    assert found[0].loop_id == second
    assert len(found) == 3  # four drum loops; the bass is not compared with drums
    assert [one.distance for one in found] == sorted(one.distance for one in found)
    assert similar(workspace, first, 1) == found[:1]


def test_a_loop_from_elsewhere_finds_its_own_copy_at_distance_nought(workspace: Workspace) -> None:
    (loop_id,) = named(workspace, "=shuffle.mid")
    nearest = similar_to(workspace, library.load_loop(workspace, loop_id), 2)[0]
    assert nearest.loop_id == loop_id and nearest.distance == pytest.approx(0, abs=1e-3)


def test_unknown_loops_have_none_and_k_is_checked(workspace: Workspace) -> None:
    assert similar(workspace, "0123456789abcdef") == []
    with pytest.raises(InvalidValue):
        similar(workspace, named(workspace, "=shuffle.mid")[0], 0)


def test_an_outline_holds_all_loops_inside_it(workspace: Workspace) -> None:
    table = library.table(workspace)
    x, y = table["tempo_bpm"].to_numpy(), table["n_notes"].to_numpy()
    everything = [
        (x.min() - 1, y.min() - 1),
        (x.max() + 1, y.min() - 1),
        (x.max() + 1, y.max() + 1),
        (x.min() - 1, y.max() + 1),
    ]
    assert set(browse.within(workspace, "tempo_bpm", "n_notes", everything)) == set(table["loop_id"])
    around_100 = [(99.0, 0.0), (101.0, 0.0), (101.0, 999.0), (99.0, 999.0)]
    assert browse.within(workspace, "tempo_bpm", "n_notes", around_100) == named(workspace, "line*.mid")
    assert browse.within(workspace, "tempo_bpm", "n_notes", around_100, Filter(("drums",))) == []
    assert browse.within(workspace, "tempo_bpm", "n_notes", around_100[:2]) == []
    # A triangle whose lower right half is cut away: the box holds the point, the outline does not.
    triangle = [(99.0, 0.0), (101.0, 999.0), (99.0, 999.0)]
    inside = 16 > 999 * (100 - 99) / 2  # the line from (99, 0) to (101, 999) is at 499.5 where x is 100
    assert bool(browse.within(workspace, "tempo_bpm", "n_notes", triangle)) == inside


def test_percentiles_are_those_of_the_instrument(workspace: Workspace) -> None:
    spread = browse.percentiles(workspace, "bass")["onset_density"]
    assert len(spread) == 101 and np.ptp(spread) == 0  # one loop: quarters, one onset each
    assert spread[50] == pytest.approx(1.0)


def test_a_catalogue_of_an_earlier_release_lacks_columns_and_is_read(tmp_path: Path) -> None:
    older = small_library.make_library(tmp_path)
    assert browse.count(older) == small_library.N_LOOPS
    for path in older.catalogue.glob("loops-*.parquet"):
        pq.write_table(pq.read_table(path).drop_columns(["key_mode", "score_digest", "labels.genres"]), path)
    moved = tmp_path / "moved"
    older.root.rename(moved)
    found = browse.page(Workspace(moved), columns=("loop_id", "key_mode", "score_digest"))
    assert found.total == small_library.N_LOOPS and found.rows["key_mode"].isna().all()
    assert [facet.value for facet in browse.facets(Workspace(moved), Filter(), ("genre",))["genre"]] in ([], [None])
