"""MIDI files as people have them: small songs whose programs, kits, names and ends lie where sequencers put them.

`CASES` are (kind, title, bytes, loops of 4 bars as (instrument, start bar, bars, notes), sorted).
"""

from __future__ import annotations

from collections.abc import Sequence

import smf
from wild_songs import (
    BAR,
    GS_RESET,
    HAT,
    KICK,
    SNARE,
    XG_ON,
    Rows,
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
    song,
    sounding,
)

Loops = list[tuple[str, int, int, int]]
_JAPANESE = "cp932"


def _program_cases() -> list[tuple[str, bytes, Loops]]:
    program, notes = smf.program, smf.notes
    bass, strings, late = ("bass", 0, 4, 32), ("strings", 0, 4, 12), smf.track((60, program(33, 2)))
    setup = smf.track((0, port(0)), (0, program(33, 0)), (0, port(1)), (0, program(48, 0)))
    change = smf.track((0, program(48, 5)), (2 * BAR, program(0, 5)))
    several = [(0, named("Piano Party")), (0, program(33, 0)), (0, program(48, 2))]
    several += sounding((line(), 0), (line(low=60), 1), (chords(), 2), (kit(), 9))
    return [
        (
            "a set-up track",
            smf.smf(notes([], program(33, 0), program(48, 1)), notes(line()), notes(chords(), channel=1)),
            [bass, strings],
        ),
        (
            "a set-up track at 96 a quarter, channels 4 and 5",
            smf.smf(
                notes([], program(33, 3), program(48, 4)),
                notes(line(96), channel=3),
                notes(chords(96), channel=4),
                resolution=96,
            ),
            [bass, strings],
        ),
        (
            "a set-up track that comes last",
            song(notes(line()), notes(line(low=64), channel=1), smf.track((0, program(34, 0)), (0, program(27, 1)))),
            [bass, ("guitar", 0, 4, 32)],
        ),
        (
            "type 0 with four channels",
            smf.smf(at_ticks(several), kind=0),
            [bass, ("piano", 0, 4, 32), strings, ("drums", 0, 4, 48)],
        ),
        ("60 ticks late in another track", song(notes(line(), channel=2), late), [bass]),
        (
            "just under an eighth late at 960",
            song(notes(line(960), channel=2), smf.track((470, program(33, 2))), resolution=960),
            [bass],
        ),
        (
            "a change in bar 3 shifts no window",
            song(notes(kit(bars=8), channel=9), notes(chords(bars=8), channel=5), change),
            [("drums", 0, 4, 48), ("drums", 4, 4, 48), ("piano", 0, 4, 6), ("piano", 4, 4, 12), ("strings", 0, 4, 6)],
        ),
        (
            "the same channel on two ports",
            song(setup, notes(line(), port(0)), notes(chords(), port(1))),
            [bass, strings],
        ),
        (
            "an organ on two staves",
            song(notes(line(low=72), named("Organ"), program(19)), notes(chords(), named("Organ"))),
            [("other", 0, 4, 44)],
        ),
        (
            "a piano on two staves at 384",
            song(
                notes(line(384, low=72), named("Klavier"), program(0, 4), channel=4),
                notes(chords(384), named("Klavier"), channel=4),
                resolution=384,
            ),
            [("piano", 0, 4, 44)],
        ),
        (
            "a guitar on two staves of other names",
            song(
                notes(line(low=64), named("Staff 1"), program(25, 1), channel=1),
                notes(chords(), named("Staff 2"), channel=1),
            ),
            [("guitar", 0, 4, 44)],
        ),
        (
            "the lower staff sets the program",
            song(notes(line(low=72), channel=6), notes(chords(), program(48, 6), channel=6)),
            [("strings", 0, 4, 44)],
        ),
        (
            "all on channel 1, each its own program",
            song(
                notes(line(), named("A"), program(33)),
                notes(chords(), named("B"), program(48)),
                notes(line(low=70), named("C"), program(0)),
            ),
            [bass, strings, ("piano", 0, 4, 32)],
        ),
        (
            "all on channel 1, named",
            song(notes(line(), named("Bass")), notes(chords(), named("Strings"))),
            [bass, strings],
        ),
        (
            "a program struck off within an eighth is not late",
            song(
                at_ticks(
                    [
                        (0, program(33)),
                        (0, smf.on(40)),
                        (240, smf.off(40)),
                        (240, program(25)),
                        *sounding((line(low=52, at=BAR, bars=3), 0)),
                    ]
                )
            ),
            [("bass", 0, 4, 1), ("guitar", 0, 4, 24)],
        ),
    ]


def _drum_cases() -> list[tuple[str, bytes, Loops]]:
    program, notes, drums = smf.program, smf.notes, [("drums", 0, 4, 48)]
    cases = [
        ("XG bank 127 on channel 11", song(notes(kit(), control(0, 127, 10), program(0, 10), channel=10)), drums),
        (
            "XG bank 127 on channel 1 at 96",
            smf.smf(
                notes([], exclusive(*XG_ON)), notes(kit(96), control(0, 127, 0), program(0), channel=0), resolution=96
            ),
            drums,
        ),
        ("XG bank 126 on channel 12", song(notes(kit(), control(0, 126, 11), program(1, 11), channel=11)), drums),
        ("XG part mode", song(smf.track((0, exclusive(0x43, 0x10, 0x4C, 8, 4, 7, 1))), notes(kit(), channel=4)), drums),
        (
            "bank 127 after a GS reset is the MT-32's",
            song(smf.track((0, exclusive(*GS_RESET))), notes(line(), control(0, 127, 2), program(33, 2), channel=2)),
            [("bass", 0, 4, 32)],
        ),
        ("GM2 bank 120 on channel 5", song(notes(kit(), control(0, 120, 4), program(8, 4), channel=4)), drums),
        (
            "GM2 bank 121 on channel 5",
            song(notes(line(), control(0, 121, 4), program(33, 4), channel=4)),
            [("bass", 0, 4, 32)],
        ),
        (
            "GM2 bank 121 on channel 10",
            song(notes(line(), control(0, 121, 9), program(33, 9), channel=9)),
            [("bass", 0, 4, 32)],
        ),
        ("GS rhythm on channel 11, late", song(smf.track((60, gs_rhythm(10, 2))), notes(kit(), channel=10)), drums),
        (
            "GS rhythm on channel 1",
            song(smf.track((0, exclusive(*GS_RESET)), (0, gs_rhythm(1, 1))), notes(kit())),
            drums,
        ),
        (
            "GS rhythm on channel 16, with a bank",
            song(smf.track((0, gs_rhythm(15, 2))), notes(kit(), control(0, 0, 15), program(25, 15), channel=15)),
            drums,
        ),
        (
            "GS makes channel 10 melodic",
            song(smf.track((0, gs_rhythm(0, 0))), notes(line(), program(33, 9), channel=9)),
            [("bass", 0, 4, 32)],
        ),
        (
            "the bank in another track",
            smf.smf(smf.track((0, control(0, 127, 3))), notes(kit(), program(16, 3), channel=3)),
            drums,
        ),
        (
            "a bank by running status",
            song(smf.track((0, control(7, 100, 3)), (0, b"\x00\x7f")), notes(kit(), program(0, 3), channel=3)),
            drums,
        ),
        ("channel 10 named Piano", song(notes(kit(), named("Grand Piano"), channel=9)), drums),
    ]
    words = ("Drums", "Schlagzeug", "Batería", "Batterie", "Batteria", "Perkussion", "Percussions")
    cases += [(word, song(notes(kit(), named(word), program(0, 3), channel=3)), drums) for word in words]
    words = ("ﾄﾞﾗﾑ", "ドラムス", "打楽器")
    cases += [
        (word, song(notes(kit(), named(word, encoding=_JAPANESE), program(0), channel=0)), drums) for word in words
    ]
    return cases


def _sampler_cases() -> list[tuple[str, bytes, Loops]]:
    names = (
        "EZdrummer 3",
        "Superior Drummer 3",
        "AddictiveDrums2",
        "Battery 4",
        "BFD3",
        "SSD5.5",
        "Steven Slate Drums",
        "GGD Modern Massive",
        "GetGood Drums",
        "Drum Kit Designer",
        "Ultrabeat",
        "MODO DRUM 1.5",
        "PerfectDrums",
        "GrooveAgentSE",
        "Toontrack solo",
        "Drumagog",
        "DR-008",
        "TR-808",
        "Kick",
        "KICK_IN 01",
        "Snr Top",
        "HH",
    )
    drums: Loops = [("drums", 0, 4, 48)]
    cases = [(name, song(smf.notes(kit(), named(name))), drums) for name in names]
    pieces: tuple[tuple[Sequence[str], Sequence[int]], ...] = (
        (("Kick", "Snare", "Hi-Hat"), (0, 0, 0)),
        (("Bassdrum", "Kleine Trommel", "Becken"), (0, 0, 0)),
        (("Grosse caisse", "Caisse claire", "Charleston"), (0, 0, 0)),
        (("Bombo", "Caja", "Platillos"), (0, 1, 2)),
        (("Grancassa", "Rullante", "Piatti"), (3, 4, 5)),
        (("BD_01", "SD_01", "HH_01"), (0, 1, 2)),
        (("バスドラ", "スネア", "ハイハット"), (0, 1, 2)),
        (("ｷｯｸ", "ｽﾈｱ", "ﾊｲﾊｯﾄ"), (0, 1, 2)),
    )
    for names, channels in pieces:
        encoding = "utf-8" if names[0].isascii() else _JAPANESE
        tracks = [
            smf.notes([row for row in kit() if row[2] == pitch], named(name, encoding=encoding), channel=channel)
            for pitch, name, channel in zip((KICK, SNARE, HAT), names, channels, strict=True)
        ]
        cases.append((", ".join(names), song(*tracks), drums))
    beats = smf.notes([row for row in kit() if row[2] != KICK], named("Snare + Hats"))
    kick = smf.notes([row for row in kit() if row[2] == KICK], named("Kick"))
    cases.append(
        (
            "pieces beside an 808 Bass",
            song(kick, beats, smf.notes(line(), named("808 Bass"))),
            [("bass", 0, 4, 32), *drums],
        )
    )
    return cases


_NAMES = {
    "bass": "BASS_01|E_Bass_2|ElecBass1|SynthBass|Basse|Bajo|Basso elettrico|ﾍﾞｰｽ|エレキベース|Slap Bass|BassLoop02|"
    "Fingered Bs.|Kick Bass|String Bass",
    "guitar": "アコギ|AcousticGtr2|Gitarre|Guitarra española|Chitarra|Guitare|エレキギター|ｷﾞﾀｰ|E-Gitarre|LeadGuitar_L|"
    "アコースティックギター|12-String Guitar|Guitar (bass clef)",
    "strings": "Streicher|Cordes|Archi|Violons I|Geigen|弦楽|ストリングス|Cuerdas|ViolinsLegato|Bratsche|ヴァイオリン|"
    "Violonchelo|Pad Strings",
    "piano": "Klavier|ピアノ|GrandPiano_1|Pianoforte|E.Piano|Melody|P0a918a75559b024b9472c3a88bd8bd4d|"
    "P839d9ec5b59f8aac65a394c50cd7bfd5",
    "other": "Bassoon|Bass Clarinet|Flöte|Trompete|Steel Drums|オルガン",
}


def _name_cases() -> list[tuple[str, bytes, Loops]]:
    cases: list[tuple[str, bytes, Loops]] = []
    for family, words in _NAMES.items():
        for word in words.split("|"):
            encoding = _JAPANESE if any(letter > "\u3000" for letter in word) else "utf-8"
            data = song(smf.notes(line(low=52), named(word, encoding=encoding), channel=1))
            cases.append((word, data, [(family, 0, 4, 32)]))
    for word, program, family in (("Bass", 48, "strings"), ("Drums", 33, "bass"), ("Steel Drums", 114, "other")):
        data = song(smf.notes(line(low=52), named(word), smf.program(program, 2), channel=2))
        cases.append((f"{word} with program {program}", data, [(family, 0, 4, 32)]))
    drum = smf.notes([row for row in kit() if row[2] == KICK], named("Bass Drum"), channel=2)
    return [*cases, ("Bass Drum", song(drum), [("drums", 0, 4, 8)])]


def _title_cases() -> list[tuple[str, bytes, Loops]]:
    piano: Loops = [("piano", 0, 4, 32)]
    bass_party = [(0, named("All Night Bass Party")), (0, smf.program(0)), *sounding((line(low=60), 0))]
    japanese = [(0, named("ギターの歌", encoding=_JAPANESE)), *sounding((line(low=60), 0))]
    anthem = [(0, named("Drum and Bass Anthem")), (0, smf.program(0)), *sounding((line(low=60), 0))]
    plain = [(0, named("Bass")), *sounding((line(), 0))]
    war = named("Drums of War")
    return [
        ("All Night Bass Party, type 0", smf.smf(at_ticks(bass_party), kind=0), piano),
        ("ギターの歌, type 0", smf.smf(at_ticks(japanese), kind=0), piano),
        ("Drum and Bass Anthem, type 0", smf.smf(at_ticks(anthem), kind=0), piano),
        ("Bass and nothing else, type 0", smf.smf(at_ticks(plain), kind=0), [("bass", 0, 4, 32)]),
        ("a title before the tracks", smf.smf(smf.track((0, war)), smf.notes(line(low=60))), piano),
        ("a title on every track", smf.smf(smf.track((0, war)), smf.notes(line(low=60), war, smf.program(0))), piano),
    ]


def _loop_cases() -> list[tuple[str, bytes, Loops]]:
    notes, program = smf.notes, smf.program
    drums, two = [("drums", 0, 4, 36)], [("drums", 0, 4, 48), ("drums", 4, 4, 48)]
    pad: Rows = [(0, 8 * BAR, 48), (0, 8 * BAR, 55)]
    tied = [*line(bars=3), (3 * BAR, 3 * BAR, 40), *line(bars=2, at=6 * BAR)]
    waltz = [(bar * 1440 + beat * 480, 200, 60 + beat) for bar in range(3) for beat in range(3)]
    return [
        ("a bar of rest at the end, 96", song(ends_at(kit(96, 3), 1536, channel=9), resolution=96), drums),
        (
            "two bars of rest by a track without notes",
            song(notes(kit(bars=2), channel=9), ends_at([], 4 * BAR)),
            [("drums", 0, 4, 24)],
        ),
        (
            "a part shorter than its song",
            song(notes(kit(), channel=9), notes(line(bars=2), program(33))),
            [("bass", 0, 4, 16), ("drums", 0, 4, 48)],
        ),
        ("End of Track a tick early", song(ends_at(kit(bars=3), 4 * BAR - 1, channel=9)), drums),
        ("End of Track a tick late at 960", song(ends_at(kit(960, 3), 8 * BAR + 1, channel=9), resolution=960), drums),
        ("a bar of rest in 3/4", smf.smf(notes([], smf.meter(3, 2)), ends_at(waltz, 4 * 1440)), [("piano", 0, 4, 9)]),
        ("End of Track 60 bars later", song(ends_at(kit(), 64 * BAR, channel=9)), [("drums", 0, 4, 48)]),
        (
            "a release over the line",
            song(ends_at([*chords(bars=3), (3 * BAR, BAR + 100, 60)], 4 * BAR + 100)),
            [("piano", 0, 4, 10)],
        ),
        (
            "a pad held over two windows",
            song(notes(kit(bars=8), channel=9), notes(pad, named("Pad"), program(89, 3), channel=3)),
            [*two, ("other", 0, 4, 2), ("other", 4, 4, 2)],
        ),
        (
            "a note tied into a window",
            song(notes(kit(bars=8), channel=9), notes(tied, program(33))),
            [("bass", 0, 4, 25), ("bass", 4, 4, 17), *two],
        ),
        (
            "a set-up bar",
            song(notes(kit(bars=8, at=BAR), channel=9), notes(line(bars=8, at=BAR), program(33))),
            [("bass", 1, 4, 32), ("bass", 5, 4, 32), ("drums", 1, 4, 48), ("drums", 5, 4, 48)],
        ),
        ("exported from bar 17", song(notes(kit(96, at=16 * 384), channel=9), resolution=96), [("drums", 16, 4, 48)]),
        (
            "a bass that enters in bar 3",
            song(notes(kit(bars=8), channel=9), notes(line(bars=6, at=2 * BAR), program(33))),
            [("bass", 0, 4, 16), ("bass", 4, 4, 32), *two],
        ),
        (
            "a pickup in the first bar",
            song(notes([(1440, 240, 60), (1680, 240, 62), *line(low=60, at=BAR, bars=3)])),
            [("piano", 0, 4, 26)],
        ),
        ("a kit written twice", song(notes(kit(), channel=9), notes(kit(), channel=9)), [("drums", 0, 4, 48)]),
        (
            "an early downbeat at the end, End of Track a tick late",
            song(ends_at([*kit(), (4 * BAR - 15, 10, KICK)], 4 * BAR + 1, channel=9)),
            [("drums", 0, 4, 49)],
        ),
    ]


_KINDS = {
    "program": _program_cases,
    "drums": _drum_cases,
    "sampler": _sampler_cases,
    "name": _name_cases,
    "title": _title_cases,
    "whole loop": _loop_cases,
}
CASES = [(kind, title, data, sorted(loops)) for kind, cases in _KINDS.items() for title, data, loops in cases()]
