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
SIDE_STICK, RIM, PEDAL_HAT = 37, 40, 44
"""General MIDI notes that are told apart within a role: the stick laid across the rim, a stroke on head and rim
together, and the hats closed by foot."""


@dataclass(frozen=True, slots=True)
class DrumMap:
    """One map; of each role the note that is usual comes first.

    `pattern` is looked for in a track's name without spaces; `pedals` are hats struck by foot, `side_sticks` and `rims`
    the snare's.
    """

    label: str
    pitches: Mapping[str, tuple[int, ...]]
    others: tuple[int, ...] = ()
    pedals: tuple[int, ...] = (PEDAL_HAT,)
    side_sticks: tuple[int, ...] = (SIDE_STICK,)
    rims: tuple[int, ...] = (RIM,)
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
        """The General MIDI Level 1 note to hear for each note that has a role, where it is another."""
        heard = {pitch: self._heard_as(pitch, role) for pitch, role in self.role_of_pitch.items()}
        return {pitch: note for pitch, note in heard.items() if note != pitch}

    def _heard_as(self, pitch: int, role: str) -> int:
        if pitch in self.side_sticks:
            return SIDE_STICK
        if pitch in self.rims:
            return RIM
        if role == "closed_hat" and pitch in self.pedals:
            return PEDAL_HAT
        at_home = _LEVEL_1.get(pitch) == role and pitch not in (SIDE_STICK, RIM, PEDAL_HAT)
        return pitch if at_home else _REPRESENTATIVE[role]

    def own_note(self, general: int) -> int:
        """What the map strikes for a General MIDI note: one heard as it, else one of its role, else the note itself."""
        roles = self.role_of_pitch
        if general in roles and self._heard_as(general, roles[general]) == general:
            return general
        same = [pitch for pitch, role in roles.items() if self._heard_as(pitch, role) == general]
        role = _LEVEL_1.get(general)
        return next(iter([*same, *(self.pitches[role] if role else ()), general]))


_GENERAL: dict[str, tuple[int, ...]] = {
    "kick": (36, 35),
    "snare": (38, 37, 39, 40),
    "closed_hat": (42, 22, 44),
    "open_hat": (46, 26),
    "low_tom": (43, 41, 58),
    "mid_tom": (47, 45),
    "high_tom": (50, 48),
    "crash": (49, 52, 55, 57),
    "ride": (51, 53, 59),
}
_LEVEL_1 = {pitch: role for role, notes in _GENERAL.items() for pitch in notes if pitch not in (22, 26, 58)}
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
    # 27 to 32 other cymbals; 66 to 71 a second, muted or rim snare; rims of the toms 73 to 82. What 39, 54 and 58 are
    # changes from library to library (ruff or claps, muted cymbals, tambourine or snaps).
    "toontrack": DrumMap(
        "EZdrummer / Superior Drummer",
        {
            "kick": (36, 34, 35),
            "snare": (38, 33, 37, 39, 40, *range(66, 72)),
            "closed_hat": (42, 19, 20, 21, 22, 44, 61, 62, 63, 64, 65),
            "open_hat": (46, 17, 23, 24, 25, 26, 60),
            "low_tom": (43, 41, 73, 74, 75),
            "mid_tom": (47, 45, 78, 79, 80),
            "high_tom": (50, 48, 81, 82),
            "crash": (49, 27, 28, 29, 30, 31, 32, 52, 54, 55, 57, 58),
            "ride": (51, 53, 59, 84),
        },
        (56, 76, 83, 85),
        pedals=(21, 23, 44),
        pattern=r"ezdrummer|superiordrummer|toontrack|\bezd\d*\b|ezx|\bsdx",
    ),
    # XLN Audio, "Addictive Drums 2 Keymap" (2021-06-02): hats 48 to 59, rides 60 to 62 and 84 to 86, toms 65 to 72 from
    # the lowest up, cymbals 46, 77, 79, 81, 89, 91, 93; of the snare 37, 39 and 41 are rimshots, 42 and 44 side stick
    # and rim click, 26 to 35 brushes. 3 to 9 play by controller. Chokes, the sticks (75) and the flexi pieces are no
    # role.
    "addictive_drums": DrumMap(
        "Addictive Drums",
        {
            "kick": (36,),
            "snare": (38, 37, 39, 40, 41, 42, 43, 44, 5, 6, 26, *range(28, 36)),
            "closed_hat": (49, 50, 51, 52, 53, 48, 7, 8, 9),
            "open_hat": (54, 55, 56, 57, 58, 59),
            "low_tom": (65, 66, 67, 68),
            "mid_tom": (69, 70),
            "high_tom": (71, 72),
            "crash": (77, 79, 81, 89, 91, 93, 46),
            "ride": (60, 61, 62, 84, 85, 86, 45, 3, 4),
        },
        (47, 63, 73, 74, 75, 76, 78, 80, 82, 87, 90, 92, 94, *range(96, 104)),
        pedals=(48, 59),
        side_sticks=(42, 44),
        rims=(37, 39, 41),
        pattern=r"addictivedrum|\bad2\b|xlnaudio",
    ),
    # Native Instruments Battery has no map of its own: each cell answers to the keys its kit gives it (manual of
    # Battery 4, "Key Range"). Its notes are read as General MIDI, and those that General MIDI does not know are said.
    "battery": DrumMap("Battery", _GENERAL, (*_GM_PERCUSSION, *_GM2_PERCUSSION), pattern=r"\bbattery\d*\b"),
    # Alesis Nitro, user guide 1.2, page 38: 23 half-open hi-hat, 21 splash by foot, rims 50, 47, 58 and 39. Command
    # and Crimson send the same without 23.
    "alesis": DrumMap(
        "Alesis",
        {
            **_GENERAL,
            "snare": (38, 37, 40),
            "open_hat": (46, 21, 23, 26),
            "low_tom": (43, 39, 41, 58),
        },
        _GM_PERCUSSION,
        pedals=(21, 44),
        pattern="alesis|nitromesh|strikepro|crimson(?:ii|mesh)",
    ),
    # Yamaha DTX502 Reference Manual, "MIDI Reference Material", page 11, kits 1 to 49: hi-hat edge 78 open and 79
    # closed, cup 85 and 86, splash by foot 83; ride 51 to 53; crash 49, 55, 59; snares off 31, with rims 34 and 27;
    # pads 57, 15, 16, 56. Kit 50 sends General MIDI. The DTXplorer's manual (page 31) adds kick 33, and
    # 85 as the splash. Newer modules (DTX-PRO) were not found in public text: their 77, 17 and 20 have no role.
    "yamaha_dtx": DrumMap(
        "Yamaha DTX",
        {
            **_GENERAL,
            "kick": (36, 33, 35),
            "snare": (38, 27, 31, 34, 37, 40),
            "closed_hat": (42, 44, 79, 86),
            "open_hat": (46, 78, 83, 85),
            "low_tom": (43, 41),
            "crash": (49, 55, 57, 59),
            "ride": (51, 52, 53),
        },
        (15, 16, 17, 20, 39, *(pitch for pitch in _GM_PERCUSSION if pitch not in (78, 79))),
        pedals=(44, 83),
        side_sticks=(37, 27),
        rims=(40, 34),
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

    General MIDI is kept unless it fails: notes it does not know have a place in the map that is named; or it finds next
    to no hats, and either another map is named, or it does not know what much of the notes are, or hears as hand
    percussion what keeps time beside a kick and a snare. Where it finds hats it gives way to a map that was not named
    only if that knows every note.
    """
    general = _heard(GENERAL_MIDI, pitch)
    # Most kits pass here.
    if general.hats >= _FEW and not general.unknown:
        return FoundMap(GENERAL_MIDI)
    named = named_map(names)
    if named not in (None, GENERAL_MIDI) and _heard(str(named), pitch).unknown < general.unknown:
        return FoundMap(str(named))
    if general.hats >= _FEW and general.unknown < _FEW:
        return FoundMap(GENERAL_MIDI)
    if named not in (None, GENERAL_MIDI) and general.hats < _FEW:
        heard = _heard(str(named), pitch)
        if heard.hats >= _FEW and heard.known >= _MOST:
            return FoundMap(str(named))
    strange = general.unknown >= _FEW or (general.time < _FEW and general.other >= _SOME)
    if strange and len(pitch) >= _FEWEST_NOTES:
        fitting = [name for name in DRUM_MAPS if name != GENERAL_MIDI and _fits(name, pitch, onset_tick)]
        if general.hats >= _FEW:
            fitting = [name for name in fitting if not _heard(name, pitch).unknown]
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

    unknown = float(count[sorted(set(range(128)) - one.known)].sum())
    hats, ride = share("closed_hat", "open_hat"), share("ride")
    other = 1.0 - share(*one.pitches)
    return _Heard(hats, hats + ride, share("kick"), share("snare"), other, unknown)


def _fits(name: str, pitch: NDArray[np.int32], onset_tick: NDArray[np.int32]) -> bool:
    """Whether nearly all notes have a role and the hats among them keep time over a kick and a snare."""
    heard = _heard(name, pitch)
    # A second snare where General MIDI has cabasa and maracas is no evidence: Latin kits play those beside congas.
    shaken = [note for note in DRUM_MAPS[name].pitches["snare"] if note in _GM_PERCUSSION]
    if (
        heard.other + float(np.isin(pitch, shaken).mean()) > 1.0 - _MOST
        or heard.hats < _SOME
        or not heard.kick
        or not heard.snare
    ):
        return False
    hats = [*DRUM_MAPS[name].pitches["closed_hat"], *DRUM_MAPS[name].pitches["open_hat"]]
    gaps = np.diff(np.unique(onset_tick[np.isin(pitch, hats)])).astype(np.float64)
    if not len(gaps):
        return False
    usual = float(np.median(gaps))
    return float((np.abs(gaps - usual) <= 0.2 * usual).mean()) >= _REGULAR
