"""Rendered loops, measured: length, level, seam, timing."""

from __future__ import annotations

import io

import numpy as np
import pytest

from audio_probe import (
    HAT,
    KICK,
    SAMPLE_RATE,
    backbeat,
    decoded,
    four_kicks,
    held_strings,
    played_in_a_loop,
    rendered,
    rms,
)
from composer_core.errors import InvalidValue, RenderError
from composer_core.music.loop import NO_NOTES, Loop, Notes
from composer_core.render.audio import PADDING_FRAMES, loop_request, once_request
from composer_core.render.client import Renderer, shared_renderer
from composer_core.render.soundfont import choose_soundfont
from composer_core.render.timeline import PlayedPart, loop_seconds


def energy(samples: np.ndarray, at_sec: float, width_sec: float) -> float:
    """Mean square of the stretch that begins at a time, wrapping at the end."""
    frames = (round(at_sec * SAMPLE_RATE) + np.arange(round(width_sec * SAMPLE_RATE))) % len(samples)
    return float(np.mean(samples[frames] ** 2))


@pytest.mark.parametrize("bpm", [97.0, 120.0, 133.3])
@pytest.mark.parametrize("make", [backbeat, held_strings])
def test_length_is_exact_and_the_file_goes_on_with_its_beginning(make, bpm):
    loop = make(tempo_bpm=bpm)
    samples = decoded(rendered(loop))
    frames = round(loop.length_quarter * 60 / bpm * SAMPLE_RATE)
    assert len(samples) == frames + PADDING_FRAMES
    assert PADDING_FRAMES == 2205
    np.testing.assert_array_equal(samples[frames:], samples[:PADDING_FRAMES])
    assert rms(samples) > 0.01


@pytest.mark.parametrize("bpm", [97.0, 101.7, 120.0])
@pytest.mark.parametrize("make", [backbeat, held_strings])
@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_the_step_where_it_repeats_is_no_larger_than_steps_elsewhere(make, bpm, rate):
    loop = make(tempo_bpm=bpm)
    samples = decoded(rendered(loop))
    played = played_in_a_loop(samples, loop_seconds(loop), rate, 3.1 * loop_seconds(loop))
    steps = np.abs(np.diff(played, axis=0)).max(axis=1)
    seams = [round(n * loop_seconds(loop) * rate) for n in (1, 2, 3)]
    at_seam = max(steps[seam - 2 : seam + 2].max() for seam in seams)
    assert at_seam <= np.percentile(steps, 99)


def test_the_seam_measure_hears_a_seam_where_there_is_one():
    # The control: one pass from silence, cut at the bar line, repeated without any care.
    loop = held_strings(tempo_bpm=97.0)
    part = PlayedPart(0, loop.program, False, loop.notes.rows())
    request = once_request("control", choose_soundfont(), [part], [(0, 97.0)], loop.length_tick)
    data = io.BytesIO()
    shared_renderer().render(request, data.write)
    played = played_in_a_loop(decoded(data.getvalue()), loop_seconds(loop), SAMPLE_RATE, 2.1 * loop_seconds(loop))
    steps = np.abs(np.diff(played, axis=0)).max(axis=1)
    seam = round(loop_seconds(loop) * SAMPLE_RATE)
    assert steps[seam - 2 : seam + 2].max() > np.percentile(steps, 99)


def test_the_end_rings_into_the_beginning():
    # A chord on the last eighth only: in a loop its release is still heard on the downbeat.
    rows = [(1680, 240, pitch, 110) for pitch in (48, 55, 64)]
    samples = decoded(rendered(Loop("strings", Notes.from_rows(rows), bars=1, program=48)))
    assert energy(samples, 0.0, 0.05) > 20 * energy(samples, 1.2, 0.05)


@pytest.mark.parametrize("bpm", [97.0, 120.0])
def test_energy_rises_at_each_beat(bpm):
    samples = decoded(rendered(four_kicks(tempo_bpm=bpm)))[:-PADDING_FRAMES]
    for beat in range(4):
        at = beat * 60 / bpm
        assert energy(samples, at, 0.03) > 10 * energy(samples, at - 0.03 + len(samples) / SAMPLE_RATE, 0.025)


def test_the_kick_on_the_first_downbeat_is_whole():
    # The first 60 ms sound as the same kick does in the middle of the loop: nothing is faded.
    samples = decoded(rendered(four_kicks(tempo_bpm=120.0)))
    frames = round(0.06 * SAMPLE_RATE)
    first, third = samples[:frames], samples[44_100 : 44_100 + frames]
    spectrum = np.abs(np.fft.rfft(first[:, 0]))
    low = np.fft.rfftfreq(frames, 1 / SAMPLE_RATE) < 200
    assert np.sum(spectrum[low] ** 2) > np.sum(spectrum[~low] ** 2)
    assert rms(first) == pytest.approx(rms(third), rel=0.05)


def test_onsets_lie_within_a_millisecond_of_their_ticks():
    # Muted hats far apart, at ticks that are no multiples of the synth's block; each is
    # found by the shift that best matches the first one's attack.
    ticks = [0, 487, 971, 1463]
    loop = Loop("drums", Notes.from_rows([(tick, 30, HAT, 100) for tick in ticks]), bars=1, tempo_bpm=100.0)
    samples = decoded(rendered(loop))[:, 0]
    width, reach = 600, 120
    attack = samples[:width]
    for tick in ticks[1:]:
        expected = round(tick / 480 * 0.6 * SAMPLE_RATE)
        window = samples[expected - reach : expected + reach + width]
        shift = int(np.argmax(np.correlate(window, attack, "valid"))) - reach
        assert abs(shift) / SAMPLE_RATE < 0.001


def test_an_early_note_sounds_at_the_end_of_the_loop():
    quiet = decoded(rendered(four_kicks()))[:-PADDING_FRAMES]
    rows = [*four_kicks().notes.rows(), (-60, 30, 49, 120)]
    early = decoded(rendered(Loop("drums", Notes.from_rows(rows), bars=1)))[:-PADDING_FRAMES]
    end = len(quiet) / SAMPLE_RATE
    # 60 ticks at 120 BPM are 62.5 ms before the end.
    assert energy(early, end - 0.055, 0.05) > 10 * energy(quiet, end - 0.055, 0.05)
    assert energy(early, end - 0.12, 0.04) < 2 * energy(quiet, end - 0.12, 0.04) + 1e-3


def test_a_tempo_change_moves_the_notes_after_it():
    # Half the bar at 120, half at 60: beats at 0, 0.5, 1 and 2 s, length 3 s.
    loop = four_kicks(tempo_bpm=80.0, tempo_events=((0, 120.0), (960, 60.0)))
    samples = decoded(rendered(loop))
    assert len(samples) == 3 * SAMPLE_RATE + PADDING_FRAMES
    for at in (0.5, 1.0, 2.0):
        assert energy(samples, at, 0.03) > 10 * energy(samples, at - 0.03, 0.025)
    assert energy(samples, 1.5, 0.03) < 2 * energy(samples, 1.5 - 0.03, 0.025)


def test_an_electronic_kit_sounds_as_the_general_midi_kit_of_the_same_pieces():
    def kit(*pitches):
        notes = Notes.from_rows([(480 * i, 60, pitch, 100) for i, pitch in enumerate(pitches)])
        return Loop("drums", notes, bars=1)

    assert rendered(kit(22, 26, 58, 40)) == rendered(kit(42, 46, 43, 38))
    # Without the hi-hat's edge the file speaks General MIDI: 58 is a vibraslap, 40 another snare.
    assert rendered(kit(42, 46, 58, 40)) != rendered(kit(42, 46, 43, 38))


def test_drums_and_pitched_parts_sound_on_any_channel():
    font = choose_soundfont()
    kick = [(0, 480, KICK, 110)]

    def sound(*parts):
        data = io.BytesIO()
        shared_renderer().render(once_request("mix", font, parts, [(0, 120.0)], 1920), data.write)
        return decoded(data.getvalue())

    on_nine, on_three = (sound(PlayedPart(channel, 0, True, kick)) for channel in (9, 3))
    np.testing.assert_array_equal(on_nine, on_three)
    note = [(0, 480, 60, 110)]
    np.testing.assert_array_equal(
        sound(PlayedPart(0, 40, False, note)), sound(PlayedPart(9, 40, False, note), PlayedPart(1, 0, False, []))
    )
    both = sound(PlayedPart(0, 0, True, kick), PlayedPart(1, 40, False, note))
    alone = sound(PlayedPart(1, 40, False, note))
    frames = 4 * 22_050
    np.testing.assert_allclose(both[:frames], on_nine[:frames] + alone[:frames], atol=2e-4)


def test_velocity_is_heard():
    soft = four_kicks().with_notes(four_kicks().notes.with_columns(velocity=[30] * 4))
    assert rms(decoded(rendered(four_kicks()))) > 3 * rms(decoded(rendered(soft)))


def test_a_crowd_of_notes_is_turned_down_instead_of_clipping():
    rows = [(0, 1900, pitch, 127) for pitch in range(24, 100, 2)]
    samples = decoded(rendered(Loop("strings", Notes.from_rows(rows), bars=1, program=48)))
    assert 0.9 < np.abs(samples).max() < 0.99


def test_the_same_loop_gives_the_same_bytes_in_another_process_and_after_other_work():
    first = rendered(held_strings())
    rendered(backbeat())
    assert rendered(held_strings()) == first
    other, data = Renderer(), io.BytesIO()
    try:
        other.render(loop_request(held_strings(), choose_soundfont()), data.write)
    finally:
        other.close()
    assert data.getvalue() == first


def test_wav_holds_the_same_samples_as_flac():
    wav, flac = rendered(four_kicks(), "wav"), rendered(four_kicks(), "flac")
    assert wav[:4] == b"RIFF"
    assert flac[:4] == b"fLaC"
    np.testing.assert_array_equal(decoded(wav), decoded(flac))


def test_a_name_changes_with_the_sound_and_only_then():
    font = choose_soundfont()
    name = loop_request(four_kicks(), font).content_name()
    assert loop_request(four_kicks(track_name="other", source="elsewhere"), font).content_name() == name
    louder = four_kicks().with_notes(four_kicks().notes.with_columns(velocity=[111, 110, 110, 110]))
    others = {
        loop_request(loop, font).content_name()
        for loop in (louder, four_kicks(tempo_bpm=120.01), four_kicks(program=8), four_kicks(bars=2))
    }
    assert name not in others
    assert len(others) == 4
    assert loop_request(four_kicks(), font, "wav").content_name() != name


def test_a_loop_may_be_shorter_than_the_fade():
    # One bar of 1/64 at 300 BPM: 30 ticks of 480 = 1/16 quarter = 12.5 ms; at 1000 BPM 3.75 ms.
    loop = Loop("drums", Notes.from_rows([(0, 10, KICK, 120)]), bars=1, tempo_bpm=1000.0)
    loop = Loop("drums", loop.notes, bars=1, tempo_bpm=1000.0, meter=type(loop.meter)(1, 64))
    samples = decoded(rendered(loop))
    assert len(samples) == round(0.00375 * SAMPLE_RATE) + PADDING_FRAMES


def test_refusals_come_before_any_sound():
    font = choose_soundfont()
    with pytest.raises(RenderError, match="holds no notes"):
        loop_request(Loop("bass", NO_NOTES, bars=1), font)
    with pytest.raises(RenderError, match="the limit is 600 s"):
        loop_request(four_kicks(bars=2000), font)
    with pytest.raises(InvalidValue, match="choices are flac, wav"):
        loop_request(four_kicks(), font, "ogg")
    with pytest.raises(InvalidValue):
        loop_request(Loop("drums", Notes.from_rows([(5000, 1, 36, 100)]), bars=1), font)
