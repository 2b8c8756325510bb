"""The closed sets of label codes that are music theory, not taste: keys, modes, swing, tempo, feel."""

from __future__ import annotations

import re

from composer_core.errors import InvalidValue
from composer_core.music.timing import TICKS_PER_QUARTER, Meter

KEY_ROOTS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
KEY_MODES = ("major", "minor", "dorian", "phrygian", "lydian", "mixolydian", "locrian")
SWING_PHASES = ("straight", "swing_8", "swing_16", "triplet")
TEMPO_BUCKETS = ("slow", "medium", "fast")
FEELS = ("on_beat", "off_beat")
SECTIONS = ("intro", "verse", "pre_chorus", "chorus", "bridge", "break", "fill", "solo", "outro")
"""What a loop is for in a song."""
INTENSITIES = ("low", "medium", "high")
LICENSES = ("user_owned", "public_domain", "cc", "restricted", "research_only")
"""Where a loop comes from, as far as its use goes."""

SLOW_BELOW_BPM, FAST_ABOVE_BPM = 90.0, 130.0
_NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}
_KEY = re.compile(r"\s*([A-Ga-g])([#♯b♭]?)\s*[:_ -]?\s*([A-Za-z]*)\s*")
_MODE_WORDS = {"": "major", "maj": "major", "M": "major", "min": "minor", "m": "minor", "aeolian": "minor",
               "ionian": "major"}  # fmt: skip


def tempo_bucket(tempo_bpm: float, meter: Meter) -> str:
    """slow below 90, medium to 130, fast above, in beats a minute of the metre.

    `tempo_bpm` counts quarters; a compound metre (6/8) beats in dotted quarters, so 120
    quarters a minute there are 80 beats: slow.
    """
    beats = tempo_bpm * TICKS_PER_QUARTER / meter.beat_tick if meter.compound else tempo_bpm
    if beats < SLOW_BELOW_BPM:
        return "slow"
    return "fast" if beats > FAST_ABOVE_BPM else "medium"


def parse_root(text: str) -> str:
    """A root out of KEY_ROOTS for 'Db', 'c#', 'F♯'; InvalidValue otherwise."""
    match = re.fullmatch(r"\s*([A-Ga-g])([#♯b♭]?)\s*", text)
    if match is None:
        raise InvalidValue("unknown_choice", name="key_root", value=text, choices=", ".join(KEY_ROOTS))
    return KEY_ROOTS[(_NATURALS[match[1].upper()] + _ACCIDENTALS[match[2]]) % 12]


def parse_key(text: str) -> tuple[str, str]:
    """(root, mode) of 'Gb:maj', 'F# minor', 'Am', 'c major', 'D dorian'; InvalidValue otherwise.

    A root alone is major, as on lead sheets.
    """
    match = _KEY.fullmatch(text)
    word = "" if match is None else match[3]
    mode = _MODE_WORDS.get(word) or _MODE_WORDS.get(word.lower()) or word.lower()
    if match is None or mode not in KEY_MODES:
        raise InvalidValue("bad_format", name="key", value=text, expected="a key such as F# minor, Gb:maj or Am")
    return parse_root(match[1] + match[2]), mode
