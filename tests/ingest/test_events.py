"""The walk over raw events, against mido's slow but independent reading of the same bytes."""

from __future__ import annotations

import io
from collections import Counter

import mido
from hypothesis import given, settings
from hypothesis import strategies as st

import smf
from composer_core.ingest.chunks import read_layout
from composer_core.ingest.events import META_TRACK_NAME, TrackEvents, read_length, struck_keys, walk_track

DELTA = st.one_of(st.integers(0, 130), st.sampled_from([127, 128, 16383, 16384, 0x0FFFFFFF >> 7]))
DATA = st.integers(0, 127)
CHANNEL = st.integers(0, 15)
MESSAGES = st.one_of(
    st.builds(lambda c, p, v: bytes((0x90 | c, p, v)), CHANNEL, DATA, DATA),
    st.builds(lambda c, p, v: bytes((0x80 | c, p, v)), CHANNEL, DATA, DATA),
    st.builds(lambda c, p, v: bytes((0xB0 | c, p, v)), CHANNEL, DATA, DATA),
    st.builds(lambda c, p: bytes((0xC0 | c, p)), CHANNEL, DATA),
    st.builds(lambda c, p: bytes((0xD0 | c, p)), CHANNEL, DATA),
    st.builds(smf.meta, st.sampled_from([0x01, 0x03, 0x05, 0x06, 0x7F]), st.binary(max_size=140)),
    st.builds(lambda data: b"\xf0" + smf.quantity(len(data)) + data, st.binary(max_size=20)),
)


def with_running_status(messages: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """The same messages, status bytes left out wherever the standard allows."""
    running, out = -1, []
    for delta, message in messages:
        channel = message[0] < 0xF0
        out.append((delta, message[1:] if channel and message[0] == running else message))
        running = message[0] if channel else -1
    return out


def walk(data: bytes) -> TrackEvents:
    return walk_track(data, *read_layout(data, "x").tracks[0])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(DELTA, MESSAGES), max_size=60), st.booleans())
def test_counts_what_mido_counts(messages: list[tuple[int, bytes]], running: bool) -> None:
    data = smf.smf(smf.track(*(with_running_status(messages) if running else messages)))
    found = walk(data)
    read = mido.MidiFile(file=io.BytesIO(data), clip=True).tracks[0]
    struck = [m for m in read if m.type == "note_on" and m.velocity]
    assert found.whole and not found.trailing
    assert +found.note_ons == Counter(m.channel for m in struck)
    assert found.programs == {m.channel for m in read if m.type == "program_change"}
    assert struck_keys(data, found) == Counter((m.channel, m.note) for m in struck)
    assert len(found.metas) == sum(m.is_meta or m.type == "unknown_meta" for m in read)


def test_payloads_that_look_like_events_are_passed_over() -> None:
    looks_like = b"\x00\x90\x3c\x64\xff\x03\x01A"
    found = walk(smf.smf(smf.track((0, smf.meta(0x7F, looks_like)), (0xFF, smf.on(60)))))
    assert [meta.kind for meta in found.metas] == [0x7F, 0x2F]
    assert found.note_ons == Counter({0: 1})


def test_a_delta_that_looks_like_a_name_is_no_name() -> None:
    # The delta FF 03 is 127 * 128 + 3 = 16259 ticks.
    data = smf.smf(smf.track((16259, smf.on(60)), (1, smf.off(60))))
    assert META_TRACK_NAME not in {meta.kind for meta in walk(data).metas}


def test_stops_at_the_end_of_track_and_says_what_follows() -> None:
    found = walk(smf.smf(smf.track((0, smf.on(60)), (0, smf.END), (0, smf.on(61)))))
    assert found.trailing and found.note_ons == Counter({0: 1})


def test_bytes_that_are_no_event_end_the_walk() -> None:
    found = walk(smf.smf(smf.track((0, smf.on(60)), (0, b"\xf4"), (0, smf.on(61)))))
    assert not found.whole and found.note_ons == Counter({0: 1})


def test_read_length() -> None:
    # 0x81 0x48 = 1 * 128 + 72 = 200.
    assert read_length(b"\x81\x48", 0, 2) == (200, 2)
    assert read_length(b"\x7f", 0, 1) == (127, 1)
    assert read_length(b"\x81", 0, 1) is None
    assert read_length(b"\x81\x81\x81\x81\x01", 0, 5) is None
