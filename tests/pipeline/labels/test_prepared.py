"""Loops made ready for a rater: what the form shows first, and what is left out."""

from __future__ import annotations

from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.prepared import confidences, first_values, prepare_loops
from composer_core.pipeline.library import loops
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import open_labels
from composer_core.workspace import Workspace
from small_library import ids


def test_several_loops_are_ready_at_once_and_strangers_left_out(workspace: Workspace) -> None:
    wanted = ids(workspace)[:3]
    made = prepare_loops(workspace, [*wanted, "gone", wanted[0]])
    assert list(made) == wanted
    for loop_id, prepared in made.items():
        assert prepared.loop == loops.load_loop(workspace, loop_id)
        assert prepared.labels == decisions.current(workspace, loop_id)
        assert list(prepared.events) == decisions.history(workspace, loop_id)
        assert prepared.suggestions == decisions.suggestion(workspace, loop_id)


def test_codes_that_could_not_be_stored_are_not_shown(workspace: Workspace) -> None:
    table = loops.table(workspace)
    bass = table["loop_id"][table["instrument"] == "bass"].iloc[0]
    said = {
        "technique": ["ghost", "slap"],  # ghost notes are a drummer's
        "genre": {"funk": 0.25, "gone": 0.5, "jazz": 0.25},  # halves of what is left
        "emotion": "gone",
    }
    entries = [Entry(bass, name, value, "suggested", 0.9) for name, value in said.items()]  # type: ignore[arg-type]
    open_labels(workspace).add("import:old words", entries)
    prepared = prepare_loops(workspace, [bass])[bass]
    values = first_values(prepared, "aki", vocabularies(workspace))
    assert values["technique"] == ["slap"] and values["genre"] == {"funk": 0.5, "jazz": 0.5}
    assert "emotion" not in values
    open_labels(workspace).add("import:old words", [Entry(bass, "technique", ["ghost"], "suggested", 0.9)])
    prepared = prepare_loops(workspace, [bass])[bass]
    assert "technique" not in first_values(prepared, "aki", vocabularies(workspace))


def test_confidence_is_that_of_the_value_shown(workspace: Workspace) -> None:
    loop_id = ids(workspace)[0]
    decisions.suggestion(workspace, loop_id)
    open_labels(workspace).add("model:other@1", [Entry(loop_id, "emotion", "fear", "suggested", 0.0)])
    prepared = prepare_loops(workspace, [loop_id])[loop_id]
    assert first_values(prepared, "aki", vocabularies(workspace))["emotion"] == "fear"
    assert confidences(prepared)["emotion"] == 0.0
    seen = decisions.current(workspace, loop_id).seen
    decisions.decide(workspace, loop_id, rater="aki", action="draft", values={"emotion": "sad"}, seen=seen)
    assert "emotion" not in confidences(prepare_loops(workspace, [loop_id])[loop_id])


def test_in_a_dispute_a_rater_sees_their_own_vote(workspace: Workspace) -> None:
    loop_id = ids(workspace)[0]
    for rater, mood in (("aki", "happy"), ("ben", "sad")):
        seen = decisions.current(workspace, loop_id).seen
        decisions.decide(workspace, loop_id, rater=rater, action="approve", values={"emotion": mood}, seen=seen)
    prepared = prepare_loops(workspace, [loop_id])[loop_id]
    assert [vote.value for vote in prepared.contested["emotion"]] == ["sad", "happy"]
    words = vocabularies(workspace)
    seen_by = {rater: first_values(prepared, rater, words)["emotion"] for rater in ("aki", "ben", "chie")}
    assert seen_by == {"aki": "happy", "ben": "sad", "chie": "sad"}
