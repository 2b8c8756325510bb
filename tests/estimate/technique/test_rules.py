"""Every technique rule on a loop that shows it, and on one that nearly does."""

import pytest

from composer_core.estimate.technique.evidence import Evidence
from composer_core.estimate.technique.rules import RULES, suggest_technique
from composer_core.metrics import measure
from composer_core.music.loop import NO_NOTES, Loop, Notes
from composer_core.store.vocabularies import load_vocabularies
from metric_loops import beat, hits, tune

KNOWN = load_vocabularies().techniques


def strokes(places, piece=38, bars=1):
    """Strokes (tick, velocity) on one drum at 125 BPM: one tick is exactly 1 ms."""
    notes = Notes.from_rows([(tick, 20, piece, velocity) for tick, velocity in places])
    return Loop("drums", notes, bars, 125.0)


def chords(groups, instrument="piano", program=0, gap_tick=480, duration=240):
    """Chords of given pitches, one every `gap_tick`."""
    rows = [(i * gap_tick, duration, pitch) for i, group in enumerate(groups) for pitch in group]
    return tune(rows, instrument, bars=max(1, -(-len(groups) * gap_tick // 1920)), program=program)


def line(pitches, instrument="bass", gap_tick=480, duration=400, bpm=120.0, program=0):
    """Single notes, evenly spaced."""
    rows = [(i * gap_tick, duration, pitch) for i, pitch in enumerate(pitches)]
    return tune(rows, instrument, bars=max(1, -(-len(pitches) * gap_tick // 1920)), program=program, bpm=bpm)


WALK = [36, 38, 40, 41, 43, 41, 40, 38]
BROKEN = [60, 64, 67, 72, 67, 64, 60, 64, 67, 72, 67, 64, 60, 64, 67, 72]
C, F, G = [60, 64, 67], [60, 65, 69], [59, 62, 67]


def strummed(order):
    """Chords of four strings 12 ticks (12.5 ms) apart."""
    pitches = [52, 55, 60, 64]
    rows = [(b * 480 + i * 12, 300, pitches[p]) for b in range(4) for i, p in enumerate(order)]
    return tune(rows, "guitar")


CASES = {
    # (instrument, technique): a loop that shows it, one that nearly does
    ("drums", "ghost"): (beat(snare="..o.x..o..o.x..."), beat(snare="..x.x..x..x.x...")),
    # 25 ms before the backbeat, softer | louder first
    ("drums", "flam"): (strokes([(455, 50), (480, 110)]), strokes([(455, 110), (480, 50)])),
    # two strokes 60 and 30 ms before | one of them as loud
    ("drums", "drag"): (
        strokes([(420, 40), (450, 45), (480, 110)]),
        strokes([(420, 110), (450, 45), (480, 110)]),
    ),
    # five strokes 60 ms apart | four
    ("drums", "roll"): (
        strokes([(960 + 60 * i, 60) for i in range(5)]),
        strokes([(960 + 60 * i, 60) for i in range(4)]),
    ),
    ("drums", "cross_stick"): (beat(stick="....x.......x..."), beat(snare="....x.......x...")),
    # 2 of 8 open | 1 of 8
    ("drums", "open_hat"): (
        beat(hat="x.x.x...x.x.x...", open="......x.......x."),
        beat(hat="x.x.x.x.x.x.x...", open="..............x."),
    ),
    ("drums", "ride"): (beat(ride="x.x.x.x.x.x.x.x."), beat(hat="x.x.x.x.x.x.x.x.", ride="x...............")),
    # 16ths at 150 are 10 a second, at 120 they are 8
    ("drums", "busy"): (beat(bpm=150, hat="x" * 16), beat(bpm=120, hat="x" * 16)),
    # ghosts after a kept backbeat; kicks before the rests on 8 (-1 + 3) and on the downbeat (0 + 3) | no ghosts
    ("drums", "funky"): (
        beat(kick="...x..x....x..x.", snare="....xo......xo.."),
        beat(kick="...x..x....x..x.", snare="....x.......x..."),
    ),
    ("drums", "half_time"): (
        beat(bars=2, kick="x..............." * 2, snare="........x......." * 2),
        beat(bars=2, kick="x..............." * 2, snare="....x.......x..." * 2),
    ),
    ("drums", "fill"): (
        beat(hat="x.x.x.x.x.x.....", snare="............xxxx"),
        beat(hat="xxxxxxxxxxxxxxxx", snare="............xxxx"),
    ),
    ("bass", "finger"): (line(WALK, program=33), line(WALK, program=32)),
    ("bass", "pick"): (line(WALK, program=34), line(WALK, program=33)),
    ("bass", "fretless"): (line(WALK, program=35), line(WALK, program=33)),
    ("bass", "slap"): (line(WALK, program=37), line(WALK, program=33)),
    ("bass", "legato"): (line(WALK, duration=480), line(WALK, duration=400)),
    ("bass", "staccato"): (line(WALK, duration=200), line(WALK, duration=300)),
    # quarters by step | quarters on one pitch
    ("bass", "walking"): (line(WALK), line([36] * 8)),
    ("guitar", "palm_mute"): (line(WALK, "guitar", program=28), line(WALK, "guitar", program=27)),
    ("guitar", "harmonics"): (line(WALK, "guitar", program=31), line(WALK, "guitar", program=30)),
    ("guitar", "strum"): (strummed([0, 1, 2, 3]), strummed([0, 2, 1, 3])),
    ("guitar", "arpeggio"): (line(BROKEN, "guitar", 240), line(BROKEN, "guitar", 480)),
    # 32nds at 120 are 62.5 ms apart | 16ths 125 ms
    ("guitar", "tremolo"): (line([64] * 8, "guitar", 60, 50), line([64] * 8, "guitar", 120, 50)),
    ("guitar", "power_chord"): (chords([[40, 47], [43, 50, 55], [45, 52]], "guitar"), chords([C, F, G], "guitar")),
    ("piano", "legato"): (line(WALK, "piano", duration=480), chords([C, F, G, C], duration=480)),
    ("piano", "staccato"): (line(WALK, "piano", duration=200), line(WALK, "piano", duration=300)),
    ("piano", "arpeggio"): (line(BROKEN, "piano", 240), line(WALK * 2, "piano", 240)),
    ("piano", "block_chord"): (chords([C, F, G, C]), chords([C[:2], F[:2], G[:2], C])),
    # short chords on 2 and 4 of the 8ths | on the beats
    ("piano", "comping"): (
        tune([(t, 100, p) for t in (240, 720, 1200, 1680) for p in C]),
        tune([(t, 100, p) for t in (0, 480, 960, 1440) for p in C]),
    ),
    ("piano", "octave"): (chords([[36, 48], [38, 50], [40, 52]]), chords([[36, 47], [38, 50], [40, 51]])),
    ("strings", "pizzicato"): (line(WALK, "strings", program=45), line(WALK, "strings", program=48)),
    ("strings", "tremolo"): (line([64] * 8, "strings", 60, 50), line(WALK, "strings", program=48)),
    ("strings", "legato"): (line(WALK, "strings", duration=480), line(WALK, "strings", duration=400)),
    ("strings", "staccato"): (line(WALK, "strings", duration=200), line(WALK, "strings", duration=300)),
    # whole tone to and fro in 32nds | a scale
    ("strings", "trill"): (
        line([64, 66] * 4, "strings", 60, 50),
        line([60, 62, 64, 65, 67, 69, 71], "strings", 60, 50),
    ),
}  # fmt: skip


@pytest.mark.parametrize("instrument, code", CASES)
def test_a_rule_sees_its_technique_and_not_the_neighbour(instrument, code):
    shown, nearly = CASES[instrument, code]
    rule = RULES[instrument][code]
    assert rule(Evidence(shown, measure(shown))) > 0
    assert rule(Evidence(nearly, measure(nearly))) == 0


def test_every_rule_is_tried():
    assert {(instrument, code) for instrument, rules in RULES.items() for code in rules} == set(CASES)


def test_every_rule_has_a_name_in_the_vocabulary():
    assert all(set(rules) <= set(KNOWN[instrument]) for instrument, rules in RULES.items())


def test_the_program_of_tremolo_strings_is_enough():
    loop = line(WALK, "strings", program=44)
    assert RULES["strings"]["tremolo"](Evidence(loop, measure(loop))) == 0.9


def test_a_suggestion_lists_codes_with_the_least_sure_of_them():
    loop = beat(bpm=150, ride="x" * 16)
    found = suggest_technique(loop, measure(loop), KNOWN["drums"])
    assert found.value == ["busy", "ride"]
    assert (found.confidence, found.reasons) == (0.5, ("rule:busy", "rule:ride"))


def test_only_known_codes_are_suggested():
    loop = beat(ride="x" * 16)
    assert suggest_technique(loop, measure(loop), {}) is None


@pytest.mark.parametrize("instrument", ["drums", "bass", "other"])
def test_nothing_is_suggested_for_a_loop_without_notes(instrument):
    loop = Loop(instrument, NO_NOTES, 1)
    assert suggest_technique(loop, measure(loop), KNOWN.get(instrument, {})) is None


@pytest.mark.parametrize("instrument", RULES)
def test_one_note_is_no_pattern(instrument):
    loop = hits([(0, "kick")]) if instrument == "drums" else line([60], instrument)
    found = suggest_technique(loop, measure(loop), KNOWN[instrument])
    assert found is None or set(found.value) <= {"staccato", "legato"}
