"""Searching the library: every answer against what five known loops must give."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from composer_core.errors import InvalidValue, NotFound, StoreError
from composer_core.music.timing import Meter
from composer_core.pipeline.library import browse, distributions
from composer_core.pipeline.library.filters import ColumnRange, Filter
from composer_core.store.exclusions import Exclusion, ExclusionStore
from composer_core.store.loops.store import LoopStore
from composer_core.store.search import catalogue
from composer_core.workspace import Workspace
from searched_library import add, label, record, small_library


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A library of a test's own, to change."""
    return small_library(Workspace(tmp_path / "workspace"))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The same library for all tests that only ask."""
    return small_library(Workspace(tmp_path_factory.mktemp("shared") / "workspace"))


def found(workspace: Workspace, **asked: object) -> str:
    return "".join(sorted(browse.ids(workspace, Filter(**asked))))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({}, "abcde"),
        ({"instruments": ("bass",)}, "d"),
        ({"instruments": ("bass", "drums")}, "abcde"),
        ({"genres": ("funk",)}, "a"),
        # a holds jazz beside funk, b a sub-style of jazz.
        ({"genres": ("jazz",)}, "ab"),
        ({"genres": ("jazz-swing",)}, "b"),
        ({"emotions": ("happy", "sad")}, "ac"),
        ({"techniques": ("ghost",)}, "c"),
        ({"key_roots": ("C#",), "key_modes": ("minor",)}, "d"),
        # What was measured and what was labelled are asked for apart.
        ({"measured_roots": ("F#",), "measured_modes": ("dorian",)}, "d"),
        ({"measured_roots": ("C#", "C")}, ""),
        ({"meters": ("6/8",)}, "d"),
        ({"swing_phases": ("straight",)}, "abce"),
        ({"origins": ("generated",)}, "e"),
        ({"statuses": ("approved",)}, "abd"),
        ({"statuses": ("suggested", "unlabelled")}, "ce"),
        ({"sources": ("c.mid",)}, "c"),
        ({"datasets": ("gmd",)}, ""),
        ({"ranges": (ColumnRange("tempo_bpm", 95, 110),)}, "bc"),
        ({"ranges": (ColumnRange("metrics.syncopation", low=5),)}, "cd"),
        # Nobody has been scored: nothing lies in any range, nor below the mark.
        ({"ranges": (ColumnRange("scores.total", low=0),)}, ""),
        ({"below_total": 70.0}, ""),
        ({"text": "BRUSH"}, "b"),
        ({"text": "crisp hats"}, "a"),
        ({"text": "mid kit"}, "b"),
        ({"text": "%"}, ""),
        ({"without": (("genre", "jazz"), ("status", "unlabelled"))}, "cd"),
        ({"without": (("key_root", "C#"),)}, "abce"),
    ],
)
def test_filters(library: Workspace, asked: dict[str, object], ids: str) -> None:
    assert found(library, **asked) == ids
    assert browse.count(library, Filter(**asked)) == len(ids)  # type: ignore[arg-type]


def test_values_are_never_read_as_sql(library: Workspace) -> None:
    nasty = "'; DROP VIEW loops; --"
    assert found(library, instruments=(nasty,), text=nasty) == ""
    assert found(library, text='"') == ""
    with pytest.raises(InvalidValue, match="unknown option") as caught:
        found(library, ranges=(ColumnRange('x" OR 1=1 --', 0, 1),))
    assert "tempo_bpm" in str(caught.value)
    assert found(library) == "abcde"


def test_the_query_engine_reads_nothing_but_the_catalogue(library: Workspace) -> None:
    from composer_core.pipeline.library.query import library_query

    secret = library.root / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    query = library_query(library)
    for text in (f"SELECT * FROM read_csv('{secret}')", "INSTALL httpfs", "SET threads = 1", "LOAD httpfs"):
        with pytest.raises(StoreError):
            query._views.rows(text, [])


def test_pages_follow_their_order(library: Workspace) -> None:
    first = browse.page(library, limit=2)
    assert first.total == 5 and first.rows["loop_id"].tolist() == ["e", "d"]
    assert browse.page(library, offset=4, limit=2).rows["loop_id"].tolist() == ["a"]
    by = [("instrument", False), ("tempo_bpm", True)]
    # d is the only bass; e is at the usual 120 BPM.
    assert browse.page(library, sort=by).rows["loop_id"].tolist() == ["d", "e", "c", "b", "a"]
    # Loops without the value come last, the newest first, whichever way.
    for down in (True, False):
        assert browse.page(library, sort=[("labels.quality", down)]).rows["loop_id"].tolist() == list("decba")
    assert set(browse.LISTED) == set(first.rows.columns)
    with pytest.raises(InvalidValue):
        browse.page(library, limit=0)
    with pytest.raises(InvalidValue, match="nonsense"):
        browse.page(library, sort=[("nonsense", True)])


def test_rows_of_some_loops(library: Workspace) -> None:
    rows = browse.rows(library, ["c", "a"], ["loop_id", "labels.technique", "labels.genres", "label_status"])
    assert rows["loop_id"].tolist() == ["c", "a"]
    assert list(rows["labels.technique"][0]) == ["fill", "ghost"]
    assert list(rows["labels.genres"][1]) == ["funk", "jazz"]
    assert "metrics.syncopation" in browse.rows(library, ["a"]).columns
    with pytest.raises(NotFound, match="'x'"):
        browse.rows(library, ["a", "x"])


def test_facets(library: Workspace) -> None:
    fields = ["instrument", "genre", "technique", "status", "labels.quality"]
    counts = browse.facets(library, Filter(), fields)
    plain = {name: {facet.value: facet.n_loops for facet in values} for name, values in counts.items()}
    assert plain["instrument"] == {"drums": 4, "bass": 1}
    # a counts for both its families; c, d and e have no genre.
    assert plain["genre"] == {"jazz": 2, "funk": 1, None: 3}
    assert plain["technique"] == {"fill": 1, "ghost": 1, None: 4}
    assert plain["status"] == {"approved": 3, "suggested": 1, "unlabelled": 1}
    assert plain["labels.quality"] == {"4.0": 1, None: 4}


def test_a_facet_leaves_its_own_choice_aside(library: Workspace) -> None:
    asked = Filter(instruments=("bass",), statuses=("approved",))
    counts = browse.facets(library, asked, ["instrument", "status"])
    assert {facet.value: facet.n_loops for facet in counts["instrument"]} == {"drums": 2, "bass": 1}
    assert {facet.value: facet.n_loops for facet in counts["status"]} == {"approved": 1}


def test_histogram(library: Workspace) -> None:
    # Syncopation 3, 4, 5, 6, 0: bins of 1.5 from 0 to 6, the last one closed.
    drawn = distributions.histogram(library, "metrics.syncopation", bins=4)
    assert drawn.edges.tolist() == [0, 1.5, 3, 4.5, 6]
    assert drawn.counts[None].tolist() == [1, 0, 2, 2]
    assert drawn.n_without == 0
    split = distributions.histogram(library, "metrics.syncopation", bins=2, split="genre")
    assert {name: values.tolist() for name, values in split.counts.items()} == {
        "funk": [0, 1],
        "jazz": [0, 1],
        None: [1, 2],
    }
    empty = distributions.histogram(library, "metrics.swing_ratio_8")
    assert (empty.counts, empty.n_without) == ({}, 5)
    with pytest.raises(InvalidValue, match="instrument"):
        distributions.histogram(library, "instrument")


def test_a_histogram_of_one_value(library: Workspace) -> None:
    drawn = distributions.histogram(library, "arousal_estimate", bins=4)
    assert drawn.edges.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0] and drawn.counts[None].sum() == 5


def test_scatter_is_the_same_sample_each_time(library: Workspace) -> None:
    drawn = distributions.scatter(library, "tempo_bpm", "metrics.syncopation", limit=3, colour="genre")
    assert (len(drawn.rows), drawn.total) == (3, 5)
    again = distributions.scatter(library, "tempo_bpm", "metrics.syncopation", limit=3, colour="genre")
    pd.testing.assert_frame_equal(drawn.rows, again.rows)
    assert distributions.scatter(library, "tempo_bpm", "metrics.swing_ratio_8").total == 0


def test_projection_keeps_what_differs(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "plane")
    # Two metrics that rise together and one that never differs: one axis explains everything.
    metrics = [{"syncopation": float(n), "onset_density": 2.0 * n, "swing_ratio_8": 1.0} for n in range(6)]
    add(workspace, *(record(str(n), metrics=row) for n, row in enumerate(metrics)))
    drawn = distributions.projection(workspace, metrics=("syncopation", "onset_density", "swing_ratio_8"))
    assert drawn.explained == pytest.approx((1.0, 0.0))
    assert {name for name, _ in drawn.x_metrics} == {"metrics.syncopation", "metrics.onset_density"}
    order = drawn.rows.sort_values("x")["loop_id"].tolist()
    assert order == list("012345")


def test_labels_given_later_are_seen_at_once(workspace: Workspace) -> None:
    assert found(workspace, statuses=("unlabelled",)) == "e"
    version = browse.version(workspace)
    label(workspace, "e", {"emotion": "calm"})
    assert browse.version(workspace) != version
    assert found(workspace, statuses=("unlabelled",)) == ""
    assert found(workspace, emotions=("calm",)) == "e"
    label(workspace, "a", {"emotion": "warm"})
    assert found(workspace, emotions=("happy",)) == "" and found(workspace, emotions=("warm",)) == "a"
    assert browse.rows(workspace, ["a"], ["labels.genre"])["labels.genre"].tolist() == ["funk"]
    label(workspace, "a", {"emotion": "sad"}, rater="bob")
    assert found(workspace, statuses=("disputed",)) == "a"


def test_loops_added_later_are_seen_at_once(workspace: Workspace) -> None:
    assert browse.count(workspace) == 5
    add(workspace, record("f"), record("g", meter=Meter(3, 4), metrics={"later_metric": 2.0}))
    assert found(workspace) == "abcdefg"
    assert found(workspace, ranges=(ColumnRange("metrics.later_metric", 1, 3),)) == "g"


def test_the_files_are_merged_and_written_anew_when_they_must(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "MAX_LATER", 1)
    for number, name in enumerate("fghij"):
        add(workspace, record(name))
        label(workspace, name, {"emotion": "calm"})
        assert browse.count(workspace, Filter(emotions=("calm",))) == number + 1
    files = list(workspace.catalogue.glob("*.parquet"))
    rows = sum(pq.read_metadata(path).num_rows for path in files)
    assert rows == 10 and len(files) < 4
    label(workspace, "a", {"emotion": "calm"})
    label(workspace, "b", {"emotion": "calm"})
    assert found(workspace, emotions=("calm",)) == "abfghij"
    assert found(workspace) == "abcdefghij"


def test_the_catalogue_is_made_again_when_it_is_lost_or_damaged(workspace: Workspace) -> None:
    assert found(workspace) == "abcde"
    for path in workspace.catalogue.glob("*.parquet"):
        path.unlink()
    assert found(workspace, genres=("jazz",)) == "ab"
    (workspace.catalogue / "manifest.json").write_text("{")
    assert found(workspace, genres=("jazz",)) == "ab"


def test_exclusions_hide_loops_and_give_them_back(workspace: Workspace) -> None:
    store = ExclusionStore(workspace)
    store.append([Exclusion("a", "near_duplicate", "b", "rule:dedupe"), Exclusion("c", "damaged", author="human:ann")])
    assert found(workspace, hide_excluded=True) == "bde"
    assert found(workspace) == "abcde"
    assert browse.rows(workspace, ["a"], ["excluded"])["excluded"].tolist() == ["near_duplicate"]
    store.append([Exclusion("a", "", author="human:ann")])
    assert found(workspace, hide_excluded=True) == "abde"


def test_exact_duplicates_can_be_hidden(workspace: Workspace) -> None:
    add(workspace, record("h"))  # h: 17 % 7 = 3, as a
    assert LoopStore(workspace).table(["loop_id", "duplicate_of"]).set_index("loop_id")["duplicate_of"]["h"] == "a"
    assert found(workspace, hide_duplicates=True) == "abcde"


def test_an_empty_library(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "empty")
    assert browse.count(workspace) == 0
    assert browse.page(workspace).rows.empty
    assert browse.facets(workspace, Filter(), ["genre"]) == {"genre": []}
    assert distributions.histogram(workspace, "tempo_bpm").counts == {}
    assert distributions.projection(workspace).rows.empty
    assert {"metrics.syncopation", "scores.total", "labels.emotion"} <= set(browse.columns(workspace))


def test_export(library: Workspace, tmp_path: Path) -> None:
    names = ["loop_id", "source", "tempo_bpm", "labels.technique", "created_at", "metrics.swing_ratio_8"]
    stream = io.BytesIO()
    assert browse.export(library, stream, "csv", columns=names) == 5
    table = pd.read_csv(io.BytesIO(stream.getvalue()), encoding="utf-8-sig").set_index("loop_id")
    assert table.index.tolist() == list("abcde")
    assert table["source"]["d"] == "'=evil.mid"
    assert table["labels.technique"]["c"] == "fill;ghost"
    assert np.isnan(table["metrics.swing_ratio_8"]).all()
    assert browse.export_file(library, tmp_path / "x.jsonl", "jsonl", Filter(instruments=("bass",)), names) == 1
    (row,) = map(json.loads, (tmp_path / "x.jsonl").read_text().splitlines())
    assert (row["source"], row["metrics.swing_ratio_8"]) == ("=evil.mid", None)
    assert browse.export_file(library, tmp_path / "x.parquet", "parquet") == 5
    assert pq.read_table(tmp_path / "x.parquet").column("loop_id").to_pylist() == list("abcde")
    with pytest.raises(InvalidValue, match="xml"):
        browse.export(library, stream, "xml")


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_an_export_of_nothing_still_has_its_columns(library: Workspace, tmp_path: Path, form: str) -> None:
    path = tmp_path / "nothing"
    assert browse.export_file(library, path, form, Filter(meters=("9/8",)), ["loop_id", "meter"]) == 0
    if form == "csv":
        assert path.read_text("utf-8-sig") == "loop_id,meter\n"
    elif form == "parquet":
        assert pq.read_table(path).column_names == ["loop_id", "meter"]
    else:
        assert path.read_bytes() == b""


def test_the_measured_key_is_counted_by_name(library: Workspace) -> None:
    counted = browse.facets(library, Filter(), ("measured_root", "measured_mode"))
    assert {facet.value: facet.n_loops for facet in counted["measured_root"]} == {None: 4, "F#": 1}
    assert {facet.value: facet.n_loops for facet in counted["measured_mode"] if facet.value} == {"dorian": 1}
    assert browse.count(library, browse.where(library, "measured_root=F#")) == 1
