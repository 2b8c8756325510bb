"""The swing asked for, on the notes of a hundred real drum loops with the offsets their players had."""

from pathlib import Path

import numpy as np
import pytest

from composer_core.metrics import Analysis
from composer_core.pipeline.library.loops import loops_for_training
from composer_core.render.midi import loop_to_midi
from composer_core.rules import perform
from composer_core.tokens.snap import snap_loop
from swing_meter import measure_swing

GROOVE = Path(__file__).parents[3] / "shared" / "data" / "cc-by" / "gmd" / "drummer1" / "session1"
N_LOOPS, BARS = 100, 4


@pytest.fixture(scope="module")
def windows():
    """100 four-bar windows on the straight grid with their players' offsets in ms."""
    if not GROOVE.is_dir():
        pytest.skip("needs the Groove MIDI Dataset in ../shared/data")
    rng = np.random.default_rng(0)
    takes = [snap_loop(loop) for loop in loops_for_training(GROOVE, "drums") if loop.bars >= BARS]
    found = []
    while len(found) < N_LOOPS:
        take = takes[rng.integers(len(takes))]
        length = BARS * take.loop.meter.bar_tick
        start = int(rng.integers(take.loop.bars - BARS + 1)) * take.loop.meter.bar_tick
        onset = take.loop.notes.onset_tick
        index = np.flatnonzero((onset >= start) & (onset < start + length))
        if len(index) >= 8:
            notes = take.loop.notes.select(index)
            notes = notes.with_columns(onset_tick=notes.onset_tick - start)
            found.append((take.loop.with_notes(notes, bars=BARS), take.offset_ms[index]))
    return found


@pytest.mark.parametrize("humanise", [0.0, 50.0])
@pytest.mark.parametrize("grid", [8, 16])
@pytest.mark.parametrize("percent", [50.0, 58.0, 62.0, 66.7])
def test_both_meters_read_what_was_asked_in_95_of_100(windows, percent, grid, humanise):
    ratio = percent / (100 - percent)
    near, read = np.zeros(2), np.zeros(2)
    for number, (loop, offsets) in enumerate(windows):
        tempo = (70.0, 90.0, 104.0, 130.0)[number % 4]
        result = perform(
            loop,
            offsets,
            tempo_bpm=tempo,
            swing_ratio=ratio,
            swing_grid=grid,
            humanise_percent=humanise,
            short_note_floor_ms=0.0,
        )
        for index, (found, n_pairs) in enumerate(readings(result.loop, grid)):
            if n_pairs >= BARS:
                read[index] += 1
                near[index] += is_near(found, ratio, humanise)
    assert (read > 40).all()
    assert (near >= 0.95 * read).all(), (near, read)


def readings(loop, grid):
    """(ratio, pairs) by the metric and by the meter of the tests."""
    analysis = Analysis(loop)
    swing = analysis.swing_8 if grid == 8 else analysis.swing_16
    reading = measure_swing(loop_to_midi(loop), grid)
    return (swing.ratio, swing.pairs_a_bar * loop.bars), (reading.ratio, reading.n_pairs)


def is_near(found, ratio, humanise):
    """Within 0.03 of the ratio on the grid, within 3 percentage points humanised."""
    if humanise == 0.0:
        return abs(found - ratio) <= 0.03
    return abs(100 * found / (1 + found) - 100 * ratio / (1 + ratio)) <= 3.0
