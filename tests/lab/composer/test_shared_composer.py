"""What is promised of the shared composer's notes: whole loops in every metre, playable, in the asked key."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from composer_core.music.chords import diatonic_chords
from composer_core.music.condition import Condition
from composer_core.music.condition_fields import ASK_METERS
from composer_core.music.instruments import PITCH_RANGE, POLYPHONY
from composer_core.music.key import MODES, Key
from composer_core.music.loop import Loop, Notes, check_loop
from composer_core.music.technique import TECHNIQUES
from composer_core.music.timing import Meter
from composer_core.pipeline.models import find_model, load, models

SHARED = "composer-base"
pytestmark = pytest.mark.skipif(
    SHARED not in {info.name for info in models(None, "bass")}, reason="no shared composer is shipped"
)


def any_condition(instrument: str, meter: str, rng: np.random.Generator) -> Condition:
    """A random condition: each field given half the time."""
    key = Key(int(rng.integers(12)), str(rng.choice(sorted(MODES))))
    bars = int(rng.choice([1, 2, 4]))
    chords = diatonic_chords(key)
    fields = {
        "valence": float(rng.uniform(-1, 1)),
        "arousal": float(rng.uniform(0, 1)),
        "density": float(rng.uniform(0.25, 6)),
        "syncopation": float(rng.uniform(0, 8)),
        "complexity": float(rng.uniform(0, 1)),
        "genre": {"game": 1.0},
        "technique": (str(rng.choice(TECHNIQUES[instrument])),),
        "key": key,
        "register": float(rng.uniform(*PITCH_RANGE[instrument])),
        "chords": tuple(chords[int(rng.integers(7))] for _ in range(bars)),
    }
    given = {name: value for name, value in fields.items() if rng.random() < 0.5}
    return Condition(instrument, bars, Meter.parse(meter), tempo_bpm=float(rng.uniform(60, 180)), **given)  # type: ignore[arg-type]


def sampled(condition: Condition, seeds: range) -> list[Notes]:
    from composer_core.model.composer.sampling import sample_notes

    return sample_notes(load(find_model(condition.instrument, SHARED, None)), condition, seeds)


@pytest.mark.slow
@pytest.mark.parametrize("instrument", ["bass", "guitar", "piano", "strings"])
def test_any_condition_gives_whole_playable_loops(instrument: str) -> None:
    rng = np.random.default_rng(7)
    low, high = PITCH_RANGE[instrument]
    for meter in ASK_METERS:
        condition = any_condition(instrument, meter, rng)
        for notes in sampled(condition, range(4)):
            loop = Loop(instrument, notes, condition.bars, condition.tempo_bpm, condition.meter)
            check_loop(loop)
            assert set((notes.onset_tick // condition.meter.bar_tick).tolist()) == set(range(condition.bars))
            assert low <= notes.pitch.min() and notes.pitch.max() <= high
            assert (notes.onset_tick + notes.duration_tick).max() <= loop.length_tick
            assert np.unique(notes.onset_tick, return_counts=True)[1].max() <= POLYPHONY[instrument]


@pytest.mark.slow
def test_notes_follow_the_asked_key_and_density() -> None:
    for mode in ("major", "minor"):
        condition = Condition("bass", key=Key(6, mode))
        pitches = np.concatenate([notes.pitch for notes in sampled(condition, range(8))])
        # Minor keys borrow the raised sixth and seventh; chance would be 7 of 12.
        assert np.isin(pitches % 12, sorted(condition.key.scale)).mean() > 0.8  # type: ignore[union-attr]
    counts = [
        np.mean([len(np.unique(notes.onset_tick)) for notes in sampled(replace(condition, density=density), range(8))])
        for density in (0.5, 2.5)
    ]
    assert counts[1] > 1.5 * counts[0]
