"""Files as people have them: who plays what, where a loop begins and ends, and by which map a kit is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import smf
from composer_core.cli import library
from composer_core.errors import InvalidValue
from composer_core.ingest.cut import cut
from composer_core.ingest.midi import read_song
from composer_core.ingest.song import Song
from composer_core.metrics import measure
from composer_core.music.drum_maps import AUTOMATIC, DRUM_MAPS, find_drum_map
from composer_core.music.drums import ROLES, role_index, to_general_midi
from composer_core.pipeline.library.imports import ingest
from composer_core.pipeline.library.loops import load_loop, table
from composer_core.pipeline.library.measured_files import measure_files
from composer_core.workspace import Workspace
from wild_files import CASES
from wild_songs import kit, line, named, song


def kit_file(name: str, **pieces: int) -> bytes:
    """A kit of other notes on channel 10, under a name."""
    return song(smf.notes(kit(**pieces), named(name), channel=9))  # type: ignore[arg-type]


DRUM_MAP_CASES = [
    ("Drums", kit_file("Drums"), "general_midi"),
    ("pedal hats", kit_file("", hat=44), "general_midi"),
    ("TD-11 edge", kit_file("", hat=22), "general_midi"),
    ("congas beside hats", song(smf.notes([*kit(), *kit(hat=63)], channel=9)), "general_midi"),
    ("Addictive Drums", kit_file("Addictive Drums", hat=54), "addictive_drums"),
    ("AddictiveDrums2 closed", kit_file("AddictiveDrums2", hat=49), "addictive_drums"),
    ("AddictiveDrums2 on General MIDI's notes", kit_file("AddictiveDrums2"), "general_midi"),
    ("unnamed, 55", kit_file("", hat=55 + 1), "addictive_drums"),
    ("EZdrummer tight", kit_file("EZdrummer 2", hat=62), "toontrack"),
    ("unnamed, 63", kit_file("", hat=63), "toontrack"),
    ("unnamed, 24", kit_file("", hat=24), "toontrack"),
    ("DTX closed edge", kit_file("DTX", hat=79), "yamaha_dtx"),
    ("unnamed, 78", kit_file("", hat=78), "yamaha_dtx"),
    ("Alesis half-open", kit_file("Alesis Nitro", hat=23), "alesis"),
]


def codes(read: Song) -> list[str]:
    return [warning.code for warning in read.warnings]


@pytest.mark.parametrize(
    ("data", "loops"), [case[2:] for case in CASES], ids=[f"{kind}: {t}" for kind, t, _, _ in CASES]
)
def test_the_loops_a_musician_hears(data: bytes, loops: list[tuple[str, int, int, int]]) -> None:
    found = cut(read_song(data, "x.mid"), 4)
    assert sorted((one.instrument, one.start_bar, one.bars, len(one.notes)) for one in found) == loops


def test_a_program_change_splits_a_part_and_its_order_stays() -> None:
    change = smf.track((0, smf.program(53, 2)), (960, smf.program(52, 2)))
    read = read_song(song(smf.notes(line(), channel=2), change), "x.mid")
    assert [(part.program, len(part.notes)) for part in read.parts] == [(52, 28), (53, 4)]


def test_what_stays_a_guess_is_said() -> None:
    assert codes(read_song(song(smf.notes(line(), named("Bass"), smf.program(33))), "x.mid")) == []
    by_name = read_song(song(smf.notes(line(), named("Kick")), smf.notes(line(), named("Flute"))), "x.mid")
    assert codes(by_name) == ["guessed_instrument"]
    assert by_name.warnings[0].values == {"count": 1, "parts": "Kick = drums"}
    against = read_song(song(smf.notes(line(), named("Bass"), smf.program(0))), "x.mid")
    assert codes(against) == ["guessed_instrument"]


@pytest.mark.parametrize(("data", "name"), [case[1:] for case in DRUM_MAP_CASES], ids=[c[0] for c in DRUM_MAP_CASES])
def test_a_kit_is_read_by_its_map(data: bytes, name: str) -> None:
    loops = cut(read_song(data, "x.mid"), 4)
    assert [one.drum_map for one in loops] == [name]
    # 8 of 12 notes of the kit are hats (of the kit with congas 8 of 20).
    assert measure(loops[0])["hat_share"] == pytest.approx(8 * 4 / len(loops[0].notes))


def test_notes_alone_make_a_guess_and_an_unknown_map_is_said() -> None:
    assert codes(read_song(kit_file("Addictive Drums", hat=54), "x.mid")) == []
    assert codes(read_song(kit_file("", hat=63), "x.mid")) == ["drum_map_guessed"]
    unknown = read_song(kit_file("", hat=96, kick=90, snare=92), "x.mid")
    assert codes(unknown) == ["drum_map_unknown"]
    assert unknown.warnings[0].values == {"percent": 100}


def test_the_stored_notes_stay_the_files() -> None:
    loop = cut(read_song(kit_file("Addictive Drums", hat=54), "x.mid"), 4)[0]
    assert set(loop.notes.pitch.tolist()) == {36, 38, 54}
    assert loop.extra["drum_map"] == "addictive_drums"
    assert "drum_map" not in cut(read_song(kit_file(""), "x.mid"), 4)[0].extra


def test_a_chosen_map_is_kept_and_an_unknown_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "kit.mid"
    path.write_bytes(kit_file("", hat=54))
    chosen = measure_files([str(path)], drum_map="general_midi")["files"][0]
    assert chosen["loops"][0]["drum_map"] == "general_midi" and chosen["warnings"] == []
    assert chosen["loops"][0]["metrics"]["hat_share"] == 0.0
    found = measure_files([str(path)])["files"][0]
    assert found["loops"][0]["drum_map"] == "addictive_drums"
    assert [row["code"] for row in found["warnings"]] == ["drum_map_guessed"]
    with pytest.raises(InvalidValue, match="drum map"):
        measure_files([str(path)], drum_map="nonsense")
    with pytest.raises(InvalidValue, match="drum map"):
        ingest([str(path)], Workspace(tmp_path / "w"), drum_map="nonsense")


def test_a_stored_loop_keeps_its_map(tmp_path: Path) -> None:
    path = tmp_path / "kit.mid"
    path.write_bytes(kit_file("Addictive Drums", hat=54))
    workspace = Workspace(tmp_path / "w")
    report = ingest([str(path)], workspace, jobs=1)
    assert report.loops_added == 1
    loop_id = table(workspace)["loop_id"].iloc[0]
    assert load_loop(workspace, loop_id).drum_map == "addictive_drums"


def test_the_command_names_every_map() -> None:
    assert library._DRUM_MAP_HELP.split("), ")[1] == ", ".join(DRUM_MAPS)


@pytest.mark.parametrize("name", DRUM_MAPS)
def test_a_map_is_whole(name: str) -> None:
    one = DRUM_MAPS[name]
    assert set(one.pitches) == set(ROLES)
    notes = [pitch for pitches in one.pitches.values() for pitch in pitches]
    assert len(notes) == len(set(notes)) and not set(notes) & set(one.others)
    assert all(0 <= pitch <= 127 for pitch in one.known)
    assert set(one.pedals) <= {*one.pitches["closed_hat"], *one.pitches["open_hat"]}
    assert set(one.side_sticks) <= set(one.pitches["snare"])
    # Heard by General MIDI, every note keeps its role.
    pitch = np.array(sorted(notes), dtype=np.int32)
    assert role_index(to_general_midi(pitch, name)).tolist() == role_index(pitch, name).tolist()


def test_a_kit_without_notes_is_general_midi() -> None:
    nothing = np.array([], dtype=np.int32)
    assert find_drum_map(nothing, nothing, ["Addictive Drums"]).name == "general_midi"
    assert AUTOMATIC not in DRUM_MAPS
