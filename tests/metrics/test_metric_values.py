"""Four hand-worked values for every metric: nothing, an extreme, one worked out, an edge."""

import math

import pytest

from composer_core.metrics import METRICS
from composer_core.music.loop import NO_NOTES, Loop
from habit_cases import HABIT_CASES
from metric_loops import beat, hits, loud, repeated, tune
from pitched_cases import PITCHED_CASES

NAN = math.nan
MS = 60_000 / (120 * 480)  # one tick at 120 BPM: 1.0416 ms
EIGHTHS = beat(hat="x.x.x.x.x.x.x.x.")
SIXTEENTHS = beat(hat="xxxxxxxxxxxxxxxx")
QUARTERS = beat(kick="x...x...x...x...")
ONE = hits([(0, "kick")])
SHUFFLE = hits([(t, p) for b in range(4) for t, p in [(b * 480, "hat"), (b * 480 + 320, "hat"), (b * 480, "kick")]])
NINE = ("kick", "snare", "hat", "open", "low", "tom", "high", "crash", "ride")
AAAB = beat(bars=4, kick="x...x...x....x..")


def swung(unit_tick: int, place: float) -> Loop:
    """Hats on both notes of every pair of a bar."""
    return hits([(start + p * unit_tick, "hat") for start in range(0, 1920, unit_tick) for p in (0, place)])


# name: (extreme loop, value), (worked loop, value), (edge loop, value); the empty loop is below
CASES = {
    # every 16th triplet; 8ths with two of ten onsets on 16ths: 16ths deviate by 0, 8ths by 240 / 10 / 60 = 0.4;
    # one note lies on all grids, the coarsest wins
    "grid": [(beat(hat="x" * 24), 6), (beat(hat="x.x.xxxxx.x.x.x."), 4), (ONE, 2)],
    # triplet shuffle under kick: o = 320 / 480, o / (1 - o) = 2; 0.6 / 0.4; straight 16ths at .75 say nothing
    "swing_ratio_8": [(SHUFFLE, 2), (swung(480, 0.6), 1.5), (beat(hat="x..xx..xx..xx..x"), NAN)],
    "swing_ratio_16": [(swung(240, 2 / 3), 2), (swung(240, 0.6), 1.5), (EIGHTHS, NAN)],
    # 4 pairs, no spread: 4 / 5; places .5 .5 .55 .55: median .525, s = 1.4826 * .025 = .037065,
    # 0.8 / (1 + (.037065 / .05)^2) = 0.8 / 1.54953; quarters hold no pair
    "swing_confidence": [
        (EIGHTHS, 0.8),
        (hits([(t, "hat") for t in (0, 240, 480, 720, 960, 1224, 1440, 1704)]), 0.516287),
        (QUARTERS, 0),
    ],
    # 8 pairs: 8 / 9; one pair (0, 120, followed by 240): 1 / 2; 8ths hold no pair of 16ths
    "swing_confidence_16": [(SIXTEENTHS, 8 / 9), (beat(hat="xxx.x...x...x..."), 0.5), (EIGHTHS, 0)],
    # 16 in 4 quarters; layers 10 ticks and a flam 20 ticks apart are one onset: 4 in 4; an early downbeat
    # (-10) and a note 5 ticks from the end meet at the seam: 1 in 4
    "onset_density": [
        (SIXTEENTHS, 4),
        (hits([(0, "kick"), (10, "hat"), (480, "snare"), (960, "snare"), (980, "snare"), (1440, "hat")]), 1),
        (hits([(-10, "kick"), (1915, "hat")]), 0.25),
    ],
    # 16 in a second; 4 in 4 * 60 / 90 s; 1 in 4 bars of 4 s
    "onset_rate": [
        (beat(bpm=240, hat="x" * 16), 16),
        (beat(bpm=90, kick="x...x...x...x..."), 1.5),
        (hits([(0, "kick")], bars=4, bpm=60), 1 / 16),
    ],
    # three layers of 16; 4 + 2 notes in 2 bars; one on the last tick of four bars
    "notes_per_bar": [
        (beat(kick="x" * 16, snare="x" * 16, hat="x" * 16), 48),
        (beat(bars=2, kick="x...x...x...x...x.......x......."), 3),
        (hits([(4 * 1920 - 1, "hat")], bars=4), 0.25),
    ],
    # weights 0 -4 -3 -4 -2 -4 -3 -4 -1 ...: kicks one 16th before each beat: 2 + 3 + 2 + 4;
    # son clave 0 3 6 10 12: 3 -> rest on 4: -2 + 4 = 2, 6 -> rest on 8: -1 + 3 = 2, others 0; hats fill no rest
    "syncopation": [
        (beat(kick="...x...x...x...x"), 11),
        (beat(kick="x..x..x...x.x..."), 4),
        (beat(kick="x...x...x...x...", hat="xxxxxxxxxxxxxxxx"), 0),
    ],
    # all on the "and"; 2 of 6 slots; a downbeat 20 ticks early is on the beat
    "offbeat_rate": [
        (beat(hat="..x...x...x...x."), 1),
        (beat(hat="x.xxx...x...x..."), 1 / 3),
        (hits([(-20, "kick")]), 0),
    ],
    # equal gaps; gaps 4 2 2 8: shares 1/4 1/2 1/4 -> 1.5 bits; one gap, around the loop
    "ioi_entropy": [(SIXTEENTHS, 0), (beat(kick="x...x.x.x......."), 1.5), (ONE, 0)],
    # all 50 ticks late; 10 -10 20 0: mean 5; exactly swung notes lie on the warped grid
    "microtiming_mean_ms": [
        (hits([(b * 480 + 50, "hat") for b in range(4)]), 50 * MS),
        (hits([(10, "kick"), (470, "hat"), (980, "kick"), (1440, "hat")]), 5 * MS),
        (SHUFFLE, 0),
    ],
    # all late alike; 10 -10 20 0: squares about 5: 25 225 225 25, root of 125; one note has no spread
    "microtiming_sd_ms": [
        (hits([(b * 480 + 50, "hat") for b in range(4)]), 0),
        (hits([(10, "kick"), (470, "hat"), (980, "kick"), (1440, "hat")]), math.sqrt(125) * MS),
        (hits([(30, "kick")]), 0),
    ],
    # all 48 ticks early, the first before the bar: 50 ms; (100 + 100 + 400 + 0) / 4 = 150; one 24 ticks late: 25 ms
    "microtiming_rms_ms": [
        (hits([(b * 480 - 48, "hat") for b in range(4)]), 50),
        (hits([(10, "kick"), (470, "hat"), (980, "kick"), (1440, "hat")]), math.sqrt(150) * MS),
        (hits([(24, "kick")]), 25),
    ],
    # 59 ticks late (60 would be half way); (12 + 0) / 2 ticks, hats do not count; without the piece
    "microtiming_kick_ms": [
        (hits([(59, "kick"), (480, "hat"), (960, "hat"), (1440, "hat")]), 59 * MS),
        (hits([(12, "kick"), (500, "hat"), (960, "kick")]), 6 * MS),
        (EIGHTHS, NAN),
    ],
    "microtiming_snare_ms": [
        (hits([(480 - 59, "snare"), (0, "hat"), (960, "hat"), (1440, "hat")]), -59 * MS),
        (hits([(492, "snare"), (960, "kick"), (1452, "snare")]), 12 * MS),
        (EIGHTHS, NAN),
    ],
    # hats, open hats and ride are meant: (24 + 0 + 12) / 3
    "microtiming_hat_ms": [
        (hits([(480 + 59, "ride"), (0, "kick"), (960, "kick"), (1440, "kick")]), 59 * MS),
        (hits([(24, "hat"), (480, "open"), (972, "ride"), (1440, "kick")]), 12 * MS),
        (QUARTERS, NAN),
    ],
    # every slot differs; 1 of 16 slots differs, both ways round; one bar follows itself
    "groove_consistency": [
        (beat(bars=2, hat="x.x.x.x.x.x.x.x..x.x.x.x.x.x.x.x"), 0),
        (beat(bars=2, kick="x...x...x...x...x...x...x.x.x..."), 15 / 16),
        (SIXTEENTHS, 1),
    ],
    "velocity_mean": [(loud([127] * 4), 127), (loud([100, 60, 20, 40]), 55), (loud([1]), 1)],
    # 1 and 127: 63; 100 60 20 40 about 55: 45 5 35 15: (2025 + 25 + 1225 + 225) / 4 = 875
    "velocity_sd": [(loud([1, 127]), 63), (loud([100, 60, 20, 40]), math.sqrt(875)), (loud([90]), 0)],
    "velocity_range": [(loud([1, 127]), 126), (loud([100, 60, 20, 40]), 80), (loud([90]), 0)],
    # beats 127, rest 1; quarters (100 + 80) / 2 against (60 + 30) / 2; nothing off the beat
    "accent_contrast": [
        (loud([127, 1, 1, 1, 127, 1, 1, 1]), 126),
        (loud([100, 60, 80, 30], gap_tick=240), 45),
        (QUARTERS, NAN),
    ],
    # one note in each of 16 bins of 8; shares 1/2 1/4 1/4; one level
    "velocity_entropy": [
        (loud([8 * i + 1 for i in range(16)]), 4),
        (loud([100, 100, 60, 20]), 1.5),
        (loud([64, 65, 66]), 0),
    ],
    # soft and off the backbeat; of four snares two are, a soft backbeat is none; no snare
    "ghost_rate": [(beat(snare=".oo..oo..oo..oo."), 1), (beat(snare="....x.o.o...o..."), 0.5), (QUARTERS, NAN)],
    # always together; 2 of 4 clusters; open and closed hat are one kind
    "drum_collision_rate": [
        (beat(kick="x...x...", hat="x...x..."), 1),
        (beat(kick="x.......", snare="....x...", hat="x.x.x.x."), 0.5),
        (beat(hat="x...x...", open="x...x..."), 0),
    ],
    # the kick never without a hat: (1/8 - 1/32) / (1/8 - 1/32) = 1; kick 0 2, hat 0 4 8 12 of 16:
    # (1/16 - 1/32) / (1/8 - 1/32) = 1/3; one role
    "role_separation": [
        (beat(kick="x.......x.......", hat="x...x...x...x..."), 0),
        (beat(kick="x.x.............", hat="x...x...x...x..."), 2 / 3),
        (QUARTERS, NAN),
    ],
    # nine roles alike; 2 kick 2 snare 4 hats: 1 - (1/16 + 1/16 + 1/4); hand percussion has no role
    "role_balance": [
        (hits([(i * 120, piece) for i, piece in enumerate(NINE)]), 8 / 9),
        (beat(kick="x.......x.......", snare="....x.......x...", hat="x...x...x...x..."), 0.625),
        (beat(conga="x...x..."), NAN),
    ],
    # toms alone; the last of four beats; ghost notes are no fill
    "fill_rate": [
        (beat(tom="xxxxxxxxxxxxxxxx"), 1),
        (beat(hat="x.x.x.x.x.x.....", snare="............xxxx"), 0.25),
        (beat(hat="x.x.x.x.x.x.....", snare="............oooo"), 0),
    ],
    # four on the floor; beats 1 and 3 of kicks on 0 3 8 10; no kick
    "kick_on_beat_rate": [(QUARTERS, 1), (beat(kick="x..x....x.x....."), 0.5), (EIGHTHS, NAN)],
    # 2 and 4; 2 only, the 4 is a ghost; in 3/4 the snare answers on 2 and 3
    "backbeat_rate": [
        (beat(snare="....x.......x..."), 1),
        (beat(snare="....x.......o..."), 0.5),
        (beat(meter="3/4", snare="....x...x..."), 1),
    ],
    "hat_openness": [(beat(open="x.x.x.x."), 1), (beat(hat="x.x.x...", open="......x."), 0.25), (QUARTERS, NAN)],
    # hats only; 4 of 8; hand percussion is no cymbal
    "cymbal_rate": [
        (EIGHTHS, 1),
        (beat(hat="x.x.....", ride="....x...", crash="......x.", kick="x.x.x.x."), 0.5),
        (beat(conga="x...x..."), 0),
    ],
    # 4 2 2 8: 2/6, 0, 6/10, 4/12 -> 200 * 1.26667 / 4
    "ioi_variability": [(SIXTEENTHS, 0), (beat(kick="x...x.x.x......."), 63.33333), (ONE, 0)],
    "longest_gap": [(ONE, 4), (beat(kick="x...x.x.x......."), 2), (SIXTEENTHS, 0.25)],
    # exact; 10 -10 10 -10 less a lag of 10: mean 10 of 60; a lag of 30 is taken off
    "grid_fit": [
        (EIGHTHS, 1),
        (hits([(10, "kick"), (470, "kick"), (970, "kick"), (1430, "kick")]), 1 - 10 / 60),
        (hits([(30, "kick")]), 1),
    ],
    "downbeat_rate": [
        (QUARTERS, 1),
        (beat(bars=2, kick="x...x...x...x.....x...x...x...x."), 0.5),
        (hits([(-20, "kick")]), 1),
    ],
    # slots 0 3 8 10: one between the 8ths
    "sixteenth_rate": [(beat(hat=".x.x.x.x.x.x.x.x"), 1), (beat(kick="x..x....x.x....."), 0.25), (EIGHTHS, 0)],
    # only thirds; four of eight onsets; a 16th is no triplet
    "triplet_rate": [
        (hits([(b * 480 + p, "hat") for b in range(4) for p in (160, 320)]), 1),
        (SHUFFLE, 0.5),
        (SIXTEENTHS, 0),
    ],
    # 59 late and 59 early; 12 and 0: 6 either way; without the piece
    "microtiming_kick_sd_ms": [
        (hits([(59, "kick"), (421, "kick"), (960, "hat"), (1440, "hat")]), 59 * MS),
        (hits([(12, "kick"), (500, "hat"), (960, "kick")]), 6 * MS),
        (EIGHTHS, NAN),
    ],
    "microtiming_snare_sd_ms": [
        (hits([(59, "snare"), (421, "snare"), (960, "hat"), (1440, "hat")]), 59 * MS),
        (hits([(12, "snare"), (500, "kick"), (960, "snare")]), 6 * MS),
        (EIGHTHS, NAN),
    ],
    "microtiming_hat_sd_ms": [
        (hits([(59, "ride"), (421, "hat"), (960, "kick"), (1440, "kick")]), 59 * MS),
        (hits([(12, "hat"), (500, "kick"), (960, "open")]), 6 * MS),
        (QUARTERS, NAN),
    ],
    # one bar 24 late, the next 24 early (its downbeat before the bar line); bars 12 late and on time; one bar
    "microtiming_drift_ms": [
        (hits([(b * 480 + (24 if b < 4 else -24), "kick") for b in range(8)], bars=2), 24 * MS),
        (hits([(12, "kick"), (492, "kick"), (1920, "kick"), (2400, "kick")], bars=2), 6 * MS),
        (hits([(12, "kick"), (480, "kick")]), 0),
    ],
    # 10 -10 10 -10; 20 10 -10 -20: (200 - 100 + 200 - 400) / 1000; nothing deviates
    "microtiming_memory": [
        (hits([(10, "kick"), (470, "kick"), (970, "kick"), (1430, "kick")]), -1),
        (hits([(20, "kick"), (490, "kick"), (950, "kick"), (1420, "kick")]), -0.1),
        (EIGHTHS, NAN),
    ],
    # both bars alike; 10 -10 and 10 10: about 5 the places 10 and 0 explain 2 * 25 + 2 * 25 of 300
    "microtiming_pattern": [
        (hits([(10, "kick"), (470, "kick"), (1930, "kick"), (2390, "kick")], bars=2), 1),
        (hits([(10, "kick"), (470, "kick"), (1930, "kick"), (2410, "kick")], bars=2), 1 / 3),
        (EIGHTHS, NAN),
    ],
    # 10 and 20 ticks; no layers
    "layer_spread_ms": [
        (hits([(0, "hat"), (59, "kick")]), 59 * MS),
        (hits([(0, "kick"), (10, "hat"), (480, "snare"), (500, "hat"), (960, "hat")]), 15 * MS),
        (QUARTERS, NAN),
    ],
    # 100 60 20 40 100: 40 40 20 60
    "velocity_step": [(loud([1, 127]), 126), (loud([100, 60, 20, 40]), 40), (loud([90]), 0)],
    # 20 10 -10 -20 about 80, as in microtiming_memory
    "velocity_memory": [(loud([127, 1, 127, 1]), -1), (loud([100, 90, 70, 60]), -0.1), (loud([90, 90]), NAN)],
    # about 90: 100 60 100 100; the places 100 and 80 explain 400 of 1200
    "velocity_pattern": [
        (beat(bars=2, hat="x...m...........x...m..........."), 1),
        (beat(bars=2, hat="x...m...........x...x..........."), 1 / 3),
        (QUARTERS, NAN),
    ],
    "velocity_of_pieces": [
        (beat(kick="x...x...", hat="..o...o."), 1),
        (beat(kick="x...m...", hat="..x...x."), 1 / 3),
        (QUARTERS, NAN),
    ],
    "velocity_kick": [(beat(kick="X..."), 127), (beat(kick="x...m...", hat="oo......"), 80), (EIGHTHS, NAN)],
    "velocity_snare": [(beat(snare="X..."), 127), (beat(snare="x...m...", hat="oo......"), 80), (EIGHTHS, NAN)],
    "velocity_hat": [(beat(ride="X..."), 127), (beat(hat="x...", open="..m.", kick="oo.."), 80), (QUARTERS, NAN)],
    "velocity_kick_sd": [(beat(kick="X...o..."), 48.5), (beat(kick="x...m..."), 20), (ONE, 0)],
    "velocity_snare_sd": [(beat(snare="X...o..."), 48.5), (beat(snare="x...m..."), 20), (EIGHTHS, NAN)],
    "velocity_hat_sd": [(beat(hat="X...o..."), 48.5), (beat(hat="x...", ride="..m."), 20), (QUARTERS, NAN)],
    # 30 then 127; (100 + 127) / 2 - (30 + 60) / 2; one bar has no halves
    "velocity_arc": [
        (beat(bars=2, hat="oX"), 97),
        (beat(bars=4, hat="omxX"), 68.5),
        (QUARTERS, 0),
    ],
    # the same four times; on 1 three times and once on 2: (3 * 3 + 1) / (4 * 4); two bars with nothing in common
    "bar_repetition": [(repeated(EIGHTHS, 4), 1), (AAAB, 0.625), (beat(bars=2, kick="x....x.."), 0.5)],
    # A B and B A differ, A A twice not
    "variation_factor": [(beat(bars=2, kick="x....x.."), 1), (AAAB, 0.5), (QUARTERS, 0)],
    "period_bars": [(AAAB, 4), (repeated(beat(bars=2, kick="x....x.."), 2), 2), (repeated(EIGHTHS, 4), 1)],
    # all in the last bar; 1 1 1 3: (-1 - 1/3 + 1/3 + 3) / 6; one bar
    "density_arc": [
        (beat(bars=2, kick="....x..."), 1),
        (beat(bars=4, kick="x...x...x...xxx."), 1 / 3),
        (QUARTERS, 0),
    ],
    "density_contrast": [(beat(bars=2, kick="....x..."), 1), (beat(bars=2, kick="xxxxxxx."), 0.25), (QUARTERS, 0)],
    # nothing in common; on 1 and 2 against 1 and 3: one of three; one bar
    "last_bar_change": [(AAAB, 1), (beat(bars=2, kick="xx..x.x."), 2 / 3), (QUARTERS, 0)],
    "seam_repetition": [(AAAB, 0), (beat(bars=2, kick="xx..x.x."), 1 / 3), (QUARTERS, 1)],
    # even; gaps 1 1 1 13: 2 * 4 / 13; a leap of 24 where leaps of max(7, 2 * 6) are usual
    "loop_seam": [
        (QUARTERS, 1),
        (beat(kick="xxxx............"), 8 / 13),
        (tune([(i * 240, 200, 60 if i < 7 else 84) for i in range(8)]), 0.5),
    ],
    **PITCHED_CASES,
    **HABIT_CASES,
}  # fmt: skip
KINDS = ("extreme", "worked", "edge")
ROWS = [
    pytest.param(name, loop, value, id=f"{name}-{kind}")
    for name, rows in CASES.items()
    for kind, (loop, value) in zip(KINDS, rows, strict=True)
]
WITHOUT_NOTES = {"onset_density": 0.0, "onset_rate": 0.0, "notes_per_bar": 0.0}


@pytest.mark.parametrize("name, loop, value", ROWS)
def test_worked_by_hand(name, loop, value):
    tolerance = 2e-3 if name == "mode_lean" else 1e-5
    assert METRICS[name].function(loop) == pytest.approx(value, abs=tolerance, nan_ok=True)


@pytest.mark.parametrize("name", METRICS)
def test_without_notes(name):
    instrument = "drums" if METRICS[name].applies_to("drums") else "piano"
    value = METRICS[name].function(Loop(instrument, NO_NOTES, 2))
    assert value == pytest.approx(WITHOUT_NOTES.get(name, NAN), nan_ok=True)


def test_every_metric_is_worked_by_hand():
    assert set(CASES) == set(METRICS)


def test_two_identical_bars_ending_on_the_bar_line_are_exactly_alike():
    bar = tune([(0, 960, 60), (960, 960, 64)])
    assert METRICS["groove_consistency"].function(repeated(bar, 2)) == 1.0
