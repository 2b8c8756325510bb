"""Importing labels: once, checked row by row, never over a person."""

from __future__ import annotations

import pytest

from composer_core.errors import InvalidValue
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.imports import LabelRow, import_labels
from composer_core.store.labels.store import LabelStore
from composer_core.workspace import Workspace
from small_library import ids

SOURCE = "import:some set"


def rows_for(workspace: Workspace) -> list[LabelRow]:
    first, second, *_ = ids(workspace)
    return [
        LabelRow(first, "emotion", "sad", 0.1),
        LabelRow(first, "genre", {"rock": 1}, 1.0, "from the file's name"),
        LabelRow(second, "key_root", "C#"),
        LabelRow(second, "quality", 4),
    ]


def test_labels_are_stored_and_count(workspace: Workspace) -> None:
    report = import_labels(workspace, rows_for(workspace), SOURCE)
    assert (report.rows, report.written, report.unchanged, report.n_refused) == (4, 4, 0, 0)
    first, second, *_ = ids(workspace)
    labels = decisions.current(workspace, first).fields
    assert (labels["emotion"].value, labels["emotion"].source, labels["emotion"].confidence) == ("sad", SOURCE, 0.1)
    assert (labels["genre"].value, labels["genre"].note) == ({"rock": 1.0}, "from the file's name")
    assert decisions.current(workspace, second).values == {"key_root": "Db", "quality": 4}


def test_importing_twice_changes_nothing(workspace: Workspace) -> None:
    import_labels(workspace, rows_for(workspace), SOURCE)
    before = LabelStore(workspace.labels).events()
    again = import_labels(workspace, rows_for(workspace), SOURCE)
    assert (again.written, again.unchanged) == (0, 4)
    assert LabelStore(workspace.labels).events() == before


def test_what_changed_is_written_anew(workspace: Workspace) -> None:
    import_labels(workspace, rows_for(workspace), SOURCE)
    changed = [LabelRow(ids(workspace)[0], "emotion", "calm", 0.1), *rows_for(workspace)[1:]]
    report = import_labels(workspace, changed, SOURCE)
    assert (report.written, report.unchanged) == (1, 3)
    assert decisions.current(workspace, ids(workspace)[0]).values["emotion"] == "calm"


def test_a_persons_label_goes_on_counting(workspace: Workspace) -> None:
    loop_id = ids(workspace)[0]
    decisions.decide(workspace, loop_id, rater="aki", action="approve", values={"emotion": "happy"}, seen={})
    report = import_labels(workspace, rows_for(workspace), SOURCE)
    assert (report.written, report.behind_people) == (4, 1)
    label = decisions.current(workspace, loop_id).fields["emotion"]
    assert (label.value, label.source, label.status) == ("happy", "human:aki", "approved")
    # Taken back, the person's label no longer stands in front.
    decisions.undo(workspace, "aki")
    assert decisions.current(workspace, loop_id).values["emotion"] == "sad"


def test_bad_rows_are_refused_with_their_reason_and_the_others_kept(workspace: Workspace) -> None:
    first = ids(workspace)[0]
    bad = [
        LabelRow("0123456789abcdef", "emotion", "sad", origin="labels.csv:2"),
        LabelRow(first, "emotion", "joyous"),
        LabelRow(first, "mood", "sad"),
        LabelRow(first, "emotion", "sad", confidence=1.5),
        LabelRow(first, "emotion", "sad", confidence=float("nan")),
        LabelRow(first, "genre", {"rock": 0.4}),
        LabelRow(first, "genre", {}),
        LabelRow(first, "emotion", None),
        LabelRow(first, "quality", 2.5),
        LabelRow(first, "caption_en", "two\nlines"),
    ]
    report = import_labels(workspace, [*bad, *rows_for(workspace)], SOURCE)
    assert (report.rows, report.written, report.n_refused) == (14, 4, 10)
    assert [refusal.code for refusal in report.refused] == [
        "loop_missing", "unknown_choice", "unknown_option", "value_out_of_range", "value_out_of_range",
        "bad_weights", "bad_format", "bad_format", "bad_format", "bad_format",
    ]  # fmt: skip
    assert report.refused[0].origin == "labels.csv:2" and report.refused[1].origin == "row 2"
    assert "joyous" in report.refused[1].message


def test_a_row_given_twice_counts_once_and_the_last_wins(workspace: Workspace) -> None:
    first = ids(workspace)[0]
    report = import_labels(workspace, [LabelRow(first, "emotion", "sad"), LabelRow(first, "emotion", "calm")], SOURCE)
    assert (report.written, report.unchanged) == (1, 1)
    assert decisions.current(workspace, first).values["emotion"] == "calm"


@pytest.mark.parametrize("source", ["human:aki", "some set", "model:x@1", "import:"])
def test_only_imports_may_import(workspace: Workspace, source: str) -> None:
    with pytest.raises(InvalidValue):
        import_labels(workspace, rows_for(workspace), source)
