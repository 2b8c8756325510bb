"""Bulk edits with preview and one undo; disputes, agreement and progress of several raters."""

from __future__ import annotations

import pytest

from composer_core.errors import InvalidValue, StoreError
from composer_core.pipeline.labels import decisions, review
from composer_core.workspace import Workspace
from small_library import ids


def say(workspace: Workspace, loop_id: str, rater: str, emotion: str) -> None:
    seen = decisions.current(workspace, loop_id).seen
    decisions.decide(workspace, loop_id, rater=rater, action="approve", values={"emotion": emotion}, seen=seen)


def test_a_bulk_edit_shows_what_it_would_do_and_is_one_undo(workspace: Workspace) -> None:
    loops = ids(workspace)
    say(workspace, loops[0], "ben", "sad")
    say(workspace, loops[1], "ben", "happy")
    preview = review.bulk_preview(workspace, loops, {"emotion": "happy", "technique": ["ghost"]}, "aki")
    # The second loop, the bass, is happy already and has no ghost notes: the other four change in both.
    assert (len(preview.changes), preview.unchanged, preview.contradicted, len(preview.refused)) == (8, 1, 1, 1)
    assert "ghost" in preview.refused[0][2] and preview.n_loops == 4
    assert decisions.current(workspace, loops[2]).status == "unlabelled"
    batch = review.bulk_apply(workspace, preview, rater="aki")
    assert batch is not None and (batch.n_loops, batch.n_events) == (4, 8)
    assert all(decisions.current(workspace, loop_id).values["emotion"] == "happy" for loop_id in loops)
    assert decisions.current(workspace, loops[0]).fields["emotion"].status == "disputed"
    undone = decisions.undo(workspace, "aki")
    assert undone is not None and set(undone.loop_ids) == {*loops} - {loops[1]}
    assert decisions.current(workspace, loops[0]).values == {"emotion": "sad"}
    assert decisions.current(workspace, loops[2]).status == "unlabelled"


def test_a_bulk_edit_that_is_stale_stores_nothing(workspace: Workspace) -> None:
    loops = ids(workspace)
    preview = review.bulk_preview(workspace, loops, {"emotion": "happy"}, "aki")
    say(workspace, loops[3], "ben", "sad")
    with pytest.raises(StoreError) as refused:
        review.bulk_apply(workspace, preview, rater="aki")
    assert [c["loop_id"] for c in refused.value.values["conflicts"]] == [loops[3]]
    assert decisions.current(workspace, loops[0]).status == "unlabelled"


def test_bad_fields_are_refused_at_once(workspace: Workspace) -> None:
    with pytest.raises(InvalidValue, match="mood"):
        review.bulk_preview(workspace, ids(workspace), {"mood": "happy"}, "aki")
    with pytest.raises(InvalidValue, match="field"):
        review.agreement(workspace, "mood")


def test_disputes_name_every_vote_and_agreement_is_measured(workspace: Workspace) -> None:
    loops = ids(workspace)
    for loop_id, first, second in zip(
        loops, ("happy", "sad", "happy", "sad"), ("happy", "sad", "sad", "sad"), strict=False
    ):
        say(workspace, loop_id, "aki", first)
        say(workspace, loop_id, "ben", second)
    (dispute,) = review.disputes(workspace)
    assert (dispute.loop_id, dispute.field) == (loops[2], "emotion")
    assert {vote.author: vote.value for vote in dispute.votes} == {"aki": "happy", "ben": "sad"}
    assert decisions.contested(workspace, loops[2]) == {"emotion": list(dispute.votes)}
    found = review.agreement(workspace, "emotion")
    # The four pairs of test_agreement: alpha 1 - 14 / 30, kappa 1 / 2.
    assert found.alpha.value == pytest.approx(1 - 14 / 30)
    assert found.kappa["aki", "ben"].value == pytest.approx(0.5)
    assert found.confusion["aki", "ben"] == {
        ("happy", "happy"): (loops[0],),
        ("sad", "sad"): (loops[1], loops[3]),
        ("happy", "sad"): (loops[2],),
    }
    rows = review.progress_of_raters(workspace)
    assert [(row.rater, row.approved, row.skipped) for row in rows] == [("aki", 4, 0), ("ben", 4, 0)]


def settle(workspace: Workspace, loop_id: str, rater: str, emotion: str, action: str = "approve") -> None:
    now = decisions.current(workspace, loop_id)
    values = {**now.values, "emotion": emotion}
    decisions.decide(workspace, loop_id, rater=rater, action=action, values=values, seen=now.seen)


def test_somebody_without_a_vote_settles_a_dispute_and_agreement_stays(workspace: Workspace) -> None:
    loop_id = ids(workspace)[0]
    for rater, emotion in (("aki", "happy"), ("ben", "sad")):
        say(workspace, loop_id, rater, emotion)
    before = review.agreement(workspace, "emotion")
    settle(workspace, loop_id, "chie", "calm")
    assert review.disputes(workspace) == []
    label = decisions.current(workspace, loop_id).fields["emotion"]
    assert (label.value, label.status, label.source) == ("calm", "approved", "human:chie")
    assert review.agreement(workspace, "emotion") == before
    say(workspace, loop_id, "ben", "sad")  # insists
    (dispute,) = review.disputes(workspace)
    assert {vote.author for vote in dispute.votes} == {"aki", "ben"}
    assert decisions.current(workspace, loop_id).values["emotion"] == "calm"


def test_nobody_settles_their_own_dispute_but_giving_in_ends_it(workspace: Workspace) -> None:
    loop_id = ids(workspace)[0]
    for rater, emotion in (("aki", "happy"), ("ben", "sad")):
        say(workspace, loop_id, rater, emotion)
    settle(workspace, loop_id, "aki", "happy")
    assert len(review.disputes(workspace)) == 1
    settle(workspace, loop_id, "aki", "sad")
    assert review.disputes(workspace) == []
    assert review.agreement(workspace, "emotion").alpha.n_units == 1


def test_a_settlement_says_nothing_of_fields_it_does_not_change(workspace: Workspace) -> None:
    loop_id = ids(workspace)[0]
    seen: dict[str, int] = {}
    for rater, emotion in (("aki", "happy"), ("ben", "sad")):
        values = {"emotion": emotion, "quality": 4}
        decisions.decide(workspace, loop_id, rater=rater, action="approve", values=values, seen=seen)
        seen = decisions.current(workspace, loop_id).seen
    settle(workspace, loop_id, "chie", "sad", action="reject")
    now = decisions.current(workspace, loop_id)
    assert now.values == {"quality": 4} and now.fields["emotion"].status == "rejected"
    said = {(event.field, event.status) for event in decisions.history(workspace, loop_id) if event.author == "chie"}
    assert said == {("emotion", "settled")}
    assert decisions.undo(workspace, "chie") is not None
    assert len(review.disputes(workspace)) == 1
