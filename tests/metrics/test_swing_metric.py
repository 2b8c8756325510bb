"""Swing recovered from layered kits at several tempi, and read as straight where it is straight."""

from dataclasses import replace

import numpy as np
import pytest

from composer_core.metrics import METRICS, measure, swing_phase
from composer_core.metrics.swing import pair_positions
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import COMMON_TIME, Meter
from composer_core.rules.swing import apply_swing
from metric_loops import beat, groove_loops, hits

RATIO_8, RATIO_16 = METRICS["swing_ratio_8"].function, METRICS["swing_ratio_16"].function


def kit(ratio: float, bpm: float, grid: int, jitter_ms: float = 0.0, seed: int = 0) -> Loop:
    """Four bars of layered kick, snare and hats, every off-beat swung, with Gaussian jitter."""
    unit = 480 if grid == 8 else 240
    late = unit * ratio / (1 + ratio)
    places: list[tuple[float, str]] = []
    for start in range(0, 4 * 1920, unit):
        places += [(start, "hat"), (start + late, "hat")]
        if start % 480 == 0:
            places.append((start, "snare" if start % 960 else "kick"))
        if start % 1920 in (480, 960):
            places.append((start + late, "kick"))
    rng = np.random.default_rng(seed)
    jitter = rng.normal(0, 1, len(places)) * jitter_ms * bpm * 480 / 60_000
    ticks = np.clip([tick for tick, _ in places] + jitter, -60, 4 * 1920 - 1)
    return hits(list(zip(ticks, [name for _, name in places], strict=True)), bars=4, bpm=bpm)


@pytest.mark.parametrize("grid", [8, 16])
@pytest.mark.parametrize("bpm", [60.0, 120.0, 200.0])
@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_swing_of_a_layered_kit_is_recovered(grid, bpm, ratio):
    loop = kit(ratio, bpm, grid)
    assert (RATIO_8 if grid == 8 else RATIO_16)(loop) == pytest.approx(ratio, abs=0.01)
    assert swing_phase(loop) == ("straight" if ratio == 1 else f"swing_{grid}")


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("bpm", [60.0, 120.0, 200.0])
def test_swing_survives_five_ms_of_jitter(bpm, ratio):
    # stated in DAW percentage points: at 200 BPM no estimator holds 0.05 in the ratio
    read = [RATIO_8(kit(ratio, bpm, 8, jitter_ms=5.0, seed=seed)) for seed in range(20)]
    error = [abs(100 * r / (1 + r) - 100 * ratio / (1 + ratio)) for r in read]
    assert np.mean(error) <= 1.0 and max(error) <= 2.0


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("bpm", [60.0, 120.0, 200.0])
def test_swing_set_by_the_rules_is_read_again_under_jitter(bpm, ratio):
    # straight layered kit, swung by the rule; 4 DAW percentage points at 10 ms, 0.05 in the ratio without
    swung = apply_swing(kit(1.0, bpm, 8), ratio, 8)
    assert RATIO_8(swung) == pytest.approx(ratio, abs=0.05)
    rng = np.random.default_rng(int(bpm))
    for _ in range(10):
        noise = rng.normal(0, 10 * bpm * 480 / 60_000, len(swung.notes))
        onset = np.clip(swung.notes.onset_tick + noise, -60, swung.length_tick - 1)
        read = RATIO_8(swung.with_notes(swung.notes.with_columns(onset_tick=onset)))
        assert abs(100 * read / (1 + read) - 100 * ratio / (1 + ratio)) <= 4.0


def test_human_windows_snapped_to_straight_16ths_read_straight():
    straight, read = 0, 0
    for loop in groove_loops(stride=4):
        tick = np.rint(loop.notes.onset_tick / 120) * 120 % loop.length_tick
        ratio = RATIO_8(loop.with_notes(loop.notes.with_columns(onset_tick=tick)))
        read += 1
        straight += bool(abs(ratio - 1.0) <= 0.03)
    assert read >= 300
    assert straight / read >= 0.98


@pytest.mark.parametrize(
    "line, ratio",
    [
        ("x..xx..xx..xx..x", None),  # only .75: straight 16ths
        ("xx.xxx.xxx.xxx.x", None),  # .25 and .75
        ("xx.xx.x.x.x.x.x.", 1.0),  # the first beat is skipped, the others have the 8th
        ("x.xxx.xxx.xxx.xx", 1.0),  # .5 and .75: the 8th counts
    ],
)
def test_straight_16ths_say_nothing_about_8th_swing(line, ratio):
    assert RATIO_8(beat(hat=line)) == pytest.approx(float("nan") if ratio is None else ratio, nan_ok=True)


@pytest.mark.parametrize("place, ratio", [(0.70, 0.70 / 0.30), (0.73, 0.73 / 0.27), (0.75, float("nan"))])
def test_heavy_swing_is_read_where_nothing_else_divides_the_beat(place, ratio):
    # exactly .75 is the same notes as straight 16ths
    ride = [(b * 480 + p * 480, "ride") for b in range(4) for p in (0, place)]
    assert RATIO_8(hits(ride)) == pytest.approx(ratio, abs=0.02, nan_ok=True)


def test_timekeepers_come_first_and_all_onsets_stand_in():
    # hats swing at 2 while the kick plays straight 8ths; without hats the kick is read
    hats = [(b * 480 + p, "hat") for b in range(4) for p in (0, 320)]
    kicks = [(b * 480 + p, "kick") for b in range(4) for p in (0, 240)]
    assert RATIO_8(hits(hats + kicks)) == pytest.approx(2.0)
    assert RATIO_8(hits(kicks)) == pytest.approx(1.0)


def test_triplets_are_not_swung_16ths():
    triplets = hits([(b * 480 + p, "hat") for b in range(4) for p in (0, 160, 320)])
    assert swing_phase(triplets) == "triplet"
    assert np.isnan(RATIO_16(triplets))


@pytest.mark.parametrize(
    "meter, eighth, sixteenth",
    [
        ("3/4", 2.0, 2.0),
        ("5/4", 2.0, 2.0),
        ("7/8", 2.0, 2.0),
        ("6/8", None, 2.0),
        ("12/8", None, 2.0),
        ("5/16", 2.0, None),
    ],
)
def test_metres_have_the_pairs_their_beats_allow(meter, eighth, sixteenth):
    # in 7/8 three quarters hold pairs and the last eighth none; 6/8 has no pair of 8ths in a beat
    bar = Meter.parse(meter).bar_tick
    eighths = [(p * 480 + o, "hat") for p in range(bar // 480) for o in (0, 320)]
    sixteenths = [(p * 240 + o, "hat") for p in range(bar // 240) for o in (0, 160)]
    assert RATIO_8(hits(eighths, meter=meter)) == pytest.approx(eighth or float("nan"), nan_ok=True)
    assert RATIO_16(hits(sixteenths, meter=meter)) == pytest.approx(sixteenth or float("nan"), nan_ok=True)


def test_an_early_downbeat_starts_its_pair():
    # downbeats 20 ticks early: pairs are 20 + 240 long of 480
    early = [(b * 480 + p, "hat") for b in range(4) for p in (-20, 240)]
    assert RATIO_8(hits(early)) == pytest.approx((260 / 480) / (220 / 480))


def test_pairs_across_the_seam_are_found():
    # the last beat begins in the loop and its off-beat lies in it; the next bar's downbeat is the first one
    found = pair_positions(np.array([0.0, 240.0, 1440.0, 1680.0]), COMMON_TIME, 1, 8)
    assert found.tolist() == [0.5, 0.5]


def test_tempo_and_confidence():
    steady, loose = kit(1.6, 100, 8), kit(1.6, 100, 8, jitter_ms=15, seed=3)
    assert measure(steady)["swing_confidence"] > measure(loose)["swing_confidence"] > 0
    assert RATIO_8(replace(steady, tempo_bpm=70.0)) == RATIO_8(steady)


def test_chords_and_one_note():
    chord = Notes.from_rows([(0, 480, pitch, 80) for pitch in (60, 64, 67)])
    assert np.isnan(RATIO_8(Loop("piano", chord, 1)))
    assert swing_phase(Loop("piano", chord, 1)) == "straight"


@pytest.mark.parametrize("place", [0.5, 0.58, 0.62, 2 / 3, 0.70])
@pytest.mark.parametrize("line", ["x.x.xxx.x.x.xxxx", "x.xxx.x.xx..x.x.", "x...x.xxxxx.x..x"])
def test_16ths_between_swung_8ths_do_not_disturb(place, line):
    # every 16th moves with its 8th, as when swing is applied: .25 to place / 2, .75 to (1 + place) / 2
    moved = {0: 0.0, 1: place / 2, 2: place, 3: (1 + place) / 2}
    loop = hits([((i // 4 + moved[i % 4]) * 480, "hat") for i, mark in enumerate(line) if mark == "x"])
    assert RATIO_8(loop) == pytest.approx(place / (1 - place), abs=0.02)


def test_a_late_16th_alone_is_no_heavy_swing():
    # 58 % swing moves the 16th at .75 to .79; with no 8th to be seen it says nothing
    assert np.isnan(RATIO_8(hits([(b * 480 + p, "hat") for b in range(4) for p in (0, 379)])))
