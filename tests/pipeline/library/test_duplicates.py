"""Near-duplicates of a library: found, left out, taken back, kept together; and the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from composer_core.cli import main
from composer_core.errors import InvalidValue
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.library import duplicates
from composer_core.store.exclusions import ExclusionStore
from composer_core.store.loops.content import content_hash
from composer_core.workspace import Workspace
from searched_library import add, record


def line(seed: int) -> Loop:
    """Four bars of sixteen notes at random places and pitches: different seeds share next to nothing."""
    random = np.random.default_rng(seed)
    ticks = np.concatenate([bar * 1920 + np.sort(random.choice(16, 12, replace=False)) * 120 for bar in range(4)])
    return Loop("bass", Notes.of(ticks, np.full(48, 100), random.integers(30, 55, 48), np.full(48, 90)), 4)


COPIES = {
    "tempo": lambda loop: replace(loop, tempo_bpm=97.0),
    "dropped": lambda loop: loop.with_notes(loop.notes.select(np.arange(48) != 20)),
    "transposed": lambda loop: loop.with_notes(loop.notes.with_columns(pitch=loop.notes.pitch + 4)),
    "velocity": lambda loop: loop.with_notes(loop.notes.with_columns(velocity=np.arange(48) + 40)),
    "moved": lambda loop: loop.with_notes(
        loop.notes.with_columns(onset_tick=np.where(np.arange(48) == 30, 7560, loop.notes.onset_tick))
    ),
}


@pytest.fixture
def library(tmp_path: Path) -> Workspace:
    """a and b differ; c is a with one note dropped."""
    workspace = Workspace(tmp_path / "workspace")
    loops = {"a": line(1), "b": line(2), "c": COPIES["dropped"](line(1))}
    fields = ("instrument", "notes", "bars")
    for loop_id, loop in loops.items():
        values = {name: getattr(loop, name) for name in fields}
        add(workspace, record(loop_id, content_hash=content_hash(loop), **values))
    return workspace


@pytest.mark.parametrize("kind", COPIES)
def test_planted_copies_are_found(kind: str) -> None:
    loops = [line(seed) for seed in range(10)]
    pairs, _ = duplicates.near_pairs([*loops, *map(COPIES[kind], loops)])
    assert [(a, b) for a, b, _ in pairs] == [(index, index + 10) for index in range(10)]


def test_of_the_same_notes_the_first_stands_for_all() -> None:
    loops = [line(1), line(2), COPIES["velocity"](line(1)), COPIES["dropped"](line(1)), COPIES["transposed"](line(1))]
    pairs, _ = duplicates.near_pairs(iter(loops))
    assert [(a, b, round(d, 6)) for a, b, d in pairs] == [(0, 2, 0.0), (0, 3, round(1 / 95, 6)), (0, 4, 0.0)]
    assert duplicates.near_pairs([]) == ([], 0)


def test_what_too_many_loops_share_is_no_reason_to_compare(monkeypatch: pytest.MonkeyPatch) -> None:
    # Eight different loops with one first bar: its two keys stand in blocks of eight.
    start = line(9).notes.select(np.arange(48) < 12)
    loops = []
    for seed in range(8):
        rest = line(seed).notes.select(np.arange(48) >= 12)
        loops.append(Loop("bass", Notes.from_rows([*start.rows(), *rest.rows()]), 4))
    assert duplicates.near_pairs(loops, 0.9)[1] == 0
    assert len(duplicates.near_pairs(loops, 1.0)[0]) == 28
    monkeypatch.setattr(duplicates, "_MOST_IN_A_BLOCK", 7)
    assert duplicates.near_pairs(loops, 1.0) == ([], 2)


def test_the_later_loop_is_left_out_and_taken_back(library: Workspace) -> None:
    found = duplicates.find(library)
    assert (found.groups, found.later) == ((("a", "c"),), {"c": "a"})
    # 47 of 48 pair up: 1 - 94 / 95.
    assert found.pairs[0].distance == pytest.approx(1 / 95) and found.pairs[0].reason == "some_notes_differ"
    assert duplicates.exclude_later(library, found) == 1
    assert duplicates.exclude_later(library, found) == 0
    event = ExclusionStore(library).current()["c"]
    assert (event.reason, event.duplicate_of) == ("near_duplicate", "a")
    assert duplicates.undo(library) == 1
    assert ExclusionStore(library).current() == {}
    assert duplicates.exclude_later(library, found) == 1


def test_what_a_person_decided_stays(library: Workspace) -> None:
    found = duplicates.find(library)
    duplicates.exclude(library, ["c"], author="ann")
    assert (duplicates.exclude_later(library, found), duplicates.undo(library)) == (0, 0)
    duplicates.restore(library, ["c"], author="ann")
    assert duplicates.exclude_later(library, found) == 0


def test_splits_keep_copies_together(library: Workspace) -> None:
    assert duplicates.split_groups(library) == {"a": "a", "b": "b", "c": "a"}
    with pytest.raises(InvalidValue, match="threshold"):
        duplicates.find(library, 1.5)


def test_the_command(library: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["dedupe", "--workspace", str(library.root)]
    assert main([*asked, "--dry-run", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["excluded"], said["later"]) == (0, {"c": "a"})
    assert ExclusionStore(library).current() == {}
    assert main(asked) == 0
    assert "1 groups, 1 loops repeat an earlier one; 1 newly left out" in capsys.readouterr().out
    assert main([*asked, "--undo"]) == 0
    assert capsys.readouterr().out == "1 loops taken back\n"
    assert main([*asked, "--threshold", "2"]) == 2
