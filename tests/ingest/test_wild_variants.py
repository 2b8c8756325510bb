"""More files as people have them, written before the reader was: other sequencers, languages, kits, ports and lengths.

Each has a right reading that a musician would give; a case says the instruments and their notes, the bars of the loops,
and what else matters of them.
"""

from __future__ import annotations

import pytest

import smf
from composer_core.ingest.cut import cut
from composer_core.ingest.midi import read_song
from composer_core.metrics import measure
from composer_core.music.drum_maps import AUTOMATIC
from composer_core.music.loop import Loop
from wild_songs import (
    BAR,
    XG_ON,
    at_ticks,
    chords,
    control,
    ends_at,
    exclusive,
    gs_rhythm,
    kit,
    line,
    named,
    port,
    sounding,
)
from wild_songs import song as song_of

Parts = dict[str, int]
_GM2_ON = (0x7E, 0x7F, 0x09, 0x03)
_JA, _WEST = "cp932", "latin-1"
_CHORDS, _LINE, _KIT = 12, 32, 48
program, notes, track = smf.program, smf.notes, smf.track


def kit_file(title: str, resolution: int = 480, *, channel: int = 9, encoding: str = "utf-8", **pieces: int) -> bytes:
    rows = kit(resolution, **pieces)
    return song_of(notes(rows, named(title, encoding=encoding), channel=channel), resolution=resolution)


def pieces_file(*names: str, encoding: str = "utf-8", pitches: tuple[int, ...] = (36, 38, 42)) -> bytes:
    own = [[row for row in kit() if row[2] == struck] for struck in (36, 38, 42)]
    tracks = [
        notes([(on, length, pitch) for on, length, _ in rows], named(name, encoding=encoding))
        for rows, name, pitch in zip(own, names, pitches, strict=True)
    ]
    return song_of(*tracks)


PROGRAMS: list[tuple[str, bytes, Parts]] = [
    ("the last track sets them, 384", song_of(notes(line(384), channel=1), notes(chords(384), channel=3),
     track((0, program(33, 1)), (0, program(48, 3))), resolution=384), {"bass": _LINE, "strings": _CHORDS}),
    ("the conductor sets them, 24", smf.smf(track((0, program(33, 0)), (0, program(48, 1))), notes(line(24)),
     notes(chords(24), channel=1), resolution=24), {"bass": _LINE, "strings": _CHORDS}),
    ("banks first, 960", smf.smf(track((0, control(0, 0, 0)), (0, control(32, 3, 0)), (0, program(30, 0))),
     notes(line(960, low=52)), resolution=960), {"guitar": _LINE}),
    ("a second staff of another name", song_of(notes(line(low=60), named("RH"), program(21, 4), channel=4),
     notes(chords(), named("LH"), channel=4)), {"other": _LINE + _CHORDS}),
    ("a piano on two channels", song_of(notes(line(low=60), named("Piano right"), program(0)),
     notes(line(), named("Piano left"), program(0, 1), channel=1)), {"piano": 2 * _LINE}),
    ("a program 10 ticks late, type 0", smf.smf(at_ticks(sorted([*sounding((line(), 0)), (10, program(33))])), kind=0),
     {"bass": _LINE}),
    ("drums on both ports", song_of(notes(kit(), port(0), channel=9), notes(kit(hat=51, kick=35, snare=40), port(1),
     channel=9), notes(line(), port(1), program(33))), {"drums": 2 * _KIT, "bass": _LINE}),
    ("devices named", song_of(notes(chords(), smf.meta(9, b"SC-88 A"), program(48)),
     notes(line(), smf.meta(9, b"SC-88 B"), program(33))), {"strings": _CHORDS, "bass": _LINE}),
    ("XG 127 on channel 1", song_of(notes(kit(), exclusive(*XG_ON), control(0, 127, 0), program(0))), {"drums": _KIT}),
    ("XG 126 on channel 4 at 96", song_of(notes(kit(96), control(0, 126, 3), program(0, 3), channel=3), resolution=96),
     {"drums": _KIT}),
    ("GM2 120 on channel 12", song_of(notes(kit(), exclusive(*_GM2_ON), control(0, 120, 11), program(0, 11),
     channel=11)), {"drums": _KIT}),
    ("GM2 121 on channel 10", song_of(notes(chords(), control(0, 121, 9), program(48, 9), channel=9)),
     {"strings": _CHORDS}),
    ("GS rhythm on channel 12", song_of(track((0, gs_rhythm(11, 1))), notes(kit(), channel=11)), {"drums": _KIT}),
    ("GS rhythm map 2 on channel 1, type 0, 120", smf.smf(notes(kit(120), gs_rhythm(1, 2)), kind=0, resolution=120),
     {"drums": _KIT}),
    ("GS makes channel 10 a bass", song_of(notes(line(), gs_rhythm(0, 0), program(33, 9), channel=9)),
     {"bass": _LINE}),
    ("XG part mode on channel 5", song_of(track((0, exclusive(0x43, 0x10, 0x4C, 8, 4, 7, 2))),
     notes(kit(), channel=4)), {"drums": _KIT}),
    ("a kit on 11 beside 10", song_of(notes(kit(hat=51, kick=35, snare=40), control(0, 127, 10), channel=10),
     notes(kit(), channel=9)), {"drums": 2 * _KIT}),
    ("two named parts, all programs 0", song_of(notes(line(), named("Bass"), program(0)),
     notes(chords(), named("Strings"), program(0, 1), channel=1)), {"bass": _LINE, "strings": _CHORDS}),
    ("Schlagzeug on program 0", song_of(notes(kit(), named("Schlagzeug"), program(0))), {"drums": _KIT}),
    ("Little Drummer Boy, type 0", smf.smf(notes(chords(), named("Little Drummer Boy"), program(0)), kind=0),
     {"piano": _CHORDS}),
    ("Strings of Life, type 0", smf.smf(notes(chords(), named("Strings of Life")), kind=0), {"piano": _CHORDS}),
    ("Guitar Blues over a track", smf.smf(track((0, named("Guitar Blues in G"))), notes(chords())),
     {"piano": _CHORDS}),
    ("Bassline Junkie with a program", smf.smf(notes(chords(), named("Bassline Junkie"), program(48)),
     notes(line(), named("x"), program(33, 1), channel=1)), {"strings": _CHORDS, "bass": _LINE}),
]  # fmt: skip

_PRODUCTS = (
    "Superior Drummer 3|Addictive Drums 2|Battery 4|SSD5|Drum Rack|BFD3|GetGood Drums|Schlagzeug|Batterie|Batteria|"
    "Percussion|drumKit_L|01-DRUMS|MT Power Drum Kit 2|Steven Slate Drums|Perkussion|Drumset (Standard)|TR-909|ﾄﾞﾗﾑｽ|"
    "リズム|打楽器|Batería"
)
KITS = [
    *((title, "utf-8") for title in _PRODUCTS.split("|")),
    *((title, _JA) for title in ("ドラム", "ﾄﾞﾗﾑ1", "リズム")),
    ("Batería", _WEST),
]
PIECES = [
    ("Kick In|Snare Top|HiHat", "utf-8"),
    ("BD|SD|HH", "utf-8"),
    ("バスドラ|スネア|ハイハット", _JA),
    ("Grosse caisse|Caisse claire|Charleston", "utf-8"),
    ("Bombo|Caja|Charles", "utf-8"),
    ("Cassa|Rullante|Charleston", "utf-8"),
    ("KICK_01|SNARE_01|HATS_01", "utf-8"),
]
NAMES = {
    "bass": "E-Bass|Bajo|Basse|Basso elettrico|ベース|ﾍﾞｰｽ|808 Bass|BassGtr_DI_03|Sub bass",
    "guitar": "Gitarre|Guitarra|Guitare|Chitarra|ギター|エレキ|leadGuitarDry|EGtr2|リズムギター",
    "piano": "Klavier|ピアノ|Rhodes",
    "strings": "Streicher|Cordes|Cuerdas|Archi|ストリングス|Vln_I|ViolinSection|弦",
    "other": "Bass Clarinet|Steel Drums|Trompete|フルート",
}
LENGTHS: list[tuple[str, bytes, Parts, list[int]]] = [
    ("a bar of rest, 96", song_of(ends_at(chords(96, 3), 1536), resolution=96), {"piano": 9}, [4]),
    ("two bars of rest, type 0", smf.smf(ends_at(line(bars=2), 4 * BAR, program(33)), kind=0), {"bass": 16}, [4]),
    ("a tick early at 960", song_of(ends_at(line(960, 7), 30719, program(33)), resolution=960), {"bass": 56}, [4, 4]),
    ("a tick late at 24", song_of(ends_at(line(24), 385, program(33)), resolution=24), {"bass": 32}, [4]),
    ("a bass that enters in bar 3", song_of(notes(kit(), channel=9), notes(line(bars=2, at=2 * BAR), program(33))),
     {"drums": 48, "bass": 16}, [4, 4]),
    ("a bass that stops early, 384", song_of(notes(kit(384), channel=9), notes(line(384, 3), program(33)),
     resolution=384), {"drums": 48, "bass": 24}, [4, 4]),
    ("a drone of 8 bars", song_of(notes([(0, 8 * BAR, 48), (0, 8 * BAR, 55)], program(48))), {"strings": 4}, [4, 4]),
    ("a waltz with a rest", smf.smf(track((0, smf.meter(3, 2))), ends_at([(480 * n, 400, 60 + n % 3) for n in
     range(9)], 4 * 1440)), {"piano": 9}, [4]),
]  # fmt: skip


def loops_of(data: bytes, drum_map: str = AUTOMATIC) -> list[Loop]:
    return cut(read_song(data, "x.mid", drum_map), 4)


def parts_of(data: bytes) -> Parts:
    found: Parts = {}
    for loop in loops_of(data):
        found[loop.instrument] = found.get(loop.instrument, 0) + len(loop.notes)
    return found


@pytest.mark.parametrize(("data", "parts"), [case[1:] for case in PROGRAMS], ids=[case[0] for case in PROGRAMS])
def test_who_plays(data: bytes, parts: Parts) -> None:
    assert parts_of(data) == parts


@pytest.mark.parametrize(("title", "encoding"), KITS)
def test_a_kit_by_its_name(title: str, encoding: str) -> None:
    data = kit_file(title, (96, 480, 960)[len(title) % 3], channel=0, encoding=encoding)
    assert parts_of(data) == {"drums": _KIT}


@pytest.mark.parametrize(("names", "encoding"), PIECES)
def test_a_kit_by_its_pieces(names: str, encoding: str) -> None:
    assert parts_of(pieces_file(*names.split("|"), encoding=encoding)) == {"drums": _KIT}


@pytest.mark.parametrize(("family", "name"), [(family, name) for family in NAMES for name in NAMES[family].split("|")])
def test_a_part_by_its_name(family: str, name: str) -> None:
    encoding = _JA if any(letter > "\u3000" for letter in name) else "utf-8"
    data = song_of(notes(line(low=52), named(name, encoding=encoding), channel=1))
    assert parts_of(data) == {family: _LINE}


@pytest.mark.parametrize(("data", "parts", "bars"), [case[1:] for case in LENGTHS], ids=[case[0] for case in LENGTHS])
def test_whole_loops(data: bytes, parts: Parts, bars: list[int]) -> None:
    assert (parts_of(data), [loop.bars for loop in loops_of(data)]) == (parts, bars)


@pytest.mark.parametrize(
    ("title", "pieces", "drum_map", "option"),
    [
        ("TD-17", {"hat": 22}, "general_midi", "auto"),
        ("EZdrummer", {"hat": 62}, "toontrack", "auto"),
        ("Superior Drummer 3", {"hat": 25}, "toontrack", "auto"),
        ("Addictive Drums 2", {"hat": 49}, "addictive_drums", "auto"),
        ("Kit", {"hat": 54}, "addictive_drums", "addictive_drums"),
        ("Alesis Nitro", {"hat": 23}, "alesis", "auto"),
        ("DTX502", {"hat": 86}, "yamaha_dtx", "auto"),
        ("DTXplorer", {"hat": 85, "kick": 33, "snare": 31}, "yamaha_dtx", "auto"),
    ],
)
def test_hats_are_found_by_the_map(title: str, pieces: dict[str, int], drum_map: str, option: str) -> None:
    (loop,) = loops_of(kit_file(title, **pieces), option)  # type: ignore[arg-type]
    assert (loop.drum_map, measure(loop)["hat_share"]) == (drum_map, pytest.approx(2 / 3))


def test_a_map_that_knows_every_note_is_found_though_general_midi_knows_most() -> None:
    """Superior Drummer's hats: edge 22, which a Roland has too, open 25 and pedal 21, which General MIDI lacks."""
    rows = [(on, length, 25 if pitch == 42 and on % BAR == 1680 else 22 if pitch == 42 else pitch)
            for on, length, pitch in kit()]  # fmt: skip
    rows += [(bar * BAR + 1200, 60, 21) for bar in range(4)]
    (loop,) = loops_of(song_of(notes(rows, named("Drums"), channel=9)))
    assert (loop.drum_map, measure(loop)["hat_share"]) == ("toontrack", pytest.approx(36 / 52))


def test_latin_percussion_is_no_other_map() -> None:
    """Cabasa, maracas, congas and claves beside a kick and a side stick are General MIDI's."""
    rows = [(step * 240, 60, pitch) for step in range(32) for pitch in (69, 62 + step % 3)]
    rows += [(beat * 480, 60, 36 if beat % 2 == 0 else 37) for beat in range(16)]
    song = read_song(song_of(notes(sorted(rows), named("Drum"), channel=9)), "x.mid")
    assert ([part.drum_map for part in song.parts], song.warnings) == (["general_midi"], ())
