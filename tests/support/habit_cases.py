"""Hand-worked values for the metrics of habits: what comes back from bar to bar, who plays how much."""

from __future__ import annotations

import math

from composer_core.music.loop import Loop
from metric_loops import beat, hits, loud, repeated

NAN = math.nan
MS = 60_000 / (120 * 480)  # one tick at 120 BPM
EIGHTHS = beat(hat="x.x.x.x.x.x.x.x.")
KICKS = beat(kick="x...x...")
ONE = hits([(0, "kick")])
# 2 kicks, 2 snares, 8 hats, 1 crash
KIT = beat(kick="x...x...", snare="..x...x.", hat="x.x.x.x.x.x.x.x.", crash="x...............")
TWO = beat(bars=2, hat="ox......xo......")  # 30 100 in the first bar, 100 30 at the same places of the second
APART = beat(bars=2, kick="x.......", hat="....x...")  # a kick in one bar, a hat in the other
HALF = beat(bars=2, kick="x...x...", hat=".x......")  # kick and hat, then the kick alone
SHUFFLE = hits([(t, "hat") for b in range(4) for t in (b * 480, b * 480 + 320)])

HABIT_CASES: dict[str, list[tuple[Loop, float]]] = {
    # all alike; two of four; one note
    "velocity_mode_share": [(EIGHTHS, 1), (loud((100, 100, 50, 60)), 0.5), (ONE, 1)],
    # no variance; deviations 20 20 20 -60: (3 * 8000 - 216000) / 4 / 1200 ** 1.5; two notes are even
    "velocity_skew": [(EIGHTHS, NAN), (loud((100, 100, 100, 20)), -1.154701), (loud((40, 80)), 0)],
    # one bar follows itself; soft where the other bar is loud; no variance
    "velocity_repetition": [(loud((40, 90, 70)), 1), (TWO, -1), (EIGHTHS, NAN)],
    # the same bar twice; 30 against 100 everywhere; nothing comes back
    "velocity_bar_change": [(repeated(loud((40, 90)), 2), 0), (TWO, 70), (beat(bars=2, kick="x......."), NAN)],
    # weights 0 and -2, loud then soft the wrong way; 100 60 60 on weights 0 -2 -1: 40 / (32.66 * 1.4142); one note
    "accent_fit": [(beat(hat="o...x..........."), -1), (beat(hat="x...m...m......."), math.sqrt(3) / 2), (ONE, NAN)],
    # 127 against 30; (100 + 60) / 2 against 30; backbeats only
    "backbeat_contrast": [
        (beat(snare="....X.o.....X..."), 97), (beat(snare="o...x...o...m..."), 50), (beat(snare="..x...x."), NAN),
    ],
    # touch: low tom on a backbeat hardly ever soft; snare on the backbeat loud; kick of 100 on the downbeat
    "touch_fit": [(beat(low="....o..........."), -3.68), (beat(snare="....X..........."), 1.23), (ONE, -0.33)],
    # the same; 12 ticks late in the second bar; nothing comes back
    "microtiming_bar_change_ms": [
        (repeated(hits([(7, "hat")]), 2), 0),
        (hits([(0, "hat"), (480, "hat"), (1932, "hat"), (2412, "hat")], bars=2), 12 * MS),
        (hits([(0, "kick")], bars=2), NAN),
    ],
    # one bar follows itself; late then early, early then late; no deviation
    "microtiming_repetition": [
        (hits([(12, "hat"), (468, "hat")]), 1),
        (hits([(12, "hat"), (468, "hat"), (1908, "hat"), (2412, "hat")], bars=2), -1),
        (EIGHTHS, NAN),
    ],
    # one voice; hats 12 ticks behind the kick; the late crash is one of 12 notes, less than a tenth
    "voice_lag_ms": [
        (EIGHTHS, 0),
        (hits([(0, "kick"), (12, "hat"), (960, "kick"), (972, "hat")]), 12 * MS),
        (hits([*((tick, "hat") for tick in range(0, 1320, 120)), (1452, "crash")]), 0),
    ],
    # exact; 0 and 1 of 0, 1, 2 and 5 ticks; swung exactly
    "on_grid_rate": [
        (EIGHTHS, 1), (hits([(0, "kick"), (481, "kick"), (962, "kick"), (1445, "kick")]), 0.5), (SHUFFLE, 1),
    ],
    # 100 then 30; (100 + 60) / 2 then 60; one bar
    "velocity_jump": [
        (beat(bars=2, hat="xxxxxxxxoooooooo"), 70), (beat(bars=2, hat="x.m.....m.m....."), 20), (ONE, 0),
    ],
    # nothing in common; one stroke of two; the same bar twice
    "strangest_bar": [(APART, 1), (HALF, 0.5), (repeated(KIT, 2), 0)],
    "kick_share": [(KICKS, 1), (KIT, 2 / 13), (EIGHTHS, 0)],
    "snare_share": [(beat(snare="x..."), 1), (KIT, 2 / 13), (EIGHTHS, 0)],
    "hat_share": [(EIGHTHS, 1), (KIT, 8 / 13), (KICKS, 0)],
    "ride_share": [(beat(ride="xxxx"), 1), (beat(ride="x...", kick="x.x."), 1 / 3), (KIT, 0)],
    "tom_share": [(beat(low="x...", high="..x."), 1), (beat(tom="x...", kick="x.x."), 1 / 3), (KIT, 0)],
    "crash_share": [(beat(crash="x..."), 1), (KIT, 1 / 13), (KICKS, 0)],
    # no role in common; halves against one: (0.5 + 0.5) / 2; the same bar twice
    "kit_change": [(APART, 1), (HALF, 0.5), (repeated(KIT, 2), 0)],
    # three by hand; on one of two strokes; kick and two hands
    "hands_over_rate": [
        (beat(snare="x...", hat="x...", crash="x..."), 1),
        (beat(snare="x...", hat="x...", crash="x...", kick="x.x."), 0.5),
        (beat(snare="x...", hat="x...", kick="x..."), 0),
    ],
    "kick_downbeat_rate": [(KICKS, 1), (beat(bars=2, kick="x......."), 0.5), (EIGHTHS, 0)],
    # always; on 1 of the beats 1, 3 and 4; neither plays
    "kick_snare_rate": [(beat(kick="x...", snare="x..."), 1), (beat(kick="x.x.", snare="x..x"), 1 / 3), (EIGHTHS, NAN)],
    "crash_with_kick_rate": [(KIT, 1), (beat(crash="x.x.", kick="x..."), 0.5), (EIGHTHS, NAN)],
    # even; gaps 4, 2 and 10 once each: log2 3; no hats
    "timekeeper_entropy": [(EIGHTHS, 0), (beat(hat="x...x.x........."), math.log2(3)), (KICKS, NAN)],
    # one bar follows itself; 2 common in (2 + 1) * 2 - 2; no hats
    "timekeeper_repetition": [(EIGHTHS, 1), (beat(bars=2, hat="x.x.x..."), 0.5), (KICKS, NAN)],
    # crash between the 8ths; kick on 1 and 3, snare on 2 and 4: (0.87 + 0.4 + 0.08 + 0.08) / 4; kick on 1
    "role_fit": [
        (beat(crash=".x.............."), -1.07), (beat(kick="x...x...", snare="..x...x."), 0.3575), (ONE, 0.87),
    ],
    # one bar repeats and its beats share nothing; 2 of 3 kicks come back in the other bar: 2 / 3, each in 2 of the
    # other 7 beats: 6 / 21; every beat alike
    "bar_gain": [
        (repeated(beat(kick="x...", snare=".x.."), 2), 1),
        (beat(bars=2, kick="x.x.x..."), 8 / 21),
        (beat(kick="xxxx"), 0),
    ],
    # first halves 0, empty second halves 1; likeness 1 0 0 and three times 1: 1 - 4 / 6; one bar repeats
    "half_bar_gap": [
        (APART, 0.5), (beat(bars=3, kick="x...x.......", snare="........x..."), 1 / 3), (repeated(KIT, 2), 0),
    ],
    # 100 30 100 30 in both bars; turned round in the second: 9800 / 4 within places of the bar, 9800 / 7 of the beat;
    # no place comes back
    "velocity_bar_gain": [
        (beat(bars=2, hat="xoxoxoxo", kick=".......x"), 1),
        (beat(bars=2, hat="xoxooxox"), -0.75),
        (loud((40, 90, 70)), NAN),
    ],
    # late and early in turn; four beats 12 ticks late, four early: 2 of 8 changes of 24, 1 - 144 / (2 * 144); exact
    "timing_beat_memory": [
        (hits([(12, "hat"), (468, "hat"), (972, "hat"), (1428, "hat")]), -1),
        (hits([(beat * 480 + (12 if beat < 4 else -12), "hat") for beat in range(8)], bars=2), 0.5),
        (EIGHTHS, NAN),
    ],
    # hats 12 ticks behind the kick; 0 0 against 12 24: 2 * 81 + 2 * 81 of 396; one voice
    "microtiming_of_voices": [
        (hits([(0, "kick"), (12, "hat"), (960, "kick"), (972, "hat")]), 1),
        (hits([(0, "kick"), (12, "hat"), (960, "kick"), (984, "hat")]), 9 / 11),
        (hits([(12, "hat"), (468, "hat")]), 0),
    ],
    # crash on the second 16th of beat two; kick on 1 and 3, snare on 2 and 4: (0.86 + 0.42 + 0.14 + 0.05) / 4; no 4/4
    "sixteenth_fit": [
        (beat(crash=".....x.........."), -1.05),
        (beat(kick="x.x.", snare=".x.x"), 0.3675),
        (beat(meter="3/4", kick="x.."), NAN),
    ],
    # snare loud before the backbeat, soft on it; 100 30 60 against 0.04 -0.75 -0.11: 26.8333 / (49.6655 * 0.593352)
    "velocity_fit": [
        (beat(snare=".X..o..........."), -1), (beat(hat="xom............."), 0.910557), (KICKS, NAN),
    ],
}  # fmt: skip
"""name: (extreme loop, value), (worked loop, value), (edge loop, value)."""
