"""Bulk edits with preview and one undo; disputes, agreement and progress of several raters."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import small_library
from composer_core.errors import InvalidValue, StoreError
from composer_core.pipeline import label_review, labelling, library
from composer_core.workspace import Workspace


@pytest.fixture(scope="module")
def made_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_library.make_library(tmp_path_factory.mktemp("library")).root


@pytest.fixture
def workspace(made_library: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(made_library, tmp_path / "workspace")
    return Workspace(tmp_path / "workspace")


def ids(workspace: Workspace) -> list[str]:
    return list(library.table(workspace)["loop_id"])


def say(workspace: Workspace, loop_id: str, rater: str, emotion: str) -> None:
    seen = labelling.current(workspace, loop_id).seen
    labelling.decide(workspace, loop_id, rater=rater, action="approve", values={"emotion": emotion}, seen=seen)


def test_a_bulk_edit_shows_what_it_would_do_and_is_one_undo(workspace: Workspace) -> None:
    loops = ids(workspace)
    say(workspace, loops[0], "ben", "sad")
    say(workspace, loops[1], "ben", "happy")
    preview = label_review.bulk_preview(workspace, loops, {"emotion": "happy", "technique": ["ghost"]}, "aki")
    # The second loop, the bass, is happy already and has no ghost notes: the other four change in both.
    assert (len(preview.changes), preview.unchanged, preview.contradicted, len(preview.refused)) == (8, 1, 1, 1)
    assert "ghost" in preview.refused[0][2] and preview.n_loops == 4
    assert labelling.current(workspace, loops[2]).status == "unlabelled"
    batch = label_review.bulk_apply(workspace, preview, rater="aki")
    assert batch is not None and (batch.n_loops, batch.n_events) == (4, 8)
    assert all(labelling.current(workspace, loop_id).values["emotion"] == "happy" for loop_id in loops)
    assert labelling.current(workspace, loops[0]).fields["emotion"].status == "disputed"
    undone = labelling.undo(workspace, "aki")
    assert undone is not None and set(undone.loop_ids) == {*loops} - {loops[1]}
    assert labelling.current(workspace, loops[0]).values == {"emotion": "sad"}
    assert labelling.current(workspace, loops[2]).status == "unlabelled"


def test_a_bulk_edit_that_is_stale_stores_nothing(workspace: Workspace) -> None:
    loops = ids(workspace)
    preview = label_review.bulk_preview(workspace, loops, {"emotion": "happy"}, "aki")
    say(workspace, loops[3], "ben", "sad")
    with pytest.raises(StoreError) as refused:
        label_review.bulk_apply(workspace, preview, rater="aki")
    assert [c["loop_id"] for c in refused.value.values["conflicts"]] == [loops[3]]
    assert labelling.current(workspace, loops[0]).status == "unlabelled"


def test_bad_fields_are_refused_at_once(workspace: Workspace) -> None:
    with pytest.raises(InvalidValue, match="mood"):
        label_review.bulk_preview(workspace, ids(workspace), {"mood": "happy"}, "aki")
    with pytest.raises(InvalidValue, match="field"):
        label_review.agreement(workspace, "mood")


def test_disputes_name_every_vote_and_agreement_is_measured(workspace: Workspace) -> None:
    loops = ids(workspace)
    for loop_id, first, second in zip(
        loops, ("happy", "sad", "happy", "sad"), ("happy", "sad", "sad", "sad"), strict=False
    ):
        say(workspace, loop_id, "aki", first)
        say(workspace, loop_id, "ben", second)
    (dispute,) = label_review.disputes(workspace)
    assert (dispute.loop_id, dispute.field) == (loops[2], "emotion")
    assert {vote.author: vote.value for vote in dispute.votes} == {"aki": "happy", "ben": "sad"}
    assert {vote.author for vote in label_review.votes(workspace, loops[2], "emotion")} == {"aki", "ben"}
    found = label_review.agreement(workspace, "emotion")
    # The four pairs of test_agreement: alpha 1 - 14 / 30, kappa 1 / 2.
    assert found.alpha.value == pytest.approx(1 - 14 / 30)
    assert found.kappa["aki", "ben"].value == pytest.approx(0.5)
    assert found.confusion["aki", "ben"]["happy", "sad"] == 1
    rows = label_review.progress_of_raters(workspace)
    assert [(row.rater, row.approved, row.skipped) for row in rows] == [("aki", 4, 0), ("ben", 4, 0)]
