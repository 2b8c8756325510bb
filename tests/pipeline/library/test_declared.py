"""Key signatures and metres that files declare: read, judged by the notes, believed where an estimate is unsure."""

from __future__ import annotations

from pathlib import Path

import pytest

import smf
from composer_core.estimate import meter as meter_estimates
from composer_core.estimate.estimators import load_estimators
from composer_core.estimate.key.declared import declared_json, declared_signature
from composer_core.estimate.key.estimator import UNSURE, estimate_key
from composer_core.estimate.meter import METER_UNSURE, meter_is_doubtful, suggest_loop_meter
from composer_core.ingest.cut import cut
from composer_core.ingest.midi import read_song
from composer_core.ingest.song import Song
from composer_core.music.key import Key, KeySignature
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import Meter
from composer_core.pipeline.labels.suggestions import show
from composer_core.pipeline.library.declared import (
    judged_signatures,
    keep_meters,
    main_meter,
    main_signature,
    main_stretch,
)
from composer_core.pipeline.library.measured_files import measure_files
from wild_songs import kit

BAR = 1920
SCALE = (0, 2, 4, 5, 7, 9, 11, 12)


def key_event(fifths: int, minor: bool = False) -> bytes:
    return smf.meta(0x59, bytes((fifths & 0xFF, minor)))


def tune(tonic: int, bars: int = 8) -> list[tuple[int, int, int]]:
    """A major scale up and down in eighths."""
    steps = (*SCALE, *reversed(SCALE))
    return [(n * 240, 220, tonic + steps[n % 16]) for n in range(8 * bars)]


def song_of(rows: list[tuple[int, int, int]], *head: bytes, channel: int = 0) -> Song:
    return read_song(smf.smf(smf.notes(rows, *head, channel=channel)), "x.mid")


def test_signatures_are_read_with_their_ticks_and_none_twice() -> None:
    head = smf.track((0, key_event(-3)), (BAR, key_event(-3)), (BAR, key_event(2, minor=True)))
    song = read_song(smf.smf(head, smf.notes(tune(63))), "x.mid")
    assert song.signatures == ((0, KeySignature(-3)), (2 * BAR, KeySignature(2, minor=True)))
    assert song_of(tune(60)).signatures == () and not song_of(tune(60)).says_meter


def test_a_signature_of_more_signs_than_there_are_is_no_signature() -> None:
    assert song_of(tune(60), key_event(9)).signatures == ()


@pytest.mark.parametrize(
    ("fifths", "minor", "keys"),
    [
        (0, False, (Key(0), Key(9, "minor"))),
        (-3, False, (Key(3), Key(0, "minor"))),
        (4, True, (Key(1, "minor"),)),
        (-7, False, (Key(11), Key(8, "minor"))),
    ],
)
def test_the_keys_a_signature_may_stand_for(fifths: int, minor: bool, keys: tuple[Key, ...]) -> None:
    assert KeySignature(fifths, minor).keys == keys


def test_every_key_has_its_signature() -> None:
    for root in range(12):
        for mode in ("major", "minor"):
            assert KeySignature.of_key(Key(root, mode)).keys[0] == Key(root, mode)
    assert KeySignature.of_key(Key(9, "minor")) == KeySignature(0, minor=True)


@pytest.mark.parametrize(("tonic", "fifths"), [(60, 0), (63, -3), (62, 2), (68, -4)])
def test_a_right_signature_is_kept(tonic: int, fifths: int) -> None:
    assert [one.doubtful for one in judged_signatures(song_of(tune(tonic), key_event(fifths)))] == [False]


@pytest.mark.parametrize(("tonic", "fifths"), [(63, 0), (62, 0), (68, 0), (64, 0), (60, 3), (60, -4), (66, 1), (61, 2)])
def test_a_signature_that_the_notes_belie_is_doubted(tonic: int, fifths: int) -> None:
    assert [one.doubtful for one in judged_signatures(song_of(tune(tonic), key_event(fifths)))] == [True]


def test_each_signature_is_judged_by_its_own_notes() -> None:
    rows = tune(63) + [(8 * BAR + on, length, pitch + 2) for on, length, pitch in tune(60)]
    head = smf.track((0, key_event(-3)), (8 * BAR, key_event(2)))
    song = read_song(smf.smf(head, smf.notes(rows)), "x.mid")
    assert [(one.tick, one.doubtful) for one in judged_signatures(song)] == [(0, False), (8 * BAR, False)]
    assert str(main_signature(song).signature) == "Eb:major"  # type: ignore[union-attr]


def test_drums_and_few_notes_belie_nothing() -> None:
    assert not judged_signatures(song_of(kit(), key_event(5), channel=9))[0].doubtful
    assert not judged_signatures(song_of(tune(60)[:7], key_event(5)))[0].doubtful
    assert main_signature(song_of(tune(60))) is None


def test_an_unsure_estimate_gives_way_and_a_sure_one_stays() -> None:
    # C, G and D may be of C, G, D or F major: nothing tells which.
    open_loop = Loop("piano", Notes.from_rows([(0, 480, 60, 90), (480, 480, 67, 90), (960, 480, 62, 90)]), 1)
    alone = estimate_key(open_loop)
    assert alone is not None and alone.confidence < UNSURE
    for fifths, root in ((-1, 5), (1, 7), (-3, 3)):
        said = open_loop.with_notes(open_loop.notes, extra={"declared_key": declared_json(KeySignature(fifths), False)})
        found = estimate_key(said)
        assert (
            found is not None and found.key in KeySignature(fifths).keys and KeySignature(fifths).keys[0].root == root
        )
    doubted = open_loop.with_notes(open_loop.notes, extra={"declared_key": declared_json(KeySignature(-3), True)})
    assert declared_signature(doubted) is None and estimate_key(doubted) == alone
    sure = Loop("piano", Notes.from_rows([(on, length, pitch, 90) for on, length, pitch in tune(62)]), 8)
    against = sure.with_notes(sure.notes, extra={"declared_key": declared_json(KeySignature(-3), False)})
    if estimate_key(sure).confidence >= UNSURE:  # type: ignore[union-attr]
        assert estimate_key(against) == estimate_key(sure)


def test_loops_keep_what_was_declared_and_an_import_says_what_is_belied(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.mid", tmp_path / "wrong.mid"
    right.write_bytes(smf.smf(smf.notes(tune(63), key_event(-3))))
    wrong.write_bytes(smf.smf(smf.notes(tune(63), key_event(0))))
    first, second = measure_files([str(right), str(wrong)])["files"]
    assert first["loops"][0]["declared_key"] == {"key": "Eb:major", "fifths": -3, "minor": False, "doubtful": False}
    assert first["warnings"] == []
    assert second["loops"][0]["declared_key"]["doubtful"]
    assert [row["code"] for row in second["warnings"]] == ["key_doubtful"]


def test_the_metre_that_covers_most_of_a_song_is_its_metre() -> None:
    head = smf.track((0, smf.meter(1, 2)), (480, smf.meter(3, 2)))
    song = read_song(smf.smf(head, smf.notes([(480 + n * 480, 400, 60) for n in range(24)])), "x.mid")
    assert main_meter(song) == Meter(3, 4)
    meter, notes = main_stretch(song)
    assert meter == Meter(3, 4) and notes.onset_tick[0] == 0 and len(notes) == 24


@pytest.mark.parametrize("declared", ["1/4", "1/8", "1/2"])
def test_a_bar_of_one_beat_is_no_metre(declared: str, tmp_path: Path) -> None:
    meter = Meter.parse(declared)
    assert meter_is_doubtful(meter)
    path = tmp_path / "x.mid"
    path.write_bytes(smf.smf(smf.notes(tune(60), smf.meter(1, meter.denominator.bit_length() - 1))))
    warned = [row["code"] for row in measure_files([str(path)])["files"][0]["warnings"]]
    assert warned == ["meter_doubtful"]


def test_how_a_beat_divides_belies_a_metre_and_how_many_make_a_bar_does_not() -> None:
    shares = {"4/4": 0.6, "2/4": 0.3, "3/4": 0.04, "3/8": 0.02, "6/8": 0.02, "9/8": 0.01, "12/8": 0.01}
    assert [meter_is_doubtful(Meter.parse(one), shares) for one in ("4/4", "2/4", "2/2")] == [False] * 3
    assert [meter_is_doubtful(Meter.parse(one), shares) for one in ("3/4", "6/8", "9/8", "12/8")] == [True] * 4
    # What the estimator does not know is not judged.
    assert not meter_is_doubtful(Meter(5, 4), shares) and not meter_is_doubtful(Meter(3, 4))


def loop_of(meter: Meter, *head: bytes) -> Loop:
    """The first loop of a tune in eighths, imported with these events before it."""
    song = song_of(tune(60, bars=2), *head)
    loops = cut(song, 2)
    keep_meters(song, loops)
    assert loops[0].meter == meter
    return loops[0]


def test_loops_keep_the_metre_that_their_file_declares() -> None:
    assert "declared_meter" not in loop_of(Meter(4, 4)).extra
    waltz = loop_of(Meter(3, 4), smf.meter(3, 2))
    assert waltz.extra["declared_meter"] == {"meter": "3/4", "doubtful": False}
    # A bar of one beat is no music's metre.
    assert loop_of(Meter(1, 4), smf.meter(1, 2)).extra["declared_meter"] == {"meter": "1/4", "doubtful": True}


SHARES = {"4/4": 0.5, "2/4": 0.14, "3/4": 0.26, "3/8": 0.1, "6/8": 0.0, "9/8": 0.0, "12/8": 0.0}
"""Unsure: the likeliest metre has half. Triple metres have 0.36 together, which is just not belied."""


@pytest.mark.parametrize(
    ("declared", "doubtful", "suggested", "confidence"),
    [
        ("2/4", False, "2/4", 0.64),  # what the notes give 4/4 and 2/4, which are hard to tell apart
        ("3/4", False, "3/4", 0.36),
        ("2/4", True, "4/4", 0.5),  # doubted where it was read
        ("6/8", False, "4/4", 0.5),  # 3/8, 6/8, 9/8 and 12/8 have a tenth: the notes belie it
        ("5/4", False, "5/4", 0.5),  # not learnt: what the surest metre leaves
        (None, False, "4/4", 0.5),
    ],
)
def test_a_declared_metre_wins_where_the_estimate_is_unsure(
    monkeypatch: pytest.MonkeyPatch, declared: str | None, doubtful: bool, suggested: str, confidence: float
) -> None:
    monkeypatch.setattr(meter_estimates, "song_meter_shares", lambda _model, _notes: dict(SHARES))
    extra: dict[str, object] = {} if declared is None else {"declared_meter": {"meter": declared, "doubtful": doubtful}}
    loop = Loop("piano", Notes.from_rows([(n * 240, 200, 60, 90) for n in range(8)]), 1, extra=extra)
    made = suggest_loop_meter(load_estimators().meter, loop)  # type: ignore[arg-type]
    assert made is not None and (made.value, made.confidence) == (suggested, confidence)
    assert (made.reasons == ("cue:declared:+",)) == (suggested == declared)


def test_a_sure_estimate_stands_against_the_declared_metre(monkeypatch: pytest.MonkeyPatch) -> None:
    sure = {**dict.fromkeys(SHARES, 0.0), "4/4": METER_UNSURE, "2/4": 0.2}
    monkeypatch.setattr(meter_estimates, "song_meter_shares", lambda _model, _notes: dict(sure))
    extra: dict[str, object] = {"declared_meter": {"meter": "2/4", "doubtful": False}}
    loop = Loop("piano", Notes.from_rows([(n * 240, 200, 60, 90) for n in range(8)]), 1, extra=extra)
    made = suggest_loop_meter(load_estimators().meter, loop)  # type: ignore[arg-type]
    assert made is not None and (made.value, made.reasons) == ("4/4", ("cue:repetition:+",))


def test_few_notes_say_nothing_of_the_metre_whatever_is_declared() -> None:
    extra: dict[str, object] = {"declared_meter": {"meter": "2/4", "doubtful": False}}
    loop = Loop("piano", Notes.from_rows([(0, 200, 60, 90)]), 1, extra=extra)
    assert suggest_loop_meter(load_estimators().meter, loop) is None  # type: ignore[arg-type]


def test_estimates_are_shown_beside_what_is_declared(tmp_path: Path) -> None:
    path = tmp_path / "x.mid"
    path.write_bytes(smf.smf(smf.notes(tune(63), smf.meter(4, 2), key_event(-3))))
    shown = show([str(path)])["files"][0]
    assert shown["declared"]["key"]["key"] == "Eb:major" and shown["declared"]["meter"]["meter"] == "4/4"
    assert (shown["key_root"]["value"], shown["key_mode"]["value"]) == ("Eb", "major")
    silent = tmp_path / "silent.mid"
    silent.write_bytes(smf.smf(smf.notes(tune(63))))
    assert show([str(silent)])["files"][0]["declared"] == {"key": None, "meter": None}
