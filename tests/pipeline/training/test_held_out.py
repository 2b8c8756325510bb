"""Training takes that repeat what is held out: found by passage, left out, and said."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from composer_core.lab.composer.held_out import LIMITS, HeldOutParts, apart
from composer_core.model.config import TrainConfig, config_from_json
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.training.sources import part_of, prepare_takes
from composer_core.pipeline.training.windows import build_training_data, near_held_out

CONFIG = config_from_json(TrainConfig, {"instrument": "bass", "size": "tiny", "merges": 5}, "here")


def line(seed: int, part: str, bars: int = 8) -> Loop:
    """Sixteen random notes a bar; named so that it belongs to `part`."""
    random = np.random.default_rng(seed)
    ticks = np.arange(bars * 16) * 120
    notes = Notes.of(ticks, np.full(len(ticks), 100), random.integers(30, 55, len(ticks)), np.full(len(ticks), 90))
    for number in count():
        loop = Loop("bass", notes, bars, source=f"{seed}-{number}.mid")
        if part_of(loop) == part:
            return loop
    raise AssertionError


def from_bar(loop: Loop, bar: int, other: Loop) -> Loop:
    """`loop` with the notes of `other` from a bar on, each a bar later than there."""
    kept = loop.notes.select(loop.notes.onset_tick < bar * 1920)
    moved = other.notes.with_columns(onset_tick=other.notes.onset_tick + 1920)
    moved = moved.select((moved.onset_tick >= bar * 1920) & (moved.onset_tick < loop.length_tick))
    return loop.with_notes(Notes.from_rows([*kept.rows(), *moved.rows()]))


def test_a_passage_at_another_bar_a_fifth_higher_with_a_note_missing_is_found() -> None:
    held = line(1, "validation")
    repeated = from_bar(line(2, "train"), 4, held)  # its bars 4 to 7 are 3 to 6 of `held`
    notes = repeated.notes
    changed = notes.with_columns(pitch=notes.pitch + 7).select(np.arange(len(notes)) != 90)
    takes = prepare_takes([line(3, "train"), repeated.with_notes(changed), held, line(4, "dev")], ["bass"])
    assert near_held_out(takes) == {1}


def test_copies_within_training_and_of_few_notes_stay() -> None:
    first = line(1, "train")
    sparse = replace(line(5, "train"), notes=line(5, "train").notes.select(np.arange(128) % 20 == 0))
    held = replace(sparse, source=line(6, "validation").source)
    takes = prepare_takes([first, replace(first, source=line(7, "train").source), sparse, held], ["bass"])
    assert near_held_out(takes) == set()


@pytest.mark.parametrize("part", ["validation", "dev"])
def test_all_takes_with_the_notes_of_a_held_out_one_are_found(part: str) -> None:
    held = line(1, part)
    copies = [replace(held, source=line(seed, "train").source) for seed in (8, 9)]
    takes = prepare_takes([copies[0], held, line(2, "train"), copies[1]], ["bass"])
    assert near_held_out(takes) == {0, 3}


def test_training_data_leave_them_out_and_say_so() -> None:
    held = line(1, "validation")
    copy = replace(held, source=line(8, "train").source)
    said: list[str] = []
    data = build_training_data([held, copy, line(2, "train"), line(3, "train"), line(4, "dev")], CONFIG, said.append)
    assert data.facts["near_held_out"] == {"left_out": 1, "kept": 0}
    assert data.facts["takes"] == {"train": 2, "dev": 1, "validation": 1}
    assert any("left out because" in line and line.endswith(": 1") for line in said)


def test_where_nothing_else_is_left_they_are_kept_and_said() -> None:
    held = line(1, "validation")
    copy = replace(held, source=line(8, "train").source)
    said: list[str] = []
    data = build_training_data([held, copy, line(4, "dev")], CONFIG, said.append)
    assert data.facts["near_held_out"] == {"left_out": 0, "kept": 1}
    assert any("no others" in line for line in said)


def test_baselines_and_memorisation_read_what_composers_learn_from() -> None:
    held = line(1, "validation")
    loops = [line(3, "train"), replace(held, source=line(8, "train").source), held, line(4, "dev")]
    takes = prepare_takes(loops, ["bass"])
    parts = {part: [take for take in takes if take.part == part] for part in ("train", "dev", "validation")}
    found = apart(HeldOutParts(parts, LIMITS))
    assert [take.name for take in found.takes["train"]] == [takes[0].name]
    assert found.takes["validation"] == parts["validation"] and found.takes["dev"] == parts["dev"]
