"""What the parts of a song share: the key and the chord of every bar, found on all pitched parts together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from composer_core.music.chords import Chord, chords_of, pitch_class_weights
from composer_core.music.key import Key
from composer_core.music.key_finding import keys_of_bars
from composer_core.music.loop import Loop


@dataclass(frozen=True, slots=True)
class Harmony:
    """Key and chord (None: none was heard) of each bar of a stretch of a song."""

    keys: tuple[Key, ...]
    chords: tuple[Chord | None, ...]

    def key_of(self, start: int, bars: int) -> Key:
        """The key most of these bars are in, the earlier where two are as many."""
        return Counter(self.keys[start : start + bars]).most_common(1)[0][0]


def stretch_of(loop: Loop) -> tuple[str, int]:
    """What parts that sound together have in common: their song and where they begin in it."""
    return loop.source, loop.start_bar


def harmonies(loops: Sequence[Loop]) -> dict[tuple[str, int], Harmony]:
    """The harmony of every stretch, from all pitched loops of it (drums are left out)."""
    together: dict[tuple[str, int], list[Loop]] = defaultdict(list)
    for loop in loops:
        if not loop.is_drums and len(loop.notes):
            together[stretch_of(loop)].append(loop)
    return {stretch: _harmony(parts) for stretch, parts in together.items()}


def _harmony(parts: Sequence[Loop]) -> Harmony:
    bars, bar_tick = max(part.bars for part in parts), parts[0].meter.bar_tick
    weight = np.zeros((bars, 12))
    for part in parts:
        weight += pitch_class_weights(part.notes, bars, bar_tick)[0]
    keys = keys_of_bars(weight)
    return Harmony(tuple(keys), tuple(chords_of([part.notes for part in parts], bars, bar_tick)))
