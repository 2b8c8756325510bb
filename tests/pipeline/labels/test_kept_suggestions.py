"""Suggestions are computed once and kept; what they rest on makes them new."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from composer_core.pipeline.labels import decisions, kept_suggestions
from composer_core.pipeline.labels.kept_suggestions import suggest_missing, suggestions_for
from composer_core.pipeline.library import loops
from composer_core.store.labels.store import open_labels
from composer_core.workspace import Workspace
from small_library import N_LOOPS, ids


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The instruments of the loops for which suggestions are computed from now on."""
    seen: list[str] = []
    real = kept_suggestions.suggest

    def counted(loop: Any, *rest: Any) -> Any:
        seen.append(loop.instrument)
        return real(loop, *rest)

    monkeypatch.setattr(kept_suggestions, "suggest", counted)
    return seen


def test_they_are_computed_once_and_stay_the_same(workspace: Workspace, computed: list[str]) -> None:
    first = {loop_id: decisions.suggestion(workspace, loop_id) for loop_id in ids(workspace)}
    assert len(computed) == N_LOOPS
    assert {loop_id: decisions.suggestion(workspace, loop_id) for loop_id in ids(workspace)} == first
    assert suggest_missing(workspace) == 0
    assert len(computed) == N_LOOPS
    assert any(made.reasons for fields in first.values() for made in fields.values())


def test_another_model_or_word_makes_them_new(workspace: Workspace, computed: list[str]) -> None:
    loop_id = ids(workspace)[0]
    decisions.suggestion(workspace, loop_id)
    workspace.estimators.mkdir()
    (workspace.estimators / "card.md").write_text("a model of one's own")
    decisions.suggestion(workspace, loop_id)
    assert len(computed) == 2
    workspace.vocabularies.mkdir()
    (workspace.vocabularies / "genres.yaml").write_text("genres:\n  pop-city: {en: City pop, ja: シティポップ}\n")
    decisions.suggestion(workspace, loop_id)
    decisions.suggestion(workspace, loop_id)
    assert len(computed) == 3
    os.utime(workspace.estimators / "card.md", ns=(1, 1))
    decisions.suggestion(workspace, loop_id)
    assert len(computed) == 4


def test_other_notes_make_them_new(workspace: Workspace, computed: list[str]) -> None:
    loop_id = ids(workspace)[0]
    loop = loops.load_loop(workspace, loop_id)
    suggestions_for(workspace, {loop_id: loop})
    softer = loop.with_notes(replace(loop.notes, velocity=loop.notes.velocity - 1))
    for changed in (softer, replace(loop, tempo_bpm=loop.tempo_bpm + 1), loop):
        suggestions_for(workspace, {loop_id: changed})
    assert len(computed) == 4


def test_a_damaged_file_is_made_anew(workspace: Workspace, computed: list[str]) -> None:
    loop_id = ids(workspace)[0]
    first = decisions.suggestion(workspace, loop_id)
    workspace.suggestions.write_bytes(b"no database, but long enough to be taken for one" * 40)
    assert decisions.suggestion(workspace, loop_id) == first
    assert decisions.suggestion(workspace, loop_id) == first
    assert len(computed) == 2


def test_kept_ones_are_told_to_other_labels(workspace: Workspace, computed: list[str], tmp_path: Path) -> None:
    loop_id = ids(workspace)[0]
    first = decisions.suggestion(workspace, loop_id)
    workspace.labels.rename(tmp_path / "set aside.sqlite")
    for end in ("-wal", "-shm"):
        workspace.labels.with_name(workspace.labels.name + end).unlink(missing_ok=True)
    decisions.suggestion(workspace, loop_id)
    told = {event.field: event.value for event in open_labels(workspace).history(loop_id)}
    assert set(told) == set(first) and len(computed) == 1
    decisions.suggestion(workspace, loop_id)
    assert len(open_labels(workspace).history(loop_id)) == len(first)


def test_a_limit_of_time_ends_it_and_the_next_call_goes_on(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_suggestions, "_SLICE", 2)
    assert suggest_missing(workspace, seconds=0.0) == 2
    assert suggest_missing(workspace, seconds=3600.0) == N_LOOPS - 2
    assert suggest_missing(workspace, seconds=0.0) == 0
