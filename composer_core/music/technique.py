"""Playing techniques by instrument, and which of them a loop cannot have together.

The codes are those of assets/techniques.yaml (a test keeps the two equal). They are repeated
here so that a condition can refuse one without reading a file.
"""

from __future__ import annotations

from collections.abc import Sequence

from composer_core.errors import InvalidValue

TECHNIQUES: dict[str, tuple[str, ...]] = {
    "drums": (
        *("ghost", "flam", "drag", "roll", "rimshot", "cross_stick", "open_hat", "ride", "busy", "funky"),
        *("half_time", "fill"),
    ),
    "bass": (
        *("finger", "pick", "slap", "pop", "mute", "slide", "hammer_on", "pull_off", "fretless", "legato"),
        *("staccato", "walking"),
    ),
    "guitar": (
        *("down_stroke", "up_stroke", "strum", "arpeggio", "palm_mute", "harmonics", "bend", "slide"),
        *("hammer_on", "pull_off", "tremolo", "power_chord"),
    ),
    "piano": ("legato", "staccato", "arpeggio", "block_chord", "pedal", "comping", "octave"),
    "strings": (
        *("legato", "detache", "staccato", "spiccato", "pizzicato", "tremolo", "trill", "harmonic"),
        *("con_sordino", "marcato"),
    ),
}
_EXCLUSIVE = (
    ({"legato", "staccato"}, "notes are either joined or short"),
    ({"legato", "spiccato"}, "notes are either joined or bounced"),
    ({"pizzicato", "tremolo"}, "a plucked string is not bowed"),
    ({"pizzicato", "legato"}, "a plucked string is not bowed"),
    ({"pizzicato", "spiccato"}, "a plucked string is not bowed"),
    ({"pizzicato", "detache"}, "a plucked string is not bowed"),
    ({"finger", "pick"}, "one hand plays one way"),
    ({"finger", "slap"}, "one hand plays one way"),
    ({"pick", "slap"}, "one hand plays one way"),
    ({"mute", "legato"}, "muted notes do not ring into each other"),
    ({"palm_mute", "harmonics"}, "a muted string does not ring"),
)


def check_techniques(instrument: str, techniques: Sequence[str]) -> None:
    """Raise InvalidValue for a technique the instrument does not have, or two that exclude each other."""
    known = TECHNIQUES.get(instrument, ())
    for code in techniques:
        if code not in known:
            raise InvalidValue(
                "unknown_choice", name=f"technique for {instrument}", value=code, choices=", ".join(known)
            )
    for pair, reason in _EXCLUSIVE:
        if pair <= set(techniques):
            first, second = sorted(pair)
            raise InvalidValue("contradiction", first=first, second=second, reason=reason)


def parse_techniques(text: str) -> tuple[str, ...]:
    """Read 'ghost,ride' into sorted codes without repeats (checked where they are asked of an instrument)."""
    return tuple(sorted({word.strip() for word in text.split(",") if word.strip()}))
