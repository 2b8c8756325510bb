"""Edits of whole files: what was not asked for is there afterwards, to the tick and in its order."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer_core.cli import main
from composer_core.ingest.midi import read_song
from composer_core.music.bends import with_bends
from composer_core.pipeline.editing.recipes import Recipe, apply_recipe, recipe_of
from composer_core.pipeline.editing.song_files import Edited, edit_file
from composer_core.rules import transpose
from midi_events import event_lists, header, n_notes, notes_of, without_notes
from random_song import BASS, random_song
from read_here import read_here
from smf import END, meta, meter, name, notes, off, on, program, quantity, smf, tempo, track

HOLD = {"name": "hold", "steps": [{"rule": "quantise", "only": ["drums"]}]}
"""A rule for drums that finds them on the grid already."""
RULES = (
    {"rule": "transpose", "semitones": 2},
    {"rule": "quantise", "grid": "16"},
    {"rule": "swing", "percent": 62, "grid": 8},
    {"rule": "velocity_curve", "exponent": 1.3},
    {"rule": "accent", "amount": 12},
)
HEAD = track((0, meter(4, 2)), (0, tempo(110)))
BEAT = notes([(240 * step, 60, 36 + 6 * (step % 2)) for step in range(32)], name(b"Drums"), channel=9)
LINE = [(240 * step, 220, 40 + step % 3) for step in range(32)]
TUNE = [(240 * step, 210, 72 + step % 5) for step in range(32)]


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    read_here(monkeypatch)


def recipe(*steps) -> Recipe:
    return recipe_of({"name": "r", "steps": list(steps)}, "r")


def edited(tmp_path: Path, data: bytes, rule=HOLD) -> tuple[Edited, bytes]:
    """A file after a recipe (or a function of loops)."""
    source, out = tmp_path / "in.mid", tmp_path / "out.mid"
    source.write_bytes(data)
    done = apply_recipe(recipe_of(rule, "r"), source, out) if isinstance(rule, dict) else edit_file(source, out, rule)
    return done, out.read_bytes()


def strike(onset, duration, pitch, channel=0) -> list[tuple[int, bytes]]:
    """Note-on and note-off with their ticks."""
    return [(onset, on(pitch, 100, channel)), (onset + duration, off(pitch, channel))]


def timed_track(timed, end=0) -> bytes:
    """A track of (tick, message), which ends at its last event or later."""
    pairs, now = [], 0
    for tick, message in timed:
        pairs.append((tick - now, message))
        now = tick
    return track(*pairs, end=quantity(max(end - now, 0)) + END)


def pedalled(named, channel, pitches, resolution=480):
    """A hand with a pedal of its own in four bars, 8 events of CC 64."""
    bar = 4 * resolution
    timed = [(0, name(named)), (0, program(0, channel))]
    for number, pitch in enumerate(pitches):
        start = number * bar
        timed += [
            (start, bytes((0xB0 | channel, 64, 127))),
            (start, on(pitch, 80, channel)),
            (start + resolution // 2, off(pitch, channel)),
            (start + bar - resolution // 4, bytes((0xB0 | channel, 64, 0))),
        ]
    return timed_track(timed, 4 * bar)


def test_two_ports_of_one_channel_stay_two(tmp_path):
    data = smf(
        HEAD,
        notes(LINE, meta(0x21, b"\0"), name(b"Electric Bass"), program(33), bytes((0xB0, 7, 100))),
        notes(TUNE, meta(0x21, b"\1"), name(b"Violins"), program(48), bytes((0xB0, 7, 60))),
        BEAT,
    )
    assert edited(tmp_path, data)[1] == data
    done, out = edited(tmp_path, data, recipe({"rule": "transpose", "semitones": 12, "only": ["strings"]}).apply)
    assert done.n_notes_after == n_notes(out) == 96
    assert [note[2] for note in notes_of(out, 2, 0)] == [pitch + 12 for _, _, pitch in TUNE]
    assert without_notes(out, 2, {0}) == without_notes(data, 2, {0})
    assert event_lists(out)[1] == event_lists(data)[1]


def test_two_hands_keep_their_channels_and_their_pedals(tmp_path):
    data = smf(HEAD, pedalled(b"Piano (right)", 0, (72, 76, 79, 76)), pedalled(b"Piano (left)", 1, (48, 53, 55, 48)))
    done, out = edited(tmp_path, data, {"name": "up", "steps": [{"rule": "transpose", "semitones": 2}]})
    assert (done.n_parts, done.n_notes_after, done.lost) == (1, 8, ())
    assert [note[2] for note in notes_of(out, 1, 0)] == [74, 78, 81, 78]
    assert [note[2] for note in notes_of(out, 2, 1)] == [50, 55, 57, 50]
    pedal = [event for own in event_lists(out) for event in own if event[1] & 0xF0 == 0xB0 and event[2][0] == 64]
    assert len(pedal) == 16
    assert all(len(event_lists(out)[number]) == len(event_lists(data)[number]) for number in range(3))


def test_a_new_note_goes_to_the_hand_that_is_near(tmp_path):
    data = smf(HEAD, pedalled(b"Piano (right)", 0, (72, 76, 79, 76)), pedalled(b"Piano (left)", 1, (48, 53, 55, 48)))

    def add(loop):
        return loop.with_notes(type(loop.notes).from_rows([*loop.notes.rows(), (200, 100, 50, 70), (200, 100, 74, 70)]))

    done, out = edited(tmp_path, data, add)
    assert done.n_notes_after == n_notes(out) == 10
    assert notes_of(out, 1, 0)[1] == (200, 300, 74, 70)
    assert notes_of(out, 2, 1)[1] == (200, 300, 50, 70)


def test_a_program_in_the_middle_of_a_track_stays_there_and_no_note_crosses_it(tmp_path):
    chords = [(480 * beat, 450, pitch) for beat in range(16) for pitch in (60, 64, 67)]
    halves = [[row for row in chords if (row[0] >= 3840) == late] for late in (False, True)]
    first, second = ([event for row in half for event in strike(*row)] for half in halves)
    timed = [(0, name(b"Keys")), (0, program(0)), *sorted(first), (3840, program(16)), *sorted(second)]
    data = smf(HEAD, timed_track(timed))
    done, out = edited(tmp_path, data)
    assert (out, done.n_notes_after) == (data, 48)

    def early(loop):
        return loop.with_notes(loop.notes.with_columns(onset_tick=loop.notes.onset_tick - 20))

    done, out = edited(tmp_path, data, early)
    assert [event[0] for event in event_lists(out)[1] if event[1] == 0xC0] == [0, 3840]
    onsets = sorted({note[0] for note in notes_of(out, 1, 0)})
    assert (onsets[7], onsets[8], onsets[9]) == (3340, 3840, 4300)
    assert "held_by_program" in {notice.code for notice in done.notices}


def test_every_controller_pressure_and_meta_event_stays(tmp_path):
    numbers = (0, 1, 2, 5, 7, 10, 11, 64, 65, 66, 67, 71, 72, 73, 74, 84, 91, 93, 98, 99, 100, 101, 6, 38)
    timed = [(0, name(b"Brass")), (0, program(61))]
    for step, number in enumerate(numbers):
        timed += [
            (240 * step, bytes((0xB0, number, step))),
            (240 * step, bytes((0xD0, step))),
            (240 * step, bytes((0xA0, 72, step))),
            (240 * step, bytes((0xE0, step, 64))),
            (240 * step, on(72 + step % 2)),
            (240 * step, meta(0x05, b"la")),
            (240 * step + 200, off(72 + step % 2)),
        ]
    opening = [meta(2, b"(c) nobody"), meta(0x59, b"\xfd\0"), meta(6, b"Intro"), meter(4, 2), tempo(110)]
    opening.append(b"\xf0\x05\x7e\x7f\x09\x01\xf7")
    head = track(*((0, message) for message in opening), (3840, meta(6, b"Verse")))
    data = smf(head, timed_track(timed), BEAT)
    assert edited(tmp_path, data)[1] == data
    done, out = edited(tmp_path, data, {"name": "louder", "steps": [{"rule": "velocity_curve", "exponent": 0.5}]})
    assert done.notices == ()
    for before, after in zip(event_lists(data), event_lists(out), strict=True):
        # Only velocities differ: every event is at its place.
        assert [event[:2] for event in before] == [event[:2] for event in after]
        assert [e for e in before if e[1] & 0xF0 != 0x90] == [e for e in after if e[1] & 0xF0 != 0x90]
    assert out != data
    done, out = edited(tmp_path, data, {"name": "up", "steps": [{"rule": "transpose", "semitones": 1}]})
    assert {notice.code for notice in done.notices} == {"key_signature", "key_pressure"}
    assert all(notice.message for notice in done.notices)


def test_notes_that_start_together_are_one_where_a_rule_was_asked_of_them(tmp_path, capsys):
    rows = [(240 * step, 60, 36 + 6 * (step % 2)) for step in range(32)]
    timed = [(0, name(b"Drums"))]
    for onset, duration, pitch in rows:
        timed += [(onset, on(pitch, velocity, 9)) for velocity in (88, 68)] + [(onset + duration, off(pitch, 9))] * 2
    data = smf(HEAD, timed_track(timed))
    done, out = edited(tmp_path, data, lambda loop: loop)
    assert (done.n_notes_before, done.n_notes_after, out) == (64, 64, data)
    (tmp_path / "hold.yaml").write_text("name: h\nsteps:\n  - {rule: quantise, only: [drums]}\n", encoding="utf-8")
    assert main(["apply", str(tmp_path / "hold.yaml"), str(tmp_path / "in.mid"), "-o", str(tmp_path / "out.mid")]) == 0
    said = capsys.readouterr().out
    assert "64 notes before, 32 after" in said
    assert "32 notes that started together" in said
    assert [note[3] for note in notes_of((tmp_path / "out.mid").read_bytes(), 1, 9)] == [88] * 32


def test_a_coarse_file_is_rounded_to_its_ticks_and_says_so(tmp_path):
    data = smf(notes([(6 * step, 3, 60 + step % 3) for step in range(32)], tempo(60), program(0)), resolution=24)
    done, out = edited(tmp_path, data, {"name": "s", "steps": [{"rule": "swing", "percent": 55, "grid": 16}]})
    assert header(out) == (1, 24)
    # An off-beat 16th is at 55 instead of 50 % of an 8th: 12 of 480 ticks later, 0.6 of 24; the nearest tick is 0.4
    # of 41.7 ms (60 BPM) beside it.
    assert [note[0] for note in notes_of(out, 0, 0)[:4]] == [0, 7, 12, 19]
    (notice,) = done.notices
    assert (notice.code, notice.values["count"], round(float(notice.values["ms"]), 1)) == ("rounded", 16, 16.7)
    assert "24 a quarter" in notice.message
    fine, out = edited(tmp_path, smf(notes(LINE, program(0)), resolution=960), {"name": "s", "steps": [RULES[2]]})
    assert (fine.notices, header(out)) == ((), (1, 960))


def test_a_tempo_rule_puts_one_tempo_in_the_place_of_all(tmp_path):
    head = track((0, meta(6, b"A")), (0, tempo(120)), (1920, tempo(90)), (0, meta(6, b"B")))
    _, out = edited(tmp_path, smf(head, BEAT), {"name": "t", "steps": [{"rule": "tempo", "tempo_bpm": 100}]})
    assert event_lists(out)[0] == event_lists(smf(track((0, meta(6, b"A")), (0, tempo(100)), (1920, meta(6, b"B")))))[0]
    assert event_lists(out)[1] == event_lists(smf(BEAT))[0]
    _, out = edited(tmp_path, smf(BEAT), {"name": "t", "steps": [{"rule": "tempo", "tempo_bpm": 100}]})
    assert read_song(out, "x").tempo_bpm.tolist() == [100.0]


def test_a_technique_changes_program_and_bends_on_the_channel_of_its_part(tmp_path):
    data = smf(HEAD, notes(LINE, name(b"Bass"), program(33, 3), channel=3), BEAT)
    slap = recipe({"rule": "technique", "code": "slap", "only": ["bass"]})
    _, out = edited(tmp_path, data, slap.apply)
    assert [event for event in event_lists(out)[1] if event[1] & 0xF0 == 0xC0] == [(0, 0xC3, bytes((36,)))]
    assert event_lists(out)[2] == event_lists(data)[2]
    _, out = edited(tmp_path, data, lambda loop: loop if loop.is_drums else with_bends(loop, [(120, 1.0), (240, 0.0)]))
    bends = [event for event in event_lists(out)[1] if event[1] & 0xF0 == 0xE0]
    assert [(tick, status) for tick, status, _ in bends] == [(120, 0xE3), (240, 0xE3)]
    at = event_lists(out)[1].index(bends[1])
    assert event_lists(out)[1][at + 1][1] & 0xF0 == 0x90  # the bend is back before the note that starts there


def test_format_0_trailing_bytes_and_foreign_chunks_stay(tmp_path):
    everything = notes(LINE, tempo(100), program(33), name(b"song"))
    data = smf(everything[:4] + (len(everything) - 8 + 3).to_bytes(4, "big") + everything[8:] + b"abc", kind=0)
    data += b"XFIH\0\0\0\2hi"
    assert edited(tmp_path, data, lambda loop: loop)[1] == data
    _, out = edited(tmp_path, data, {"name": "t", "steps": [RULES[0]]})
    assert (header(out), out.endswith(b"abcXFIH\0\0\0\2hi")) == ((0, 480), True)


def test_what_breaks_the_standard_and_a_container_are_named(tmp_path):
    loud = track((0, program(33)), (0, bytes((0x90, 40, 0xE4))), (240, off(40)))
    done, out = edited(tmp_path, smf(HEAD, BEAT, loud), {"name": "t", "steps": [RULES[0]]})
    assert ("clipped", 1) in [(notice.code, notice.values.get("count")) for notice in done.lost]
    assert notes_of(out, 2, 0) == [(0, 240, 42, 127)]
    bare = smf(HEAD, BEAT)
    riff = b"RIFF" + (12 + len(bare)).to_bytes(4, "little") + b"RMIDdata" + len(bare).to_bytes(4, "little") + bare
    done, out = edited(tmp_path, riff)
    assert (out, [notice.code for notice in done.lost]) == (bare, ["container"])


def test_a_note_that_never_ends_does_not_end_when_its_pitch_changes(tmp_path):
    data = smf(HEAD, track((0, program(33)), (0, on(40)), (480, on(45)), (240, off(45)), (1200, b"\xb0\x07\x50")))
    done, out = edited(tmp_path, data, lambda loop: transpose(loop, 2))
    assert notes_of(out, 1, 0) == [(0, -1, 42, 100), (480, 720, 47, 100)]
    assert without_notes(out, 1, {0}) == without_notes(data, 1, {0})
    assert done.n_notes_after == 2


def test_the_end_of_the_file_stays_where_it_was(tmp_path):
    rows = [*LINE[:-1], (LINE[-1][0], 240, 40)]
    data = smf(notes(rows, program(33)))
    _, out = edited(tmp_path, data, {"name": "s", "steps": [RULES[2]]})
    assert event_lists(out)[0][-1][0] == event_lists(data)[0][-1][0] == 7680
    assert max(note[0] for note in notes_of(out, 0, 0)) > rows[-1][0]


def assert_only_the_bass_changed(tmp_path, seed):
    data = random_song(seed)
    done, out = edited(tmp_path, data, lambda loop: loop)
    assert out == data, seed
    rule = RULES[seed % len(RULES)]
    done, out = edited(tmp_path, data, recipe(rule | {"only": ["bass"]}).apply)
    bass_track = 2 if header(data)[0] else 0
    assert header(out) == header(data)
    assert without_notes(out, bass_track, {BASS}) == without_notes(data, bass_track, {BASS}), (seed, rule)
    assert (done.n_notes_before, done.n_notes_after) == (n_notes(data), n_notes(out)), (seed, rule)
    return out != data


@pytest.mark.parametrize("first", range(0, 40, 10))
def test_a_rule_on_one_part_leaves_every_event_of_the_others(tmp_path, first):
    assert all(assert_only_the_bass_changed(tmp_path, seed) for seed in range(first, first + 10))


@pytest.mark.slow
def test_a_rule_on_one_part_leaves_every_event_of_the_others_in_500_files(tmp_path):
    changed = [assert_only_the_bass_changed(tmp_path, seed) for seed in range(500)]
    assert sum(changed) >= 490  # a quantised part may lie on the grid already
