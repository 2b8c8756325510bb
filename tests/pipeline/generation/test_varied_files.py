"""Bars of a file written anew: every event outside them stays, and every event of the other parts."""

from __future__ import annotations

import pytest

from composer_core.cli import main
from composer_core.errors import InvalidValue
from composer_core.pipeline.generation.varied_files import Varied, vary_file
from composer_core.workspace import Workspace
from midi_events import event_lists, header, n_notes, notes_of, without_notes
from random_song import DRUMS, random_song
from read_here import read_here
from smf import meta, meter, name, notes, program, smf, tempo, track
from untrained_model import add_untrained_model

BEAT = [(240 * step, 60, 36 + 6 * (step % 2)) for step in range(32)]
HEAD = track((0, meter(4, 2)), (0, tempo(80)), (0, meta(0x59, b"\xfd\0")), (1920, meta(6, b"B")))
BENDS = [(100 * step, bytes((0xE5, 100 * step & 0x7F, 64))) for step in range(19)]


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    """A workspace with a model of random weights for drums."""
    workspace = Workspace(tmp_path_factory.mktemp("vary")).create()
    return workspace, add_untrained_model(workspace, "drums")


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    read_here(monkeypatch)


def varied(tmp_path, space, data, **how) -> tuple[Varied, bytes]:
    source, out = tmp_path / "in.mid", tmp_path / "out.mid"
    source.write_bytes(data)
    workspace, model = space
    done = vary_file(source, out, instrument="drums", model=model, workspace=workspace, **how)
    return done, out.read_bytes()


def drums(rows=BEAT, end=7680):
    """The beat on channel 10 in a track that ends where the loop does."""
    body = notes(rows, name(b"Drums"), program(25, 9), channel=9)
    last = max(onset + duration for onset, duration, _ in rows)
    return track_until(body, end - last)


def track_until(chunk, more):
    """The chunk with its End of Track so much later."""
    body = chunk[8:-4] + bytes((0x80 | more >> 7, more & 0x7F)) + b"\xff\x2f\x00"
    return b"MTrk" + len(body).to_bytes(4, "big") + body


def bass():
    events = [(0, name(b"Bass")), (0, program(36, 5)), (0, bytes((0xB5, 7, 90)))]
    return track(
        *events, *((100 if tick else 0, bend) for tick, bend in BENDS), (0, b"\x95\x28\x50"), (240, b"\x85\x28\x00")
    )


def test_pedal_bends_key_and_marker_of_the_others_stay(tmp_path, space, capsys):
    data = smf(HEAD, bass(), drums())
    done, out = varied(tmp_path, space, data, bars=[2])
    assert event_lists(out)[:2] == event_lists(data)[:2]
    assert without_notes(out, 2, {9}) == without_notes(data, 2, {9})
    old, new = (notes_of(file, 2, 9) for file in (data, out))
    assert [note for note in old if not 3840 <= note[0] < 5760] == [
        note for note in new if not 3840 - 60 <= note[0] < 5760 - 60
    ]
    assert (done.kept, done.kept + done.written) == (24, len(new))
    workspace, model = space
    line = ["vary", str(tmp_path / "in.mid"), "--bars", "3", "--instrument", "drums", "--model", model]
    assert main([*line, "--workspace", str(workspace.root), "-o", str(tmp_path / "out.mid")]) == 0
    assert f"24 notes kept, {done.written} written" in capsys.readouterr().out


def test_more_bars_move_the_end_of_the_part_and_its_early_notes_only(tmp_path, space):
    rows = [*BEAT[:-1], (7680 - 30, 30, 38)]  # the snare anticipates the first downbeat
    data = smf(HEAD, bass(), drums(rows))
    _, out = varied(tmp_path, space, data, more=4)
    tracks = event_lists(out)
    assert tracks[:2] == event_lists(data)[:2]
    assert tracks[2][-1][0] == 2 * 7680
    found = notes_of(out, 2, 9)
    assert (7680 - 30, 7680, 38, 100) not in found
    assert (2 * 7680 - 30, 2 * 7680, 38, 100) in found


def test_bars_of_rest_at_the_end_belong_to_the_loop(tmp_path, space):
    data = smf(HEAD, bass(), drums(BEAT[:24]))  # nothing begins in bar 4, where the track ends
    done, out = varied(tmp_path, space, data, bars=[3])
    assert event_lists(out)[:2] == event_lists(data)[:2]
    assert notes_of(out, 2, 9)[:24] == notes_of(data, 2, 9)
    assert all(3 * 1920 - 60 <= note[0] < 7680 for note in notes_of(out, 2, 9)[24:])
    assert (done.kept, event_lists(out)[2][-1][0]) == (24, 7680)


def assert_other_events_stay(tmp_path, space, seed):
    bars = (1, 2, 4)[seed % 3]
    data = random_song(seed, bars=bars)
    edited_bar = seed % bars
    done, out = varied(tmp_path, space, data, bars=[edited_bar], seed=seed)
    number = 1 if header(data)[0] else 0
    assert header(out) == header(data)
    assert without_notes(out, number, {DRUMS}) == without_notes(data, number, {DRUMS}), seed
    length, early = 4 * header(data)[1] * bars, header(data)[1] // 8
    start, stop = (length // bars * bar for bar in (edited_bar, edited_bar + 1))
    left = notes_of(out, number, DRUMS)
    for onset, end, *rest in notes_of(data, number, DRUMS):
        if edited_bar == (onset + early) * bars // length % bars:
            continue  # early notes of the first bar lie at the end of the file
        # A kept note may end earlier, inside the edited bar, where the same drum is struck there.
        own = next((one for one in left if (one[0], *one[2:]) == (onset, *rest) and one[1] <= end), None)
        assert own is not None, (seed, onset)
        assert own[1] == end or start <= own[1] <= end < stop, (seed, onset)
        left.remove(own)
    assert all(start - early <= onset < stop or (start == 0 and onset >= length - early) for onset, *_ in left), seed
    assert n_notes(out) - n_notes(data) == len(notes_of(out, number, DRUMS)) - len(notes_of(data, number, DRUMS))
    assert done.kept + done.written == len(notes_of(out, number, DRUMS)), seed


@pytest.mark.parametrize("first", range(0, 12, 6))
def test_vary_leaves_every_event_outside_the_asked_bars(tmp_path, space, first):
    for seed in range(first, first + 6):
        assert_other_events_stay(tmp_path, space, seed)


@pytest.mark.slow
def test_vary_leaves_every_event_outside_the_asked_bars_in_500_files(tmp_path, space):
    for seed in range(500):
        assert_other_events_stay(tmp_path, space, seed)


@pytest.mark.parametrize(
    ("signature", "rows", "words"),
    [
        (meter(12, 3), BEAT[:12], "metre is '12/8'; the choices are 4/4, 3/4, 6/8, 5/4, 7/8"),
        (meter(2, 2), BEAT[:16], "metre is '2/4'"),
        (meter(4, 2), [(1920 * bar, 60, 36) for bar in range(12)], "12 bars"),
    ],
)
def test_metres_and_forms_no_model_knows_are_refused_by_name(tmp_path, space, signature, rows, words):
    end = rows[-1][0] + rows[-1][1]
    with pytest.raises(InvalidValue, match=words):
        varied(tmp_path, space, smf(track((0, signature)), drums(rows, -(-end // 1920) * 1920)), bars=[0])
    assert not (tmp_path / "out.mid").exists()
