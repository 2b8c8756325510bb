"""A kit of another note map plays, is labelled and is edited as the same beat in General MIDI's notes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import smf
from composer_core.estimate.suggest import suggest
from composer_core.ingest.cut import cut
from composer_core.ingest.midi import read_song
from composer_core.metrics import measure
from composer_core.music.drum_maps import DRUM_MAPS
from composer_core.music.drums import from_general_midi, role_index, to_general_midi
from composer_core.music.loop import Loop
from composer_core.pipeline.generation.performed_files import perform_file
from composer_core.pipeline.generation.song_audio import _played, _read
from composer_core.pipeline.generation.varied_files import vary_file
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.render.audio import heard_rows
from composer_core.rules.damage import roles_permuted
from composer_core.rules.damage_notes import Chance, voices_of
from composer_core.rules.technique_drums import RENDERED
from composer_core.tokens.snap import snap_loop
from wild_songs import kit, named, song

KITS = {
    "toontrack": ("EZdrummer 3", {"hat": 62}),
    "addictive_drums": ("Addictive Drums 2", {"hat": 49}),
    "yamaha_dtx": ("DTX502", {"hat": 79}),
    "alesis": ("Alesis Nitro", {"hat": 23}),
}
CLOSED = ("toontrack", "addictive_drums", "yamaha_dtx")
"""Kits whose hats are closed, as those of the beat in General MIDI."""


def file_of(name: str) -> bytes:
    title, pieces = KITS[name]
    return song(smf.notes(kit(**pieces), named(title), channel=9))  # type: ignore[arg-type]


def loop_of(data: bytes) -> Loop:
    return cut(read_song(data, "x.mid"), 4)[0]


GENERAL = song(smf.notes(kit(), channel=9))


@pytest.mark.parametrize("name", KITS)
def test_the_file_is_read_by_its_map(name: str) -> None:
    loop = loop_of(file_of(name))
    assert loop.drum_map == name
    assert set(loop.notes.pitch.tolist()) == {36, 38, KITS[name][1]["hat"]}


@pytest.mark.parametrize("name", CLOSED)
def test_it_sounds_as_the_same_beat_in_general_midi(name: str) -> None:
    ours, general = loop_of(file_of(name)), loop_of(GENERAL)
    assert heard_rows(ours.notes, ours.drum_map) == general.notes.rows()
    (part,) = _played(*_read("x.mid", file_of(name)))
    (usual,) = _played(*_read("x.mid", GENERAL))
    assert part.is_drums and part.rows == usual.rows
    assert snap_loop(ours).loop.notes == snap_loop(general).loop.notes


@pytest.mark.parametrize("name", CLOSED)
def test_it_is_measured_and_labelled_as_the_same_beat(name: str) -> None:
    ours, general = loop_of(file_of(name)), loop_of(GENERAL)
    assert measure(ours) == pytest.approx(measure(general), nan_ok=True)
    assert voices_of(ours).tolist() == voices_of(general).tolist()
    words = vocabularies()
    assert suggest(ours, measure(ours), words) == suggest(general, measure(general), words)
    assert role_index(ours.notes.pitch, name).tolist() == role_index(general.notes.pitch).tolist()


@pytest.mark.parametrize("technique", RENDERED)
@pytest.mark.parametrize("name", CLOSED)
def test_a_technique_is_played_in_the_notes_of_the_kit(name: str, technique: str) -> None:
    """Heard by General MIDI the result is what the technique makes of the beat in General MIDI."""
    ours, general = (RENDERED[technique](loop_of(data)) for data in (file_of(name), GENERAL))
    heard = ours.notes.with_columns(pitch=to_general_midi(ours.notes.pitch, name))
    assert heard == general.notes
    assert ours.drum_map == name


def test_addictive_drums_answers_in_its_own_notes() -> None:
    loop = loop_of(file_of("addictive_drums"))
    played = {name: set(RENDERED[name](loop).notes.pitch.tolist()) for name in ("cross_stick", "rimshot", "ride")}
    # 42 is its side stick, 37 its rimshot and 60 the tip of its ride; 37, 40 and 51 are none of these there.
    assert played == {"cross_stick": {36, 42, 49}, "rimshot": {36, 37, 49}, "ride": {36, 38, 60}}
    assert 54 in RENDERED["open_hat"](loop).notes.pitch


def test_general_midi_is_asked_for_in_each_map() -> None:
    asked = np.array([36, 38, 37, 40, 42, 44, 46, 45, 49, 51, 54], dtype=np.int32)
    assert from_general_midi(asked).tolist() == asked.tolist()
    assert from_general_midi(asked, "toontrack").tolist() == asked.tolist()
    own = from_general_midi(asked, "addictive_drums")
    # No tambourine is in that map, so 54 stays.
    assert own.tolist() == [36, 38, 42, 37, 49, 48, 54, 69, 77, 60, 54]
    for name, one in DRUM_MAPS.items():
        again = to_general_midi(from_general_midi(asked[:-1], name), name)
        assert role_index(again).tolist() == role_index(asked[:-1]).tolist(), name
        assert set(one.rims) | set(one.side_sticks) <= set(one.pitches["snare"]), name


def test_modules_are_heard_where_general_midi_has_nothing() -> None:
    edges = np.array([22, 26, 58], dtype=np.int32)
    for name in ("roland_td", "gm2", "battery", "alesis"):
        assert to_general_midi(edges, name).tolist() == [42, 46, 43]


def test_damage_permutes_the_pieces_of_the_kit() -> None:
    loop = loop_of(file_of("addictive_drums"))
    damaged = roles_permuted(loop, 1.0, Chance(np.random.default_rng(1)))
    before, after = (set(role_index(one.notes.pitch, loop.drum_map).tolist()) for one in (loop, damaged))
    assert after == before and damaged != loop


@pytest.mark.parametrize("name", CLOSED)
def test_performing_keeps_the_notes_of_the_file(tmp_path: Path, name: str) -> None:
    source, out = tmp_path / "in.mid", tmp_path / "out.mid"
    source.write_bytes(file_of(name))
    perform_file(source, out, seed=1)
    before, after = (read_song(path.read_bytes(), "x.mid").parts[0].notes for path in (source, out))
    assert sorted(before.pitch.tolist()) == sorted(after.pitch.tolist())
    assert len(set(after.velocity.tolist())) > 1


def test_bars_written_anew_are_in_the_notes_of_the_kit(tmp_path: Path) -> None:
    source, out = tmp_path / "in.mid", tmp_path / "out.mid"
    source.write_bytes(file_of("addictive_drums"))
    vary_file(source, out, instrument="drums", bars=[2], seed=3)
    loop = loop_of(out.read_bytes())
    assert loop.drum_map == "addictive_drums"
    fresh = loop.notes.select((loop.notes.onset_tick >= 2 * 1920) & (loop.notes.onset_tick < 3 * 1920 - 60))
    assert len(fresh)
    known = DRUM_MAPS["addictive_drums"].role_of_pitch
    general_hats = {42, 44, 46}
    assert set(fresh.pitch.tolist()) <= set(known)
    # 42 and 44 are snare strokes there: a hat of General MIDI written as it is would be one.
    hats = [pitch for pitch in fresh.pitch.tolist() if known[pitch] in ("closed_hat", "open_hat")]
    assert hats and not general_hats & set(fresh.pitch.tolist())
