"""The grid: metrical weights, backbeats, clusters, and which grid a loop follows."""

import numpy as np
import pytest

from composer_core.metrics import METRICS, Analysis, fingerprint_distance, rhythm_fingerprint
from composer_core.metrics.grid import backbeat_ticks, distinct_onsets, grid_steps, metrical_weights
from composer_core.music.loop import NO_NOTES, Loop
from composer_core.music.timing import Meter
from metric_loops import beat, hits, tune


@pytest.mark.parametrize(
    "meter, step, weights",
    [
        # 4/4: bar, halves, quarters, 8ths, 16ths
        ("4/4", 120, [0, -4, -3, -4, -2, -4, -3, -4, -1, -4, -3, -4, -2, -4, -3, -4]),
        # 3/4: bar, three quarters, 8ths, 16ths
        ("3/4", 120, [0, -3, -2, -3, -1, -3, -2, -3, -1, -3, -2, -3]),
        # 6/8: two dotted quarters, three 8ths each, 16ths
        ("6/8", 120, [0, -3, -2, -3, -2, -3, -1, -3, -2, -3, -2, -3]),
        # 7/8: seven 8ths of one rank, 16ths
        ("7/8", 120, [0, -2, -1, -2, -1, -2, -1, -2, -1, -2, -1, -2, -1, -2]),
        # a quarter of triplets: three 8th triplets, their halves
        ("1/4", 80, [0, -2, -1, -2, -1, -2]),
    ],
)
def test_metrical_weights(meter, step, weights):
    assert metrical_weights(Meter.parse(meter), step).tolist() == weights


@pytest.mark.parametrize(
    "meter, ticks",
    [
        ("4/4", (480, 1440)),
        ("3/4", (480, 960)),
        ("2/4", (480,)),
        ("5/4", (480, 1440)),
        ("6/8", (720,)),
        ("9/8", (720, 1440)),
        ("12/8", (720, 2160)),
        ("7/8", (480,)),
        ("1/4", ()),
        ("2/2", (960,)),
    ],
)
def test_backbeats(meter, ticks):
    assert backbeat_ticks(Meter.parse(meter)) == ticks


@pytest.mark.parametrize(
    "position, length, onsets",
    [
        ([], 1920, []),
        ([5], 1920, [5]),
        ([0, 39, 79], 1920, [19.5, 79]),  # gaps of 39 and 40
        ([0, 40, 80], 1920, [0, 40, 80]),
        ([0, 30, 60], 1920, [30]),  # one chain
        ([4, 1910], 1920, [1917]),  # across the seam: (1910 + 1924) / 2
        ([0, 10, 20], 30, [0]),  # no gap anywhere: one onset
    ],
)
def test_distinct_onsets(position, length, onsets):
    assert distinct_onsets(np.array(position, dtype=float), length).tolist() == onsets


@pytest.mark.parametrize(
    "loop, step",
    [
        (beat(hat="x.x.x.x.x.x.x.x."), 240),
        (beat(hat="xxxxxxxxxxxxxxxx"), 120),
        (hits([(b * 480 + p, "hat") for b in range(4) for p in (0, 160, 320)]), 160),
        (hits([(b * 80, "hat") for b in range(24)]), 80),
        (hits([(b * 480 + p + 18, "hat") for b in range(4) for p in (0, 240)]), 240),  # a common lag is no deviation
        (hits([(t, "hat") for t in (4, 243, 475, 722, 964, 1195, 1443, 1678)]), 240),  # jitter of some ticks
    ],
)
def test_the_grid_a_loop_follows(loop, step):
    assert Analysis(loop).grid_tick == step


def test_every_metre_has_a_grid():
    for denominator in (1, 2, 4, 8, 16, 32, 64):
        for numerator in (1, 2, 3, 5, 7, 12, 13):
            meter = Meter(numerator, denominator)
            assert all(meter.bar_tick % step == 0 for step in grid_steps(meter))
            loop = Loop("drums", hits([(0, "kick"), (10, "hat"), (20, "snare")]).notes, 2, 120.0, meter)
            for metric in METRICS.values():
                if metric.applies_to("drums"):
                    metric.function(loop)


def test_swung_notes_share_their_straight_slots():
    swung = hits([(b * 480 + p, "hat") for b in range(4) for p in (0, 320)])
    assert Analysis(swung).slot.tolist() == [0, 2, 4, 6, 8, 10, 12, 14]
    assert fingerprint_distance(rhythm_fingerprint(swung), rhythm_fingerprint(beat(hat="x.x.x.x.x.x.x.x."))) == 0.0


def test_an_early_downbeat_lies_on_the_first_slot():
    analysis = Analysis(hits([(-40, "kick"), (1900, "hat"), (470, "snare")]))
    assert sorted(zip(analysis.pitch.tolist(), analysis.slot.tolist(), strict=True)) == [(36, 0), (38, 4), (42, 0)]
    assert analysis.deviation_ms == pytest.approx(np.array([-10, -40, -20]) * 60_000 / (120 * 480))


def test_fingerprint_by_hand():
    # two bars: kick on 1 of both, of the first also on 3. Gaps: 8, 8 and 16 16ths: 2, 2, 4 quarters
    loop = beat(bars=2, kick="x.......x.......x...............")
    found = rhythm_fingerprint(loop)
    assert found.shape == (58,)
    assert (found[0], found[8], found[:48].sum()) == (1.0, 0.5, 1.5)
    assert found[48:].tolist() == pytest.approx([0] * 8 + [2 / 3, 1 / 3])


def test_fingerprint_distance_by_hand():
    # kick on 1 against kick on 1 and 3, one bar: |p - q| = 1 of max 2 -> 0.5; gaps all 4 quarters against all 2: 1
    one, two = rhythm_fingerprint(beat(kick="x...............")), rhythm_fingerprint(beat(kick="x.......x......."))
    assert fingerprint_distance(one, two) == pytest.approx(0.75 * 0.5 + 0.25 * 1)
    # nothing in common: other slots, other bands, other gaps
    other = rhythm_fingerprint(beat(hat=".xxxxxxx.xxxxxxx"))
    assert fingerprint_distance(one, other) == pytest.approx(1.0)


def test_fingerprint_of_nothing():
    nothing = rhythm_fingerprint(Loop("drums", NO_NOTES, 1))
    assert not nothing.any()
    assert np.isnan(fingerprint_distance(nothing, rhythm_fingerprint(beat(kick="x..."))))


def test_pitched_bands_are_thirds_of_the_own_range():
    # 60 lies low, 66 in the middle, 72 high of 60 to 72
    found = rhythm_fingerprint(tune([(0, 100, 60), (480, 100, 66), (960, 100, 72)]))
    assert [found[0], found[16 + 4], found[32 + 8], found[:48].sum()] == [1, 1, 1, 3]
