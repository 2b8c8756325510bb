"""Distributions of labels for review: counted by hand, and every row leads to the loops it counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import searched_library
from composer_core.errors import InvalidValue
from composer_core.pipeline.labels.distributions import (
    affect_density,
    drift,
    label_counts,
    loops_with,
    missing,
    scores_by_label,
    unapproved,
)
from composer_core.pipeline.library import browse
from composer_core.pipeline.library.filters import Filter
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import LabelStore
from composer_core.workspace import Workspace

LOOPS = ("a1", "a2", "a3", "a4")


def say(workspace: Workspace, loop_id: str, source: str = "model:m@1", **values: Any) -> None:
    store = LabelStore(workspace.labels)
    if source.startswith("human:"):
        entries = [Entry(loop_id, name, value, "approved") for name, value in values.items()]
        store.write(source[6:], "approve", loop_id, entries, store.seen([loop_id])[loop_id])
    else:
        store.add(source, [Entry(loop_id, name, value, "suggested", 0.5) for name, value in values.items()])


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "workspace").create()
    records = [
        searched_library.record(name, scores={"total": 20.0 * (number + 1)}) for number, name in enumerate(LOOPS)
    ]
    searched_library.add(made, *records)
    say(made, "a1", emotion="happy", emotion_valence=0.5, emotion_arousal=0.9, genre={"rock": 0.5, "funk-fast": 0.5})
    say(made, "a2", emotion="happy", emotion_valence=1.0, emotion_arousal=1.0, technique=["ghost", "ride"])
    say(made, "a3", emotion="sad", emotion_valence=-1.0, emotion_arousal=0.0, tempo_bucket="slow")
    say(made, "a3", "human:aki", emotion="calm", emotion_valence=0.0, quality=4)
    say(made, "a2", "human:aki", emotion="happy", emotion_valence=0.5)
    return made


def test_counts_by_field_and_value(workspace: Workspace) -> None:
    rows = [(row.field, row.value, row.n_loops) for row in label_counts(workspace)]
    assert rows == [
        ("emotion", "happy", 2),
        ("emotion", "calm", 1),
        ("genre", "funk", 1),
        ("genre", "rock", 1),
        ("technique", "ghost", 1),
        ("technique", "ride", 1),
        ("quality", "4", 1),
        ("tempo_bucket", "slow", 1),
    ]


def test_every_count_leads_to_its_loops(workspace: Workspace) -> None:
    rows = label_counts(workspace)
    assert [len(loops_with(workspace, row.field, row.value)) for row in rows] == [row.n_loops for row in rows]
    filters = [row for row in rows if row.filter is not None]
    assert [row.field for row in rows if row.filter is None] == ["tempo_bucket"]
    assert [browse.count(workspace, row.filter) for row in filters] == [row.n_loops for row in filters]
    assert loops_with(workspace, "tempo_bucket", "slow") == ["a3"]


def test_counts_within_a_filter(workspace: Workspace) -> None:
    happy = Filter(emotions=("happy",))
    rows = label_counts(workspace, happy, ["emotion", "technique", "genre"])
    assert [(row.value, row.n_loops) for row in rows] == [
        ("happy", 2),
        ("ghost", 1),
        ("ride", 1),
        ("funk", 1),
        ("rock", 1),
    ]
    assert loops_with(workspace, "emotion", "happy", happy) == ["a2", "a1"]
    assert loops_with(workspace, "genre", "funk", Filter(genres=("rock",))) == ["a1"]
    assert loops_with(workspace, "technique", "ghost", Filter(techniques=("ride",))) == ["a2"]


def test_density_counts_each_loop_once_and_its_bins_lead_to_it(workspace: Workspace) -> None:
    # Valence by quarters of 0.5: a1 and a2 at 0.5 (a person corrected 1.0) lie in the last, a3 at 0 in the third.
    # Arousal by quarters of 0.25: 0.9 and 1.0 in the last, 0 in the first. a4 has neither.
    plane = affect_density(workspace, bins=4)
    expected = np.zeros((4, 4), int)
    expected[3, 3], expected[2, 0] = 2, 1
    assert (plane.counts == expected).all() and plane.n_without == 1
    for i, j in np.ndindex(4, 4):
        assert browse.count(workspace, plane.filter(i, j)) == plane.counts[i, j]
    with pytest.raises(InvalidValue, match="bin"):
        plane.filter(4, 0)


def test_scores_by_label(workspace: Workspace) -> None:
    # a1 and a2 (20 and 40) are happy: quartiles 25, 30, 35.
    rows = scores_by_label(workspace, "emotion")
    assert [(r.value, r.n_loops, r.lower, r.median, r.upper) for r in rows] == [
        ("happy", 2, 25.0, 30.0, 35.0),
        ("calm", 1, 60.0, 60.0, 60.0),
    ]
    assert browse.count(workspace, rows[0].filter) == 2
    assert [r.value for r in scores_by_label(workspace, "genre")] == ["funk", "rock"]


def test_drift_of_a_model_from_people(workspace: Workspace) -> None:
    # emotion: a3 sad -> calm is apart, a2 agrees. valence: 1.0 against 0.5 and -1.0 against 0.0, mean -0.25,
    # distances 0.25 and 0.5 of the axis.
    found = {row.field: row for row in drift(workspace)}
    emotion, valence = found["emotion"], found["emotion_valence"]
    assert (emotion.source, emotion.n_loops, emotion.n_apart, emotion.distance) == ("model:m@1", 2, 1, 0.5)
    assert (emotion.swaps, emotion.loop_ids, emotion.bias) == ((("calm", "sad", 1),), ("a3",), None)
    assert (valence.n_apart, valence.bias, valence.distance) == (2, -0.25, 0.375)
    assert valence.loop_ids == ("a3", "a2")
    assert sum(row.n_loops for row in drift(workspace, by_month=True) if row.field == "emotion") == 2


def test_missing_labels(workspace: Workspace) -> None:
    rows = {row.field: row for row in missing(workspace)}
    assert (rows["emotion"].n_without, rows["emotion"].n_unapproved) == (1, 2)
    assert (rows["technique"].n_without, rows["technique"].n_unapproved) == (3, 4)
    assert loops_with(workspace, "emotion", None) == ["a4"]
    assert unapproved(workspace, "emotion") == ["a4", "a1"]
    assert {row.field: row.n_without for row in missing(workspace, filter=Filter(emotions=("happy",)))}["genre"] == 1


def test_an_empty_library_has_empty_distributions(tmp_path: Path) -> None:
    empty = Workspace(tmp_path).create()
    assert label_counts(empty) == [] and drift(empty) == [] and scores_by_label(empty, "emotion") == []
    assert affect_density(empty).counts.sum() == 0
    assert {row.n_without for row in missing(empty)} == {0}


def test_fields_without_counts_are_refused(workspace: Workspace) -> None:
    with pytest.raises(InvalidValue, match="emotion_valence"):
        label_counts(workspace, fields=["emotion_valence"])
