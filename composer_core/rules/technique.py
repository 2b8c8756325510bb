"""Render playing techniques on notes: as program, duration, velocity, ornament, order of strokes or bend.

A technique that changes what is composed (fills, walking bass, comping) is a condition of the
generator and not a rule: `render_technique` refuses it with this reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from composer_core.errors import InvalidValue, require_choice
from composer_core.music.loop import Loop
from composer_core.rules import technique_drums as drums
from composer_core.rules import technique_pitched as pitched
from composer_core.rules.pitch import fit_range

TechniqueRule = Callable[[Loop], Loop]

RENDERED: dict[str, dict[str, TechniqueRule]] = {
    "drums": drums.RENDERED,
    "bass": pitched.BASS,
    "guitar": pitched.GUITAR,
    "piano": pitched.PIANO,
    "strings": pitched.STRINGS,
}
"""Techniques a rule can render, by instrument and code of assets/techniques.yaml."""
COMPOSED: dict[str, tuple[str, ...]] = {
    "drums": ("busy", "funky", "fill"),
    "bass": ("walking",),
    "guitar": (),
    "piano": ("comping",),
    "strings": (),
}
"""Techniques that only a generator can bring, since they ask for other notes."""


def render_technique(loop: Loop, code: str) -> Loop:
    """The loop played with a technique of its instrument.

    Raises InvalidValue for a technique the instrument does not have, and for one that needs other notes.
    """
    require_choice("instrument with techniques", loop.instrument, tuple(RENDERED))
    known = (*RENDERED[loop.instrument], *COMPOSED[loop.instrument])
    require_choice(f"technique of {loop.instrument}", code, known)
    if code in COMPOSED[loop.instrument]:
        raise InvalidValue(
            "contradiction",
            first=f"technique {code}",
            second="a rule",
            reason="it needs other notes; ask the generator for it",
        )
    return RENDERED[loop.instrument][code](loop) if len(loop.notes) else loop


def with_techniques(loop: Loop, codes: Iterable[str]) -> Loop:
    """The loop played with those of the techniques a rule can render; what leaves the range is folded in by octaves."""
    rendered = [code for code in codes if code in RENDERED[loop.instrument]]
    for code in rendered:
        loop = render_technique(loop, code)
    return fit_range(loop) if rendered else loop
