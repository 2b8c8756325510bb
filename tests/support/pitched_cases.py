"""Hand-worked values of the metrics of pitched loops: name -> (loop, value) of an extreme, a worked one, an edge."""

from __future__ import annotations

import math
from collections.abc import Sequence

from composer_core.music.loop import Loop
from metric_loops import tune

NAN = math.nan
MS = 60_000 / (120 * 480)
MAJOR = (635, 223, 348, 233, 438, 409, 252, 519, 239, 366, 229, 288)
MINOR = (633, 268, 352, 538, 260, 353, 254, 475, 398, 269, 334, 317)


def weighted(profile: tuple[int, ...]) -> Loop:
    """One note a pitch class, as long as the profile says."""
    return tune([(i * 100, duration, 60 + i) for i, duration in enumerate(profile)])


def line(*pitches: int, gap: int = 480, length: int = 400, bars: int = 1) -> Loop:
    """Single notes one after the other, quarters unless told."""
    return tune([(i * gap, length, pitch) for i, pitch in enumerate(pitches)], bars=bars)


def lasting(*durations: int) -> Loop:
    """Quarters of different pitches with these durations."""
    return tune([(i * 480, duration, 60 + i) for i, duration in enumerate(durations)])


def chords(*pitches: Sequence[int], gap: int = 480, length: int = 400, bars: int = 1, spread: int = 0) -> Loop:
    """Chords one after the other, quarters unless told; each note `spread` ticks after the one before in the list."""
    rows = [(i * gap + k * spread, length, pitch) for i, chord in enumerate(pitches) for k, pitch in enumerate(chord)]
    return tune(rows, bars=bars)


C, F = (60, 64, 67), (60, 65, 69)
ONE = tune([(0, 480, 60)])
ZIGZAG = line(60, 62, 66, 65)  # moves 2, 4, -1 and -5 back to the start
TWO_NOTES = tune([(0, 960, 60), (480, 960, 64)])  # sounding 0 to 1440, both 480 to 960
HANDS = tune([(0, 400, 40), (480, 400, 44), (960, 400, 64), (1440, 400, 72)])
ONE_HAND = line(48, 67)  # 19 semitones
LEFT_QUARTERS = [(i * 480, 240, 36) for i in range(4)]

PITCHED_CASES = {
    # before each beat and held over all four; of four beats only the third is taken early; a note that ends on the beat
    "anticipation_rate": [
        (tune([(480 * i + 360, 240, 60) for i in range(4)]), 1),
        (tune([(0, 480, 60), (720, 480, 60)]), 0.25),
        (tune([(0, 480, 60), (720, 240, 60)]), 0),
    ],
    "register": [
        (tune([(0, 480, 127)]), 127),
        (tune([(0, 480, 60), (0, 480, 64), (480, 480, 68)]), 64),
        (tune([(0, 1, 0)]), 0),
    ],
    # durations as the major profile: 1 with C major, best minor A minor, published as 0.651 (Krumhansl 1990,
    # p. 38, from ratings not yet rounded), and the other way round; two pitch classes say nothing
    "mode_lean": [(weighted(MINOR), -0.349), (weighted(MAJOR), 0.349), (tune([(0, 480, 60), (480, 480, 67)]), NAN)],
    # 120 of 480; durations 480 240 480 480 of gaps 480: median 1; one note held over the whole loop
    "articulation": [
        (tune([(b * 480, 120, 60) for b in range(4)]), 0.25),
        (tune([(b * 480, d, 60) for b, d in enumerate([480, 240, 480, 480])]), 1),
        (tune([(960, 1920, 60)]), 1),
    ],
    "pitch_range": [(line(0, 127), 127), (chords(C), 7), (ONE, 0)],
    # the tops are 60 and 64
    "top_line_range": [(line(0, 127), 127), (chords((48, 60), (64,)), 4), (ONE, 0)],
    "n_pitch_classes": [(line(*range(60, 72), gap=120), 12), (line(60, 72, 64, 67), 3), (ONE, 1)],
    # twelve alike; shares 1/2 1/4 1/4; one
    "pitch_class_entropy": [
        (line(*range(60, 72), gap=120, length=100), math.log2(12)),
        (tune([(0, 960, 60), (960, 480, 62), (1440, 480, 64)]), 1.5),
        (ONE, 0),
    ],
    # seven of twelve; C, Db, Eb and E (not D) lie in Db melodic minor
    "scale_consistency": [
        (line(*range(60, 72), gap=120, length=100), 7 / 12),
        (line(60, 61, 62, 63, 64, gap=240, length=200), 0.8),
        (ONE, 1),
    ],
    # the profile itself; C major triad: 15.92 - 3 * 3.4825 = 5.4725 over 1.5 * 4.37564
    "key_clarity": [(weighted(MAJOR), 1), (chords(C), 5.4725 / (1.5 * 4.375640)), (line(60, 67), NAN)],
    # only the triad; an F of a quarter over a triad of three quarters is outside: 4320 of 4800
    "chord_tone_rate": [
        (chords(C), 1),
        (tune([*((0, 1440, pitch) for pitch in C), (1440, 480, 65)]), 0.9),
        (ONE, 1),
    ],
    # C F: both bar lines; C C F C: two of four; one bar follows itself
    "chord_change_rate": [
        (chords(C, F, gap=1920, bars=2), 1),
        (chords(C, C, F, C, gap=1920, bars=4), 0.5),
        (chords(C), 0),
    ],
    # a semitone; 4 and 3, then a tritone
    "clash_rate": [(chords((60, 61)), 1), (chords(C, (60, 66)), 1 / 3), (line(60, 61), NAN)],
    # a held chord; 480 of 1440
    "polyphony_rate": [(chords((60, 64)), 1), (TWO_NOTES, 1 / 3), (ONE, 0)],
    "polyphony_mean": [(chords(C), 3), (TWO_NOTES, 4 / 3), (ONE, 1)],
    # held throughout; two quarters of four; a quarter that lies across the loop's end
    "rest_rate": [
        (tune([(0, 1920, 60)]), 0),
        (tune([(0, 480, 60), (960, 480, 60)]), 0.5),
        (tune([(1680, 480, 60)]), 0.75),
    ],
    "chord_size": [(chords(C), 3), (chords(C, (60,)), 2), (ONE, 1)],
    # moves 0 2 -2 0; one note follows itself
    "repeated_note_rate": [(line(60, 60, 60, 60), 1), (line(60, 60, 62, 60), 0.5), (ONE, 1)],
    "step_rate": [(line(60, 62, 60, 61), 1), (ZIGZAG, 0.5), (ONE, 0)],
    "leap_rate": [(line(60, 72), 1), (ZIGZAG, 0.25), (ONE, 0)],
    "mean_interval": [(line(0, 127), 127), (ZIGZAG, 3), (ONE, 0)],
    # always; up up up down: two turns of four; nothing moves
    "contour_turn_rate": [(line(60, 62, 60, 62), 1), (line(60, 62, 64, 67), 0.5), (ONE, NAN)],
    # a note held over its own repetition is struck again, it does not ring over
    "overlap_rate": [(lasting(960, 960, 960, 960), 1), (lasting(960, 480, 480, 480), 0.25), (tune([(0, 1920, 60)]), 0)],
    # half of the gap is not short
    "staccato_rate": [(lasting(100, 100, 100, 100), 1), (lasting(100, 480, 100, 480), 0.5), (tune([(0, 960, 60)]), 0)],
    "note_length": [(tune([(0, 1920, 60)]), 4), (lasting(240, 480, 960, 480), 1), (tune([(0, 1, 60)]), 1 / 480)],
    # C lasts longest; the second bar begins with a passing D before a long G; no note on the downbeat
    "downbeat_root_rate": [
        (tune([(0, 960, 36), (960, 480, 43)]), 1),
        (tune([(0, 960, 36), (1920, 240, 38), (2160, 1000, 43)], bars=2), 0.5),
        (tune([(480, 480, 36)]), NAN),
    ],
    # C and G; C 960 E 480 G 480 is C major: 1440 of 1920
    "root_fifth_rate": [
        (tune([(0, 960, 36), (960, 960, 43)]), 1),
        (tune([(0, 960, 36), (960, 480, 40), (1440, 480, 43)]), 0.75),
        (ONE, 1),
    ],
    # moves 2 2 1 -5; in 8ths the next note is not on the next beat
    "walking_rate": [(line(36, 38, 36, 38), 1), (line(36, 38, 40, 41), 0.75), (line(36, 38, 36, 38, gap=240), 0)],
    "octave_jump_rate": [(line(36, 48, 36, 48), 1), (line(36, 48, 43, 36), 0.25), (line(36, 36), 0)],
    "fifth_jump_rate": [(line(36, 43, 36, 43), 1), (line(36, 48, 43, 36), 0.5), (line(36, 36), 0)],
    # moves 1 1 1 -3, all onto beats; no new pitch
    "semitone_approach_rate": [(line(36, 37, 36, 37), 1), (line(36, 37, 38, 39), 0.75), (line(36, 36), NAN)],
    "dead_note_rate": [(lasting(60, 60), 1), (lasting(60, 480, 40, 480), 0.5), (lasting(61), 0)],
    # together; 20 and 40 ticks; two notes are no strum
    "strum_spread_ms": [
        (chords(C), 0),
        (tune([(0, 400, 60), (10, 400, 64), (20, 400, 67), (960, 400, 60), (980, 400, 64), (1000, 400, 67)]), 30 * MS),
        (chords((60, 67), spread=10), NAN),
    ],
    "down_stroke_rate": [(chords(C, spread=10), 1), (chords(C, C[::-1], spread=10), 0.5), (chords(C), NAN)],
    # with the octave it is still root and fifth; E and G# are not
    "power_chord_rate": [(chords((40, 47, 52)), 1), (chords((40, 47), (40, 44)), 0.5), (line(40, 47), NAN)],
    # open E major; E and F lie on the lowest string both; below the lowest string
    "fret_playable_rate": [
        (chords((40, 47, 52, 56, 59, 64)), 1),
        (chords((40, 47, 52, 56, 59, 64), (40, 41)), 0.5),
        (line(39), 0),
    ],
    "open_string_rate": [(line(40, 45, 50, 55), 1), (line(40, 43), 0.5), (line(39), 0)],
    "block_chord_rate": [(chords(C), 1), (chords(C, (60,)), 0.5), (chords((60, 64)), 0)],
    # all moves thirds in 8ths; chord, then 60 64 (a third), 65 (a step), then the chord again: one of four
    "arpeggio_rate": [
        (line(60, 64, 67, 64, 60, 64, 67, 64, gap=240, length=240), 1),
        (tune([*((0, 400, pitch) for pitch in C), (480, 200, 60), (720, 200, 64), (960, 200, 65)]), 0.25),
        (ONE, 0),
    ],
    "octave_rate": [(chords((48, 60)), 1), (chords((48, 60), (60, 64)), 0.5), (line(48, 60), NAN)],
    # left 40 44, right 64 72: 42 and 68
    "hand_distance": [(line(36, 72), 36), (HANDS, 26), (ONE_HAND, NAN)],
    "left_hand_share": [(HANDS, 0.5), (line(36, 40, 43, 72), 0.75), (ONE_HAND, 0)],
    # 16ths; quarters under one note of the right hand
    "left_hand_density": [
        (tune([*((i * 120, 100, 36) for i in range(16)), (0, 400, 72)]), 4),
        (tune([*LEFT_QUARTERS, (0, 400, 72)]), 1),
        (ONE_HAND, NAN),
    ],
    # the right hand's 1 and 1+: one of two with the left
    "hands_together_rate": [
        (tune([*LEFT_QUARTERS, *((i * 480, 240, 72) for i in range(4))]), 1),
        (tune([*LEFT_QUARTERS, (0, 200, 72), (240, 200, 72)]), 0.5),
        (ONE_HAND, NAN),
    ],
    # one bar follows itself; on 1, then on 3: 2 of 16 slots differ
    "left_hand_consistency": [
        (tune([*LEFT_QUARTERS, (0, 400, 72)]), 1),
        (tune([(0, 400, 36), (1920 + 960, 400, 36), (0, 400, 72)], bars=2), 14 / 16),
        (ONE_HAND, NAN),
    ],
    # ten fingers; a triad, then three notes two octaves apart each
    "hand_playable_rate": [
        (chords((36, 38, 40, 41, 43, 60, 62, 64, 65, 67)), 1),
        (chords(C, (36, 60, 84)), 0.5),
        (chords((36, 60, 84)), 0),
    ],
    # 95 % of the gap is enough
    "legato_rate": [(lasting(480, 480, 480, 480), 1), (lasting(480, 240, 480, 240), 0.5), (tune([(0, 1824, 60)]), 1)],
    "double_stop_rate": [(chords((55, 62)), 1), (chords((55, 62), (60,)), 0.5), (ONE, 0)],
    "sustained_rate": [(tune([(0, 1920, 60)]), 1), (lasting(960, 480), 0.5), (lasting(959), 0)],
    # 4 quarters at 60; a quarter at 120; a tick
    "longest_note_sec": [
        (tune([(0, 1920, 60)], bpm=60), 4),
        (lasting(480, 240), 0.5),
        (tune([(0, 1, 60)]), MS / 1000),
    ],
    # four 16ths on 60, then 62 and back late: moves 0 0 0 2, and -2 slow
    "tremolo_rate": [
        (line(*[60] * 16, gap=120, length=100), 1),
        (line(60, 60, 60, 60, 62, gap=120, length=100), 0.6),
        (line(60, 60, 60, 60), 0),
    ],
    # 60 62 60 65: only the first move is taken back
    "trill_rate": [
        (line(*[60, 62] * 8, gap=120, length=100), 1),
        (line(60, 62, 60, 65, gap=120, length=100), 0.25),
        (line(60, 60, 60, 60, gap=120), 0),
    ],
}  # fmt: skip
