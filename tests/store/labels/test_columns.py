"""Labels worked out on arrays are those that replaying the events gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from composer_core.store.labels.arrays import lowest_confidence, read_events
from composer_core.store.labels.columns import all_labels
from composer_core.store.labels.projection import LABEL_SCHEMA, STATUS_COLUMN, labels_of
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import LabelStore

LOOPS = ("a", "b", "c", "太鼓", "e", "never")
VALUES: dict[str, list[Any]] = {
    "emotion": ["happy", "sad", '日本語 "quoted"\n\x1f,two lines'],
    "emotion_valence": [-0.5, 0.0, 0.1, 1e-7, 1],
    "genre": [{"rock": 1.0}, {"rock": 0.4, "jazz": 0.6}, {}],
    "technique": [["ghost"], ["flam", "roll"], []],
    "caption_ja": ["跳ねるビート", ""],
}
NOTES = ("", "", "a note\nof two lines, with \x1f", "もう一度")


def rows(table: Any) -> dict[str, dict[str, Any]]:
    return {row["loop_id"]: row for row in table.to_pylist() if row["label_status"] is not None}


def play(store: LabelStore, seed: int) -> None:
    """Random suggestions, imports, decisions, bulk edits and undos of three raters."""
    rng = np.random.default_rng(seed)

    def pick(choices: Any) -> Any:
        return choices[int(rng.integers(len(choices)))]

    for _ in range(50):
        loop_id, field = pick(LOOPS[:5]), pick(list(VALUES))
        value, note, kind = pick(VALUES[field]), pick(NOTES), rng.random()
        if kind < 0.3:
            source = pick(("model:m@1", "model:m@2", "rule:r", "import:gmd"))
            store.add(source, [Entry(loop_id, field, value, "suggested", 0.5)], note)
        elif kind < 0.85:
            seen = store.seen([loop_id])[loop_id]
            status = pick(("approved", "approved", "rejected", "draft", "settled"))
            action = {"approved": "approve", "rejected": "reject", "settled": "approve"}.get(status, "draft")
            shown = None if status in ("rejected", "settled") and rng.random() < 0.5 else value
            store.write(pick(("ann", "bo", "cy")), action, loop_id, [Entry(loop_id, field, shown, status)], seen, note)
        else:
            store.undo(pick(("ann", "bo", "cy")))


@pytest.mark.parametrize("seed", range(3))
def test_the_same_as_replaying_the_events(tmp_path: Path, seed: int) -> None:
    store = LabelStore(tmp_path / "labels.sqlite")
    play(store, seed)
    found, expected = rows(all_labels(store)), rows(labels_of(store, LOOPS))
    assert found == expected
    assert "never" not in found and {row["label_status"] for row in expected.values()} & {"disputed", "approved"}


def test_nothing_and_everything_taken_back(tmp_path: Path) -> None:
    store = LabelStore(tmp_path / "labels.sqlite")
    assert all_labels(store).num_rows == 0
    store.write("ann", "approve", "a", [Entry("a", "emotion", "happy", "approved")], {})
    assert all_labels(store).column("label_status").to_pylist() == ["approved"]
    store.undo("ann")
    table = all_labels(store)
    assert table.num_rows == 0 and table.schema == LABEL_SCHEMA


def test_lowest_confidence_names_its_field(location: Path | str) -> None:
    store = LabelStore(location)

    def lowest() -> dict[str, tuple[float, str]]:
        events = read_events(store)
        assert events is not None
        return lowest_confidence(events)

    entries = [Entry("L", "emotion", "sad", "suggested", 0.6), Entry("L", "genre", {"funk": 1.0}, "suggested", 0.2)]
    store.add("model:affect@1", [*entries, Entry("M", "emotion", "calm", "suggested", 0.9)])
    store.add("rule:density", [Entry("N", "emotion", "sad", "suggested")])
    store.add("import:emopia", [Entry("O", "emotion", "sad", "suggested", 0.1)])
    assert lowest() == {"L": (0.2, "genre"), "M": (0.9, "emotion"), "N": (0.0, "")}
    # The newest event of a field counts: a better model is surer of the genre now.
    store.add("model:affect@2", [Entry("L", "genre", {"funk": 1.0}, "suggested", 0.8)])
    assert lowest()["L"] == (0.6, "emotion")


def test_a_data_sets_word_is_an_annotation_until_somebody_decides(location: Path | str) -> None:
    """Both ways to the status of a loop call it so, and a person's or a model's word is called what it was."""
    store = LabelStore(location)
    store.add("import:emopia", [Entry("A", "emotion", "sad", "suggested"), Entry("B", "emotion", "sad", "suggested")])
    store.add("model:affect@1", [Entry(loop, "genre", {"funk": 1.0}, "suggested", 0.5) for loop in ("A", "C")])
    store.write("rin", "approve", "B", [Entry("B", "emotion", "sad", "approved")], store.seen(["B"])["B"])
    expected = {"A": "annotated", "B": "approved", "C": "suggested"}
    rows = all_labels(store).select(["loop_id", STATUS_COLUMN]).to_pylist()
    assert {row["loop_id"]: row[STATUS_COLUMN] for row in rows} == expected
    rows = labels_of(store, ["A", "B", "C"]).select(["loop_id", STATUS_COLUMN]).to_pylist()
    assert {row["loop_id"]: row[STATUS_COLUMN] for row in rows} == expected
    (event,) = (event for event in store.history("A") if event.source == "import:emopia")
    assert (event.status, event.shown_status) == ("suggested", "annotated")
