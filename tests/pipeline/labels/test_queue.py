"""Orders of the queue, each with its reason, on a small real library."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from composer_core.errors import InvalidValue
from composer_core.pipeline.labels import decisions, queue
from composer_core.pipeline.labels.difference import against_model, difference, value_distance
from composer_core.pipeline.labels.queue import MIX_EVERY, QueueItem
from composer_core.pipeline.library import loops as library_loops
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import LabelStore
from composer_core.store.labels.view import LabelEvent
from composer_core.workspace import Workspace
from small_library import N_LOOPS, ids


def say(workspace: Workspace, source: str, loop_id: str, field: str, value: Any, confidence: float | None) -> None:
    LabelStore(workspace.labels).add(source, [Entry(loop_id, field, value, "suggested", confidence)])


def decide(workspace: Workspace, loop_id: str, rater: str, action: str = "approve", **values: Any) -> None:
    seen = decisions.current(workspace, loop_id).seen
    decisions.decide(workspace, loop_id, rater=rater, action=action, values=values, seen=seen)


def queued(workspace: Workspace, order: str, rater: str = "aki") -> list[QueueItem]:
    return queue.queue(workspace, rater=rater, order=order)


def event(source: str, value: Any, confidence: float | None = None, field: str = "emotion") -> LabelEvent:
    return LabelEvent(1, "loop", field, value, source, confidence, "", "", None, "suggested")


def test_distances_of_values_by_hand() -> None:
    assert value_distance("emotion", "happy", "sad") == 1.0
    assert value_distance("emotion", "happy", "happy") == 0.0
    assert value_distance("emotion", "happy", None) == 1.0
    # Within an eighth of the axis of two; then 1.0 of 2.0.
    assert value_distance("emotion_valence", 0.25, 0.5) == 0.0
    assert value_distance("emotion_valence", -0.5, 0.5) == 0.5
    # (|1 - 0.5| + |0 - 0.5|) / 2
    assert value_distance("genre", {"rock": 1.0}, {"rock": 0.5, "funk": 0.5}) == 0.5
    # One of three is shared.
    assert value_distance("technique", ["ghost", "ride"], ["ghost", "flam"]) == pytest.approx(2 / 3)
    assert value_distance("tempo_bpm", 60.0, 120.0) == 0.5
    # One star is no difference; then 2 of the 4 steps from 1 to 5.
    assert value_distance("quality", 3, 4) == 0.0
    assert value_distance("quality", 3, 5) == 0.5


def test_sure_sources_disagree_more() -> None:
    unsure = [event("model:a@1", "happy", 0.5), event("rule:b", "sad", 0.4)]
    assert difference(unsure) == pytest.approx(0.2)
    assert difference([event("import:c", "happy"), event("rule:b", "sad", 0.4)]) == pytest.approx(0.4)
    assert difference([event("model:a@1", "happy", 0.9)]) == 0.0


def test_a_model_contradicts_a_label_but_not_another_model() -> None:
    models = [event("model:a@1", "happy", 0.5), event("rule:b", "sad", 0.4)]
    assert against_model(models) == []
    assert against_model([event("import:c", "happy"), *models]) == [(1.0, models[1])]


def test_the_largest_disagreement_comes_first(workspace: Workspace) -> None:
    first, second, third, *_ = ids(workspace)
    for loop_id, sure in ((first, 0.5), (second, 0.8), (third, 1.0)):
        say(workspace, "model:a@1", loop_id, "emotion", "happy", sure)
        say(workspace, "rule:b", loop_id, "emotion", "happy" if loop_id == third else "sad", sure)
    items = queued(workspace, "disagreement")
    assert items[:2] == [
        QueueItem(second, "disagreement", "emotion", amount=0.64),
        QueueItem(first, "disagreement", "emotion", amount=0.25),
    ]
    assert len(items) == N_LOOPS and {item.reason for item in items[2:]} == {"random"}


def test_a_decided_disagreement_leaves_and_a_skipped_one_comes_last(workspace: Workspace) -> None:
    first, second, *_ = ids(workspace)
    for loop_id in (first, second):
        say(workspace, "model:a@1", loop_id, "emotion", "happy", 0.9)
        say(workspace, "rule:b", loop_id, "emotion", "sad", 0.9)
    decide(workspace, first, "aki", "skip")
    items = queued(workspace, "disagreement")
    assert items[0].loop_id == second and items[-1] == QueueItem(first, "skipped")
    decide(workspace, second, "aki", "reject")
    assert second not in [item.loop_id for item in queued(workspace, "disagreement")]


def test_approved_labels_a_model_contradicts_are_asked_again(workspace: Workspace) -> None:
    first, second, third, *_ = ids(workspace)
    decide(workspace, first, "aki", emotion="happy")
    decide(workspace, second, "aki", emotion="happy")
    say(workspace, "import:set", third, "emotion", "calm", None)
    for loop_id, value, sure in ((first, "sad", 0.6), (second, "happy", 0.9), (third, "sad", 0.9)):
        say(workspace, "model:a@1", loop_id, "emotion", value, sure)
    items = queued(workspace, "against_model")
    assert items[:2] == [
        QueueItem(third, "against_model", "emotion", 0.9, 1.0),
        QueueItem(first, "against_model", "emotion", 0.6, 1.0),
    ]
    assert second not in [item.loop_id for item in items]
    assert first not in [item.loop_id for item in queued(workspace, "uncertainty")]


@pytest.mark.parametrize("action", ["approve", "reject"])
def test_a_second_decision_settles_what_the_model_says_against_it(workspace: Workspace, action: str) -> None:
    first = ids(workspace)[0]
    decide(workspace, first, "aki", emotion="happy")
    say(workspace, "model:a@1", first, "emotion", "sad", 0.6)
    decide(workspace, first, "aki", action, emotion="happy")
    assert first not in [item.loop_id for item in queued(workspace, "against_model", "aki")]


def test_two_people_settle_it_for_everyone_and_a_skip_only_defers_it(workspace: Workspace) -> None:
    first = ids(workspace)[0]
    decide(workspace, first, "aki", emotion="happy")
    say(workspace, "model:a@1", first, "emotion", "sad", 0.6)
    decide(workspace, first, "ben", "skip")
    assert queued(workspace, "against_model", "ben")[-1] == QueueItem(first, "skipped")
    decide(workspace, first, "ben", emotion="happy")
    for rater in ("aki", "ben", "chie"):
        assert first not in [item.loop_id for item in queued(workspace, "against_model", rater)]


def test_every_fifth_loop_of_the_mixed_order_is_drawn_at_random(workspace: Workspace) -> None:
    loop_ids = ids(workspace)
    for number, loop_id in enumerate(loop_ids):
        say(workspace, "model:a@1", loop_id, "emotion", "sad", 0.1 * (number + 1))
    items = queued(workspace, "mixed")
    assert [item.loop_id for item in items[: MIX_EVERY - 1]] == loop_ids[: MIX_EVERY - 1]
    assert [item.reason for item in items] == ["uncertain"] * (MIX_EVERY - 1) + ["random"]


def test_what_stands_out_comes_first_with_the_metric(workspace: Workspace) -> None:
    ingested = ids(workspace)
    loops = [library_loops.load_loop(workspace, loop_id) for loop_id in ingested]
    # Five drum loops are needed for a mean: the four there are and one twice as fast.
    fast = replace(next(loop for loop in loops if loop.instrument == "drums"), tempo_bpm=240.0)
    library_loops.add_generated(workspace, [(fast, "take-1")])
    items = queued(workspace, "outlier")
    ranked = [item for item in items if item.reason == "outlier"]
    assert ranked and all(item.field and item.amount is not None for item in ranked)
    assert items[: len(ranked)] == ranked
    bass = ingested[[loop.instrument for loop in loops].index("bass")]
    assert bass not in [item.loop_id for item in ranked]


def test_some_loops_alone_can_be_asked_for(workspace: Workspace) -> None:
    wanted = ids(workspace)[:2]
    for order in queue.ORDERS:
        items = queue.queue(workspace, rater="aki", order=order, loop_ids=wanted)
        assert sorted(item.loop_id for item in items) == sorted(wanted)
        assert queue.queue(workspace, rater="aki", order=order, loop_ids=[]) == []


@pytest.mark.parametrize("source", ["model:a@1", "rule:b"])
def test_only_people_and_imports_say_quality(workspace: Workspace, source: str) -> None:
    loop_id = ids(workspace)[0]
    with pytest.raises(InvalidValue, match="quality"):
        say(workspace, source, loop_id, "quality", 4, 0.9)
    say(workspace, "import:set", loop_id, "quality", 4, None)
    decide(workspace, loop_id, "aki", quality=5)
    assert decisions.current(workspace, loop_id).values["quality"] == 5
