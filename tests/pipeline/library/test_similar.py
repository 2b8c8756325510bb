"""Loops like another one, and loops inside an outline."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import small_library
from composer_core.errors import InvalidValue, NotFound
from composer_core.metrics import fingerprint_distance, rhythm_fingerprint
from composer_core.pipeline.library import browse, distributions, loops
from composer_core.pipeline.library.filters import Filter
from composer_core.pipeline.library.similar import BY_FINGERPRINT, WAYS, rows_by_instrument, similar, similar_to
from composer_core.store.atomic import atomic_writer
from composer_core.store.search.row_files import ROWS_SUFFIX, write_rows
from composer_core.workspace import Workspace
from searched_library import add, label, record


def named(workspace: Workspace, name: str) -> list[str]:
    table = loops.table(workspace)
    return [str(loop_id) for loop_id in table["loop_id"][table["source"].str.endswith(name)]]


def test_nearest_first_of_the_same_instrument_without_the_loop_itself(workspace: Workspace) -> None:
    first, second = named(workspace, "rock=beat.mid")
    found = similar(workspace, first)
    assert found[0].loop_id == second
    assert len(found) == 3  # four drum loops; the bass is not compared with drums
    assert [one.distance for one in found] == sorted(one.distance for one in found)
    assert similar(workspace, first, 1) == found[:1]


@pytest.mark.parametrize("by", WAYS)
def test_a_loop_from_elsewhere_finds_its_own_copy_at_distance_nought(workspace: Workspace, by: str) -> None:
    (loop_id,) = named(workspace, "=shuffle.mid")
    nearest = similar_to(workspace, loops.load_loop(workspace, loop_id), 2, by)[0]
    assert nearest.loop_id == loop_id and nearest.distance == pytest.approx(0, abs=1e-3)


def test_by_fingerprint_is_the_distance_of_the_metrics_of_rhythm(workspace: Workspace) -> None:
    own, other = named(workspace, "rock=beat.mid")[0], named(workspace, "=shuffle.mid")[0]
    prints = [rhythm_fingerprint(loops.load_loop(workspace, loop_id)) for loop_id in (own, other)]
    found = {one.loop_id: one.distance for one in similar(workspace, own, by=BY_FINGERPRINT)}
    assert len(found) == 3
    # Codes are exact for the onsets; each of the ten gap shares is at most half a code (1/480) off, which
    # weighs a quarter of a half of their sum.
    assert found[other] == pytest.approx(fingerprint_distance(*prints), abs=0.25 * 0.5 * 10 * 2 / 480)


def test_unknown_loops_and_bad_questions_are_refused(workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        similar(workspace, "0123456789abcdef")
    (loop_id,) = named(workspace, "=shuffle.mid")
    with pytest.raises(InvalidValue):
        similar(workspace, loop_id, 0)
    with pytest.raises(InvalidValue):
        similar(workspace, loop_id, by="colour")


def test_a_loop_alone_of_its_instrument_has_none(workspace: Workspace) -> None:
    (loop_id,) = named(workspace, "line*.mid")
    assert [similar(workspace, loop_id, by=by) for by in WAYS] == [[], []]


def test_equals_go_by_their_id_and_all_of_them_compete(tmp_path: Path) -> None:
    """Six copies of a loop and k 2: the two of the least ids, also where they lie in different files."""
    workspace = Workspace(tmp_path / "w")
    for names in ("fb", "ed", "ca"):
        add(workspace, *(record(name, metrics={"syncopation": 1.0}) for name in names))
        similar(workspace, names[0])
    add(workspace, record("z", metrics={"syncopation": 2.0}))
    assert [one.loop_id for one in similar(workspace, "c", 2)] == ["a", "b"]
    assert [one.loop_id for one in similar(workspace, "a", 2)] == ["b", "c"]


def test_search_is_exact(tmp_path: Path) -> None:
    """Sixty random loops: the answer is that of comparing each one with each other by the definition."""
    rng = np.random.default_rng(5)
    workspace = Workspace(tmp_path / "w")
    rows = rng.normal(size=(60, 2))
    rows[rng.random((60, 2)) < 0.1] = np.nan
    names = [f"{index:02d}" for index in range(60)]
    records = [
        record(name, metrics={"syncopation": float(a), "velocity_sd": float(b)})
        for name, (a, b) in zip(names, rows, strict=True)
    ]
    add(workspace, *records[:20])
    assert len(similar(workspace, "07", 5)) == 5
    add(workspace, *records[20:])
    standard = (rows - np.nanmean(rows, axis=0)) / np.nanstd(rows, axis=0)
    apart = np.minimum(np.abs(standard - standard[7]), 3.0)
    both = np.isnan(standard) & np.isnan(standard[7])
    apart = np.where(both, 0.0, np.where(np.isnan(apart), 1.0, apart))
    distance = np.sqrt((apart**2).mean(axis=1)) / 3
    expected = [names[index] for index in np.argsort(distance, kind="stable") if index != 7][:10]
    assert [one.loop_id for one in similar(workspace, "07", 10)] == expected


def test_loops_stored_without_codes_are_given_them(workspace: Workspace, tmp_path: Path) -> None:
    """Parts of an earlier release have no fingerprint; the answer is the same."""
    loop_id = named(workspace, "=shuffle.mid")[0]
    before = similar(workspace, loop_id, by=BY_FINGERPRINT)
    for path in workspace.loops.glob("part-*.parquet"):
        pq.write_table(pq.read_table(path).drop_columns(["fingerprint"]), path)
    moved = tmp_path / "moved"
    workspace.root.rename(moved)
    shutil.rmtree(Workspace(moved).similarity)
    assert similar(Workspace(moved), loop_id, by=BY_FINGERPRINT) == before


def test_the_files_are_mended_merged_and_follow_the_library(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    for name in "abcdefgh":
        add(workspace, record(name))
        assert sum(len(part.loop_ids) for part in rows_by_instrument(workspace)["drums"]) == ord(name) - 96
    files = sorted(workspace.similarity.glob("similar-*.arrow"))
    # Each new part of one loop is merged with files of fewer than twice as many: eight parts leave one file.
    assert len(files) == 1
    assert rows_by_instrument(workspace) is rows_by_instrument(workspace)
    moved = tmp_path / "moved"
    workspace.root.rename(moved)
    (moved / files[0].relative_to(workspace.root)).write_bytes(b"ARROW1 cut off")
    assert len(similar(Workspace(moved), "a", 20)) == 7


def test_an_outline_holds_all_loops_inside_it(workspace: Workspace) -> None:
    table = loops.table(workspace)
    x, y = table["tempo_bpm"].to_numpy(), table["n_notes"].to_numpy()
    everything = [
        (x.min() - 1, y.min() - 1),
        (x.max() + 1, y.min() - 1),
        (x.max() + 1, y.max() + 1),
        (x.min() - 1, y.max() + 1),
    ]
    assert set(distributions.within(workspace, "tempo_bpm", "n_notes", everything)) == set(table["loop_id"])
    around_100 = [(99.0, 0.0), (101.0, 0.0), (101.0, 999.0), (99.0, 999.0)]
    assert distributions.within(workspace, "tempo_bpm", "n_notes", around_100) == named(workspace, "line*.mid")
    assert distributions.within(workspace, "tempo_bpm", "n_notes", around_100, Filter(("drums",))) == []
    assert distributions.within(workspace, "tempo_bpm", "n_notes", around_100[:2]) == []
    # A triangle whose lower right half is cut away: the box holds the point, the outline does not.
    triangle = [(99.0, 0.0), (101.0, 999.0), (99.0, 999.0)]
    inside = 16 > 999 * (100 - 99) / 2  # the line from (99, 0) to (101, 999) is at 499.5 where x is 100
    assert bool(distributions.within(workspace, "tempo_bpm", "n_notes", triangle)) == inside


def test_percentiles_are_those_of_the_instrument(workspace: Workspace) -> None:
    spread = distributions.percentiles(workspace, "bass")["onset_density"]
    assert len(spread) == 101 and np.ptp(spread) == 0  # one loop: quarters, one onset each
    assert spread[50] == pytest.approx(1.0)


def test_percentiles_follow_the_library_and_not_its_labels(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    add(workspace, record("a", metrics={"syncopation": 1.0}))
    before = distributions.percentiles(workspace, "drums")["syncopation"]
    label(workspace, "a", {"emotion": "happy"})
    assert distributions.percentiles(workspace, "drums")["syncopation"] is before
    add(workspace, record("b", metrics={"syncopation": 3.0}))
    # Of 1 and 3 the median is 2.
    assert distributions.percentiles(workspace, "drums")["syncopation"][50] == pytest.approx(2.0)


def test_a_catalogue_of_an_earlier_release_lacks_columns_and_is_read(workspace: Workspace, tmp_path: Path) -> None:
    assert browse.count(workspace) == small_library.N_LOOPS
    for path in workspace.catalogue.glob("loops-*.parquet"):
        table = pq.read_table(path).drop_columns(["key_mode", "score_digest", "labels.genres"])
        pq.write_table(table, path)
        with atomic_writer(path.with_suffix(ROWS_SUFFIX)) as stream:
            write_rows(stream, table)
    moved = tmp_path / "moved"
    workspace.root.rename(moved)
    found = browse.page(Workspace(moved), columns=("loop_id", "key_mode", "score_digest"))
    assert found.total == small_library.N_LOOPS and found.rows["key_mode"].isna().all()
    assert [facet.value for facet in browse.facets(Workspace(moved), Filter(), ("genre",))["genre"]] in ([], [None])
