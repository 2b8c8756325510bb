"""Controllers and length of a file, from bytes made by mido."""

from __future__ import annotations

import io

import mido

from composer_core.render.controllers import read_controllers
from composer_core.render.timeline import BEND, CONTROL


def file(*tracks, resolution=480):
    song = mido.MidiFile(ticks_per_beat=resolution)
    song.tracks.extend(mido.MidiTrack(messages) for messages in tracks)
    data = io.BytesIO()
    song.save(file=data)
    return data.getvalue()


def control(number, value, time=0, channel=0):
    return mido.Message("control_change", control=number, value=value, time=time, channel=channel)


def test_order_channels_and_the_longest_track():
    first = [control(101, 0), control(100, 0), control(6, 12, time=96), mido.MetaMessage("end_of_track", time=4)]
    second = [control(64, 127, time=48, channel=5), mido.MetaMessage("end_of_track", time=144)]
    found = read_controllers(file(first, second, resolution=96))
    # 96 ticks a quarter: 48 are half a quarter = 240, 96 are 480, the second track ends at 192 = 960.
    assert found.of_channel == {
        0: [(0, CONTROL, 101, 0), (0, CONTROL, 100, 0), (480, CONTROL, 6, 12)],
        5: [(240, CONTROL, 64, 127)],
    }
    assert found.end_tick == 960


def test_bends_are_fourteen_bits():
    bends = [mido.Message("pitchwheel", pitch=pitch) for pitch in (-8192, 0, 8191)]
    # -8192 is 0; 0 is 8192 = 64 * 128; 8191 is 16383 = 127 * 128 + 127.
    assert read_controllers(file(bends)).of_channel[0] == [(0, BEND, 0, 0), (0, BEND, 0, 64), (0, BEND, 127, 127)]


def test_bank_select_and_sound_off_are_left_out():
    assert read_controllers(file([control(0, 8), control(123, 0), control(120, 0)])).of_channel == {}


def test_a_file_mido_cannot_read_has_none():
    assert read_controllers(b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x01\xe0MTrk\x00\x00\x00\x10\x00") is None
    assert read_controllers(b"") is None
