"""Which note strikes what: the note maps of General MIDI, of drum modules and of drum samplers, in one table.

A map names the notes of the nine roles; `others` are notes it uses for something else (hand percussion, sticks,
chokes), so that a note in none of them is unknown to it. The files' notes stay as they are; a loop carries the name of
its map and what is measured reads the roles by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer_core.music.part_names import name_words

GENERAL_MIDI = "general_midi"
_REPRESENTATIVE = {
    "kick": 36,
    "snare": 38,
    "closed_hat": 42,
    "open_hat": 46,
    "low_tom": 43,
    "mid_tom": 47,
    "high_tom": 50,
    "crash": 49,
    "ride": 51,
}
"""The General MIDI note of each role."""


@dataclass(frozen=True, slots=True)
class DrumMap:
    """One map. `pattern` is looked for in a track's name without spaces; `pedals` are hats struck by foot."""

    label: str
    pitches: Mapping[str, tuple[int, ...]]
    others: tuple[int, ...] = ()
    pedals: tuple[int, ...] = (44,)
    side_sticks: tuple[int, ...] = (37,)
    pattern: str = ""

    @property
    def known(self) -> frozenset[int]:
        """Every note the map has a use for."""
        return frozenset(self.others).union(*self.pitches.values())

    @property
    def role_of_pitch(self) -> dict[int, str]:
        """The role of each note that has one."""
        return {pitch: role for role, pitches in self.pitches.items() for pitch in pitches}

    def general_midi(self) -> dict[int, int]:
        """The General MIDI note to hear for each of its notes that General MIDI gives another role."""
        usual = DRUM_MAPS[GENERAL_MIDI].role_of_pitch
        return {pitch: _REPRESENTATIVE[role] for pitch, role in self.role_of_pitch.items() if usual.get(pitch) != role}


_GENERAL: dict[str, tuple[int, ...]] = {
    "kick": (35, 36),
    "snare": (37, 38, 39, 40),
    "closed_hat": (22, 42, 44),
    "open_hat": (26, 46),
    "low_tom": (41, 43, 58),
    "mid_tom": (45, 47),
    "high_tom": (48, 50),
    "crash": (49, 52, 55, 57),
    "ride": (51, 53, 59),
}
_GM_PERCUSSION = (54, 56, *range(60, 82))
_GM2_PERCUSSION = (*range(27, 35), *range(82, 88))

DRUM_MAPS: dict[str, DrumMap] = {
    # General MIDI Level 1 percussion key map (35 to 81), and of Roland's TD-11 the notes that clash with nothing in it:
    # 22 and 26 hi-hat edge, 58 rim of the third tom (vibraslap in General MIDI, which no kit plays). The percussion of
    # Level 2 is known too, for files of Level 1 use it.
    GENERAL_MIDI: DrumMap("General MIDI", _GENERAL, (*_GM_PERCUSSION, *_GM2_PERCUSSION)),
    # General MIDI Level 2 (RP-024): 27 to 34 and 82 to 87 are effects and hand percussion.
    "gm2": DrumMap("General MIDI 2", _GENERAL, (*_GM_PERCUSSION, *_GM2_PERCUSSION), pattern="gm2|generalmidi2"),
    # Roland TD-11 and TD-17, "Default Factory MIDI Note Map": rims of the toms 50, 47, 58, auxiliary pads 27, 28.
    "roland_td": DrumMap(
        "Roland TD",
        _GENERAL,
        (*_GM_PERCUSSION, 27, 28),
        pattern=r"vdrums|rolandtd|\btd(?:1|4|6|9|11|12|15|17|20|25|27|30|50)k?",
    ),
    # Toontrack's layout of EZdrummer 2 and 3 and Superior Drummer 2 and 3, as their note lists name it: hats 22 closed
    # edge, 42 and 61 closed tip, 62 and 63 tight, 64 and 65 sequenced, 24 to 26, 60 and 17 open, 21 pedal, 23 splash;
    # 27 to 32 other cymbals; rims of the toms 73 to 82; 54 and 58 muted cymbals.
    "toontrack": DrumMap(
        "EZdrummer / Superior Drummer",
        {
            "kick": (34, 35, 36),
            "snare": (33, 37, 38, 39, 40),
            "closed_hat": (19, 20, 21, 22, 42, 44, 61, 62, 63, 64, 65),
            "open_hat": (17, 23, 24, 25, 26, 46, 60),
            "low_tom": (41, 43, 73, 74, 75),
            "mid_tom": (45, 47, 78, 80),
            "high_tom": (48, 50, 82),
            "crash": (27, 28, 29, 30, 31, 32, 49, 52, 54, 55, 57, 58),
            "ride": (51, 53, 59, 84),
        },
        (56, 76, 83, 85),
        pedals=(21, 23, 44),
        pattern=r"ezdrummer|superiordrummer|toontrack|\bezd\d*\b|ezx|\bsdx",
    ),
    # XLN Audio, "Addictive Drums 2 Keymap" (2021): hats 48 to 59, rides 60 to 62 and 84 to 86, toms 65 to 72 from the
    # lowest up, cymbals 46, 77, 79, 81, 89, 91, 93; 42 and 44 are the snare's side stick and rim click. Chokes, the
    # sticks (75) and the flexi pieces are no role.
    "addictive_drums": DrumMap(
        "Addictive Drums",
        {
            "kick": (36,),
            "snare": (26, 28, 29, 30, 31, 32, 33, 34, 35, 37, 38, 39, 40, 41, 42, 43, 44),
            "closed_hat": (7, 8, 9, 48, 49, 50, 51, 52, 53),
            "open_hat": (54, 55, 56, 57, 58, 59),
            "low_tom": (65, 66, 67, 68),
            "mid_tom": (69, 70),
            "high_tom": (71, 72),
            "crash": (46, 77, 79, 81, 89, 91, 93),
            "ride": (45, 60, 61, 62, 84, 85, 86),
        },
        (47, 63, 73, 74, 75, 76, 78, 80, 82, 87, 90, 92, 94, *range(96, 104)),
        pedals=(48, 59),
        side_sticks=(42, 44),
        pattern=r"addictivedrum|\bad2\b|xlnaudio",
    ),
    # Native Instruments Battery: the factory kits lie on General MIDI's notes from C1 (36) up. What a user lays on the
    # cells of a kit of his own cannot be known.
    "battery": DrumMap("Battery", _GENERAL, (*_GM_PERCUSSION, *_GM2_PERCUSSION), pattern=r"\bbattery\d*\b"),
    # Alesis Nitro, user guide 1.2, page 38: 23 half-open hi-hat, 21 splash by foot, rims 50, 47, 58 and 39.
    "alesis": DrumMap(
        "Alesis",
        {
            **_GENERAL,
            "snare": (37, 38, 40),
            "open_hat": (21, 23, 26, 46),
            "low_tom": (39, 41, 43, 58),
        },
        _GM_PERCUSSION,
        pedals=(21, 44),
        pattern="alesis|nitromesh|strikepro|crimson(?:ii|mesh)",
    ),
    # Yamaha DTX, data lists of the DTX502 and DTX-PRO: hi-hat edge 78 open and 77, 79 closed, 83 splash by foot; ride
    # 51 to 53; the second crash 57, 16, 17, 20, the first 49, 55, 59.
    "yamaha_dtx": DrumMap(
        "Yamaha DTX",
        {
            **_GENERAL,
            "snare": (37, 38, 40),
            "closed_hat": (42, 44, 77, 79),
            "open_hat": (46, 78, 83),
            "low_tom": (41, 43),
            "crash": (16, 17, 20, 49, 55, 57, 59),
            "ride": (51, 52, 53),
        },
        (39, *(pitch for pitch in _GM_PERCUSSION if pitch not in (77, 78, 79))),
        pedals=(44, 83),
        pattern=r"\bdtx|yamahadtx",
    ),
}
MAP_NAMES = tuple(DRUM_MAPS)
AUTOMATIC = "auto"
_FEWEST_NOTES = 8
_FEW, _SOME, _MOST = 0.1, 0.2, 0.9
_REGULAR = 0.5


class FoundMap(NamedTuple):
    """A map for a kit's notes: `guessed` where only the notes speak for it, `unknown_share` of notes nobody knows."""

    name: str
    guessed: bool = False
    unknown_share: float = 0.0


def find_drum_map(pitch: NDArray[np.int32], onset_tick: NDArray[np.int32], names: Iterable[str] = ()) -> FoundMap:
    """The map a kit's notes (and the names of its tracks) speak for.

    General MIDI is kept unless it fails: it finds next to no hats, and either another map is named, or it does not
    know what much of the notes are, or hears as hand percussion what keeps time beside a kick and a snare.
    """
    general = _heard(GENERAL_MIDI, pitch)
    # Most kits pass here.
    if general.hats >= _FEW and general.unknown < _SOME:
        return FoundMap(GENERAL_MIDI)
    named = named_map(names)
    if named not in (None, GENERAL_MIDI) and general.hats < _FEW:
        heard = _heard(str(named), pitch)
        if heard.hats >= _FEW and heard.known >= _MOST:
            return FoundMap(str(named))
    strange = general.unknown >= _FEW or (general.time < _FEW and general.other >= _SOME)
    if strange and len(pitch) >= _FEWEST_NOTES:
        fitting = [name for name in DRUM_MAPS if name != GENERAL_MIDI and _fits(name, pitch, onset_tick)]
        if fitting:
            return FoundMap(max(fitting, key=lambda name: _heard(name, pitch).hats), guessed=True)
    unknown = general.unknown if named is None else _heard(named, pitch).unknown
    return FoundMap(named or GENERAL_MIDI, unknown_share=unknown if unknown >= _SOME else 0.0)


def named_map(names: Iterable[str]) -> str | None:
    """The map a track's name speaks of, None where it speaks of none."""
    for name in names:
        words = name_words(name)
        for text in ("".join(words), " ".join(words)):
            for known, one in DRUM_MAPS.items():
                if one.pattern and re.search(one.pattern, text):
                    return known
    return None


class _Heard(NamedTuple):
    """Shares of the notes: hats, hats and ride, kick, snare, of no role, and not even known; `known` is the rest."""

    hats: float
    time: float
    kick: float
    snare: float
    other: float
    unknown: float

    @property
    def known(self) -> float:
        return 1.0 - self.unknown


def _heard(name: str, pitch: NDArray[np.int32]) -> _Heard:
    if not len(pitch):
        return _Heard(1.0, 1.0, 0.0, 0.0, 0.0, 0.0)
    count = np.bincount(pitch, minlength=128) / len(pitch)
    one = DRUM_MAPS[name]

    def share(*roles: str) -> float:
        return float(sum(count[list(one.pitches[role])].sum() for role in roles))

    unknown = 1.0 - float(count[sorted(one.known)].sum())
    hats, ride = share("closed_hat", "open_hat"), share("ride")
    other = 1.0 - share(*one.pitches)
    return _Heard(hats, hats + ride, share("kick"), share("snare"), other, unknown)


def _fits(name: str, pitch: NDArray[np.int32], onset_tick: NDArray[np.int32]) -> bool:
    """Whether nearly all notes have a role and the hats among them keep time over a kick and a snare."""
    heard = _heard(name, pitch)
    if heard.other > 1.0 - _MOST or heard.hats < _SOME or not heard.kick or not heard.snare:
        return False
    hats = [*DRUM_MAPS[name].pitches["closed_hat"], *DRUM_MAPS[name].pitches["open_hat"]]
    gaps = np.diff(np.unique(onset_tick[np.isin(pitch, hats)])).astype(np.float64)
    if not len(gaps):
        return False
    usual = float(np.median(gaps))
    return float((np.abs(gaps - usual) <= 0.2 * usual).mean()) >= _REGULAR
