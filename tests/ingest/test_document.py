"""A file's events, read and written back: unedited to the byte, edited with everything else at its place."""

from __future__ import annotations

import pytest

from composer_core.errors import RefusedFile
from composer_core.ingest import document as document_module
from composer_core.ingest.document import META, FileEvent, read_document
from composer_core.ingest.midi import read_song
from composer_core.ingest.written_notes import HANGING, NO_SOURCE, part_sources, written_notes
from midi_events import event_lists
from random_song import random_song
from smf import END, meta, name, notes, off, on, program, smf, tempo, track


def parts_of(data):
    return [(part.channel, part.notes) for part in read_song(data, "a.mid").parts]


@pytest.mark.parametrize("seed", range(24))
def test_what_is_read_is_what_another_reader_finds_and_comes_back_to_the_byte(seed):
    data = random_song(seed)
    found = read_document(data, "a.mid")
    assert [[tuple(event) for event in own.events] for own in found.tracks] == event_lists(data)
    assert found.to_bytes() == data
    for own in found.tracks:
        own.edit()  # written anew, with nothing to change
    assert event_lists(found.to_bytes()) == event_lists(data)
    notes_found = written_notes(found)
    sources, doubles = part_sources(parts_of(data), notes_found, found.resolution)
    assert sorted(at for own in sources for at in own) == list(range(len(notes_found)))
    assert doubles == {}


def test_a_wrong_track_count_is_put_right_and_nothing_else():
    data = smf(track((0, on(60)), (9, off(60))), promised=5) + b"XFKM\0\0\0\1x"
    assert read_document(data, "a.mid").to_bytes() == data[:11] + b"\1" + data[12:]


def test_new_events_have_their_place_among_those_of_their_tick():
    found = read_document(
        smf(track((0, program(1)), (10, b"\xb0\x07\x40"), (0, on(60)), (0, meta(5, b"la")), (5, off(60)))), "a"
    )
    edits = found.tracks[0].edit()
    edits.offs.append(FileEvent(10, 0x80, b"\x3d\x40"))
    edits.controls.append(FileEvent(10, 0xE0, b"\0\x40"))
    edits.ons.append(FileEvent(10, 0x90, b"\x3d\x40"))
    edits.ons.append(FileEvent(20, 0x90, b"\x3e\x40"))
    edits.removed.add(4)
    own = found.tracks[0].edited()
    assert [event.status for event in own] == [0xC0, 0x80, 0xB0, 0xE0, 0x90, META, 0x90, 0x90, META]
    assert (own[-1].tick, own[-1].data) == (20, b"\x2f")  # the End of Track goes along


def test_running_status_after_a_meta_event_and_values_above_127():
    body = b"\x00\x90\x3c\x40\x05\xff\x01\x01x\x05\x3c\x00\x00\xb0\x07\xff\x00" + END
    found = read_document(smf(b"MTrk" + len(body).to_bytes(4, "big") + body), "a")
    assert [tuple(event) for event in found.tracks[0].events[2:4]] == [(10, 0x90, b"\x3c\x00"), (10, 0xB0, b"\x07\x7f")]
    assert (found.tracks[0].n_clipped, found.tracks[0].broken) == (1, None)


@pytest.mark.parametrize(
    "tail", [b"\x00\xf4\x01", b"\x00", b"\x81", b"\x00\xff\x01\x20a", b"\xff\xff\xff\xff\x7f", b"\x00\x90\x3c"]
)
def test_a_track_ends_where_its_bytes_are_no_events(tail):
    body = b"\x00" + on(60) + b"\x60" + off(60) + tail
    (own,) = read_document(smf(b"MTrk" + len(body).to_bytes(4, "big") + body), "a").tracks
    assert (len(own.events), own.broken) == (2, len(body) - len(tail))


def test_too_many_events_are_refused(monkeypatch):
    monkeypatch.setattr(document_module, "MAX_DOCUMENT_EVENTS", 5)
    with pytest.raises(RefusedFile, match="limit is"):
        read_document(smf(track(*[(1, on(60)), (1, off(60))] * 3)), "a")


def test_readers_keep_time_behind_events_they_do_not_know():
    """A continued system exclusive message, and a meta event of an unknown kind before data no strict reader takes."""
    rows = [(0, 240, 60), (480, 240, 62), (960, 240, 64)]
    plain = read_song(smf(notes(rows)), "a").parts[0].notes
    odd = track(
        (0, on(60)), (240, off(60)), (0, b"\xf0\x02\x43\x12"), (200, b"\xf7\x03\x01\x02\xf7"), (40, on(62)),
        (240, off(62)), (100, meta(0x60, b"own")), (140, on(64)), (240, off(64)),
    )  # fmt: skip
    assert read_song(smf(odd), "a").parts[0].notes == plain
    loud = odd.replace(on(64), bytes((0x90, 64, 0xF0)))
    found = read_song(smf(loud), "a")
    assert [warning.code for warning in found.warnings] == ["lenient_reader"]
    assert found.parts[0].notes.onset_tick.tolist() == [0, 480, 960]


def test_parts_find_their_notes_though_others_play_the_same():
    rows = [(480 * beat, 240, 60) for beat in range(4)]
    data = smf(
        track((0, tempo(100))),
        notes(rows, name(b"Lead"), program(80)),
        notes(rows, name(b"Double"), program(81, 1), channel=1),
        notes([*rows, (2000, 100, 67)], name(b"Third"), program(82)),
    )
    found = read_document(data, "a")
    written = written_notes(found)
    sources, _ = part_sources(parts_of(data), written, found.resolution)
    assert [{written[at].track for at in own} for own in sources] == [{1}, {2}, {3}]


def test_notes_no_part_holds_follow_the_one_that_starts_with_them():
    data = smf(track((0, on(60, 80)), (0, on(60, 70)), (100, off(60)), (0, off(60)), (10, on(64)), (500, off(62))))
    found = read_document(data, "a")
    written = written_notes(found)
    assert [(note.onset, note.end) for note in written] == [(0, 100), (0, 100), (110, HANGING)]
    channel, own = parts_of(data)[0]
    sources, doubles = part_sources([(channel, own.select([0, 2]))], written, 480)
    assert (sources, doubles) == ([[1, 2]], {1: [0]}) or (sources, doubles) == ([[0, 2]], {0: [1]})
    assert part_sources([(0, own.select([2]).with_columns(pitch=[50]))], written, 480)[0] == [[NO_SOURCE]]
