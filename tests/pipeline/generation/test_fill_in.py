"""Drawing: what is open is filled to suit the emotion, what is asked is kept, and the take says so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from composer_core.errors import StoreError
from composer_core.lab.composer.statistics import FloatArray, spearman
from composer_core.music.condition import Condition
from composer_core.music.key import Key
from composer_core.pipeline.generation.fill_in import (
    COLUMNS,
    condition_table,
    fill_in,
    filled_in_fields,
    with_filled_in,
)
from composer_core.pipeline.generation.takes import generate, list_takes, save_takes
from composer_core.workspace import Workspace
from untrained_model import add_untrained_model


def drawn_densities(instrument: str, arousal: Sequence[float]) -> FloatArray:
    found = [fill_in(Condition(instrument, arousal=float(a)), seed).density for seed, a in enumerate(arousal)]
    return np.array(found, dtype=np.float64)


@pytest.mark.parametrize("instrument", ["bass", "guitar", "piano", "strings"])
def test_more_arousal_draws_more_notes(instrument: str) -> None:
    assert drawn_densities(instrument, [0.9] * 40).mean() > 1.3 * drawn_densities(instrument, [0.1] * 40).mean()


def test_more_arousal_draws_more_hits() -> None:
    # Drummers show arousal by loudness more than by density: it is told by rank over the whole range.
    arousal = np.repeat(np.linspace(0.05, 0.95, 10), 40)
    assert spearman(arousal, drawn_densities("drums", arousal.tolist())) > 0.2  # by chance 0.1 in one of twenty


def test_draws_differ_and_repeat() -> None:
    asked = Condition("piano", arousal=0.5)
    assert fill_in(asked, 3) == fill_in(asked, 3)
    assert len({fill_in(asked, seed).density for seed in range(20)}) > 3


def test_valence_chooses_the_mode() -> None:
    assert fill_in(Condition("strings", valence=-0.3), 1).key == Key(0, "minor")
    assert fill_in(Condition("strings", valence=0.3), 1).key == Key(0, "major")
    assert fill_in(Condition("drums", valence=-0.3), 1).key is None
    assert fill_in(Condition("strings", arousal=0.9), 1).key is None


def test_what_is_asked_for_stays() -> None:
    asked = Condition("guitar", valence=-0.9, arousal=0.9, density=0.5, key=Key(4, "major"))
    assert fill_in(asked, 1) is asked
    nothing = Condition("guitar")
    assert fill_in(nothing, 1) is nothing


@pytest.mark.parametrize("instrument", ["guitar", "strings"])
def test_a_strong_valence_is_brought_out_by_the_mode_s_own_triads(instrument: str) -> None:
    for valence, quality in ((0.5, "maj"), (-1.0, "min")):
        for seed in range(8):
            line = fill_in(Condition(instrument, bars=8, valence=valence), seed).chord_line
            assert len(line) == 8 and {chord.quality for chord in line if chord is not None} == {quality}


def test_a_weak_valence_leaves_the_line_to_the_mood_or_free() -> None:
    assert fill_in(Condition("strings", valence=0.25), 1).chords == ()
    assert fill_in(Condition("bass", valence=-0.9), 1).chords == ()
    assert len(fill_in(Condition("guitar", valence=0.25), 1).chords) == 4
    qualities = {chord.quality for seed in range(8) for chord in fill_in(Condition("piano", valence=0.9), seed).chords}
    assert len(qualities) > 1


def test_the_draw_is_told_apart_from_the_request() -> None:
    asked = Condition("guitar", valence=-0.9, arousal=0.2)
    whole = fill_in(asked, 5)
    drawn = filled_in_fields(asked, whole)
    assert drawn["density"] == whole.density
    assert drawn["key"] == "C:minor"
    assert set(drawn) <= {"density", "key", "chords"}
    assert with_filled_in(asked, json.loads(json.dumps(drawn))) == whole


def test_a_take_tells_and_keeps_what_was_drawn(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    model = add_untrained_model(workspace, "bass")
    asked = Condition("bass", bars=1, valence=-0.5, arousal=0.6)
    takes = generate(asked, takes=2, seed=1, model=model, workspace=workspace)
    save_takes(workspace, takes)
    assert [take.condition for take in takes] == [asked, asked]
    assert all(take.drawn["key"] == "C:minor" for take in takes)
    assert takes[0].drawn["density"] == fill_in(asked, 1).density
    assert {take.take_id: take.drawn for take in list_takes(workspace)} == {take.take_id: take.drawn for take in takes}


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text(json.dumps({"columns": list(COLUMNS), "instruments": {"bass": [[0.0, 0.5, 120.0]]}}))
    with pytest.raises(StoreError, match=r"table\.json"):
        condition_table(path)
