"""What holds for every loop: ranges, repeating, transposing, tempo, resolution."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer_core.metrics import METRICS, fingerprint_distance, measure, rhythm_fingerprint, swing_phase
from composer_core.music.loop import Notes
from metric_loops import drum_loops, groove_loops, repeated, tunes

IN_TIME = {"onset_rate", "drum_collision_rate", *(name for name, m in METRICS.items() if m.unit in ("ms", "seconds"))}
OF_PITCH = {"register", "fret_playable_rate", "open_string_rate"}
loops = st.one_of(drum_loops(), tunes())


def same(first: dict[str, float], second: dict[str, float], but: set[str] = frozenset()) -> list[str]:
    """Names whose values differ by more than rounding."""
    names = [name for name in first if name not in but]
    return [n for n in names if first[n] != pytest.approx(second[n], rel=1e-6, abs=1e-6, nan_ok=True)]


@settings(max_examples=150, deadline=None)
@given(loops)
def test_values_lie_in_their_range(loop):
    for name, value in measure(loop).items():
        metric = METRICS[name]
        assert math.isnan(value) or metric.low - 1e-9 <= value <= metric.high + 1e-9, name


@settings(max_examples=100, deadline=None)
@given(loops, st.integers(2, 3))
def test_repeating_a_loop_changes_nothing(loop, times):
    longer = repeated(loop, times)
    assert same(measure(loop), measure(longer)) == []
    assert swing_phase(loop) == swing_phase(longer)
    np.testing.assert_allclose(rhythm_fingerprint(loop), rhythm_fingerprint(longer), atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(tunes(), st.integers(-12, 12))
def test_transposing_changes_only_what_is_about_absolute_pitch(loop, semitones):
    other = loop.with_notes(loop.notes.with_columns(pitch=loop.notes.pitch + semitones))
    first, second = measure(loop), measure(other)
    assert same(first, second, OF_PITCH) == []
    assert second["register"] - first["register"] == pytest.approx(semitones)
    np.testing.assert_array_equal(rhythm_fingerprint(loop), rhythm_fingerprint(other))


@settings(max_examples=80, deadline=None)
@given(loops, st.sampled_from([50.0, 100.0, 220.0]))
def test_tempo_changes_only_what_is_counted_in_seconds(loop, tempo_bpm):
    first, second = measure(loop), measure(replace(loop, tempo_bpm=tempo_bpm))
    assert same(first, second, IN_TIME) == []
    for name in (n for n in first if METRICS[n].unit in ("ms", "seconds")):
        assert second[name] * tempo_bpm == pytest.approx(first[name] * loop.tempo_bpm, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(loops, st.randoms(use_true_random=False))
def test_the_order_of_notes_does_not_matter(loop, random):
    order = list(range(len(loop.notes)))
    random.shuffle(order)
    other = loop.with_notes(Notes.of(*(column[order] for column in loop.notes.columns())))
    assert same(measure(loop), measure(other)) == []


@settings(max_examples=80, deadline=None)
@given(loops, loops)
def test_fingerprint_distance_is_a_distance(first, second):
    a, b = rhythm_fingerprint(first), rhythm_fingerprint(second)
    assert ((a >= 0) & (a <= 1)).all() and a.dtype == np.float32
    assert fingerprint_distance(a, a) == 0.0
    assert 0.0 <= fingerprint_distance(a, b) <= 1.0
    assert fingerprint_distance(a, b) == pytest.approx(fingerprint_distance(b, a))


@pytest.mark.parametrize("resolution", [96, 120, 220, 960])
def test_the_resolution_of_a_file_hardly_matters_on_human_playing(resolution):
    # what a file of that resolution would keep: onsets rounded to its ticks, at most 480 / 96 / 2 = 2.5 of ours
    found = []
    for loop in groove_loops(stride=40)[:40]:
        tick = np.rint(np.rint(loop.notes.onset_tick * resolution / 480) * 480 / resolution)
        other = loop.with_notes(loop.notes.with_columns(onset_tick=np.maximum(tick, -60)))
        first, second = measure(loop), measure(other)
        found.append([abs(first[n] - second[n]) for n in ("swing_ratio_8", "microtiming_sd_ms", "onset_density")])
    swing, spread, density = np.nanmedian(np.array(found), axis=0)
    assert swing <= 0.03 and spread <= 0.5 and density <= 0.02
