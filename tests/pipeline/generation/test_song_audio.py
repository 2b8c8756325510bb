"""What the synth is told of a file: one voice for each part, port and channel, with all that the file sends there."""

from __future__ import annotations

import numpy as np
import pytest

from audio_probe import decoded, rms
from composer_core.pipeline.generation import song_audio
from composer_core.pipeline.generation.song_audio import render_file, song_task
from composer_core.render.request import RenderRequest
from composer_core.render.timeline import BEND, CONTROL, KEY_PRESSURE, NOTE_ON, PRESSURE, PROGRAM
from read_here import read_here
from smf import meta, name, notes, off, on, program, smf, tempo, track

LINE = [(480 * beat, 300, 40 + beat) for beat in range(4)]


class _Stopped(Exception):
    """Ends a rendering before anything sounds."""


def control(number, value, channel=0):
    return bytes((0xB0 | channel, number, value))


def voices(data):
    """The voices of a file, and its length in song ticks."""
    ((facts, payload),) = song_task([("a.mid", data)], {})
    assert len(payload) == 16 * sum(voice["n_notes"] for voice in facts["parts"])
    return facts["parts"], facts["end_tick"]


def test_order_of_controllers_and_the_longest_track():
    first = track((0, control(101, 0)), (0, control(100, 0)), (96, control(6, 12)), (0, on(60)), (4, off(60)))
    second = track((0, program(40, 5)), (48, control(64, 127, 5)), (0, on(70, 90, 5)), (144, off(70, 5)))
    (piano, violin), end_tick = voices(smf(first, second, resolution=96))
    # 96 ticks a quarter: 48 are half a quarter = 240, 96 are 480, the second track ends at 192 = 960.
    assert piano["controls"] == [(0, CONTROL, 101, 0), (0, CONTROL, 100, 0), (480, CONTROL, 6, 12)]
    assert violin["controls"] == [(0, PROGRAM, 40, 0), (240, CONTROL, 64, 127)]
    assert end_tick == 960


def test_bends_are_fourteen_bits_and_pressure_is_told():
    sent = [b"\xe0\x00\x00", b"\xe0\x00\x40", b"\xe0\x7f\x7f", b"\xd0\x30", b"\xa0\x3c\x20"]
    ((voice,), _) = voices(smf(track(*((0, message) for message in sent), (0, on(60)), (9, off(60)))))
    assert voice["controls"] == [
        (0, BEND, 0, 0), (0, BEND, 0, 64), (0, BEND, 127, 127), (0, PRESSURE, 48, 0), (0, KEY_PRESSURE, 60, 32),
    ]  # fmt: skip


def test_bank_select_and_sound_off_are_left_out():
    data = smf(track((0, control(0, 8)), (0, control(123, 0)), (0, control(120, 0)), (0, on(60)), (9, off(60))))
    assert voices(data)[0][0]["controls"] == []


def test_two_hands_have_a_pedal_each():
    right = notes(LINE, name(b"Piano (right)"), program(0), control(64, 127))
    left = notes(LINE, name(b"Piano (left)"), program(0, 1), control(64, 100, 1), channel=1)
    found, _ = voices(smf(track((0, tempo(80))), right, left))
    assert [voice["n_notes"] for voice in found] == [4, 4]
    assert [voice["controls"][-1] for voice in found] == [(0, CONTROL, 64, 127), (0, CONTROL, 64, 100)]


def test_ports_are_channels_beyond_16():
    bass = notes(LINE, meta(0x21, b"\0"), name(b"Bass"), program(33), control(7, 100))
    violins = notes(LINE, meta(0x21, b"\1"), name(b"Violins"), program(48), control(7, 60))
    first, second = voices(smf(track((0, tempo(80))), bass, violins))[0]
    assert first["controls"] == [(0, PROGRAM, 33, 0), (0, CONTROL, 7, 100)]
    assert second["controls"] == [(0, PROGRAM, 48, 0), (0, CONTROL, 7, 60)]


def test_tracks_that_set_programs_on_one_channel_keep_their_own():
    found, _ = voices(smf(notes(LINE, name(b"Bass"), program(33)), notes(LINE, name(b"Strings"), program(48))))
    assert [voice["controls"] for voice in found] == [[(0, PROGRAM, 33, 0)], [(0, PROGRAM, 48, 0)]]


def test_kits_and_programs_change_in_time_and_again_in_each_pass(tmp_path, monkeypatch):
    first = [(0, program(0, 9)), (0, on(36, 100, 9)), (960, off(36, 9))]
    kit = track(*first, (0, program(25, 9)), (0, on(36, 90, 9)), (960, off(36, 9)))
    read_here(monkeypatch)
    asked: list[RenderRequest] = []

    class Renderer:
        def render(self, request, write):
            asked.append(request)
            raise _Stopped

    monkeypatch.setattr(song_audio, "shared_renderer", Renderer)
    (tmp_path / "kit.mid").write_bytes(smf(kit))
    with pytest.raises(_Stopped):
        render_file(tmp_path / "kit.mid", tmp_path / "kit.wav", loop=True)
    told = [(kind, a, b) for _, kind, _, a, b in asked[0].events.tolist() if kind in (PROGRAM, NOTE_ON)]
    one_pass = [(PROGRAM, 0, 1), (NOTE_ON, 36, 100), (PROGRAM, 25, 1), (NOTE_ON, 36, 90)]
    # Each pass begins with the first kit; the file names it once more at its beginning.
    assert told == [(PROGRAM, 0, 1), *one_pass, (PROGRAM, 0, 1), *one_pass, (PROGRAM, 0, 1), *one_pass]


def heard(tmp_path, data):
    (tmp_path / "a.mid").write_bytes(data)
    render_file(tmp_path / "a.mid", tmp_path / "a.wav")
    return decoded((tmp_path / "a.wav").read_bytes())


def test_the_pedal_of_the_left_hand_is_heard(tmp_path):
    def hands(value):
        right = notes([(0, 240, 76)], name(b"Piano (right)"), program(0))
        left = notes([(0, 240, 48)], name(b"Piano (left)"), program(0, 1), control(64, value, 1), channel=1)
        return smf(track((0, tempo(60)), (1920, meta(6, b"end"))), right, left)

    pedal, plain = heard(tmp_path, hands(127)), heard(tmp_path, hands(0))
    gap = slice(44_100, 66_150)  # the notes end after 0.5 s
    assert rms(pedal[gap]) > 5 * rms(plain[gap])


def test_a_program_in_the_middle_is_heard(tmp_path):
    def file(number):
        return smf(track((0, on(60)), (480, off(60)), (0, program(number)), (0, on(60)), (1440, off(60))))

    piano, organ = heard(tmp_path, file(0)), heard(tmp_path, file(16))
    first, second = slice(0, 20_000), slice(60_000, 80_000)
    np.testing.assert_allclose(piano[first], organ[first], atol=1e-4)
    assert rms(organ[second]) > 1.5 * rms(piano[second]) or rms(organ[second] - piano[second]) > 0.5 * rms(
        piano[second]
    )


def test_pressure_is_heard(tmp_path):
    def file(*sent):
        return smf(track((0, program(48)), *((0, message) for message in sent), (0, on(60)), (960, off(60))))

    plain = heard(tmp_path, file())
    for sent in (b"\xd0\x7f", b"\xe0\x7f\x7f"):
        assert rms(heard(tmp_path, file(sent))[:40_000] - plain[:40_000]) > 0.1 * rms(plain[:40_000])
