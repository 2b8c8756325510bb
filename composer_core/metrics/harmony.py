"""Find the chord of each bar: pitch classes weighted by time, compared with chord templates.

Templates are compared relative to the bar's lowest note. Therefore, transposing a loop
transposes its chords and changes nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from composer_core.metrics.grid import FloatArray, IndexArray
from composer_core.metrics.voices import Voices
from composer_core.music.key import ROOT_NAMES

QUALITIES: dict[str, tuple[int, ...]] = {
    "1": (0,), "5": (0, 7), "maj": (0, 4, 7), "min": (0, 3, 7), "sus4": (0, 5, 7), "sus2": (0, 2, 7), "dim": (0, 3, 6),
    "aug": (0, 4, 8), "7": (0, 4, 7, 10), "maj7": (0, 4, 7, 11), "min7": (0, 3, 7, 10), "maj6": (0, 4, 7, 9),
    "min6": (0, 3, 7, 9), "hdim7": (0, 3, 6, 10), "dim7": (0, 3, 6, 9), "minmaj7": (0, 3, 7, 11),
}  # fmt: skip
"""Chord qualities in the words of Harte et al. 2005, by their intervals; "1" is a lone root."""
NO_CHORD = "N"
_FULL_SHARE, _MISSING, _BASS_BONUS = 0.5, 1.5, 0.4
_SLIVER = 1 / 32
"""Shorter than this part of a bar, a low note is no bass."""
_TEMPLATES = np.zeros((12 * len(QUALITIES), 12))
for _index, _intervals in enumerate(QUALITIES.values()):
    for _root in range(12):
        _TEMPLATES[_root * len(QUALITIES) + _index, [(_root + i) % 12 for i in _intervals]] = 1.0
_CONSTANT = _MISSING * _TEMPLATES.sum(axis=1)
_CONSTANT[: len(QUALITIES)] -= _BASS_BONUS


@dataclass(frozen=True, slots=True)
class Chords:
    """The chord of each bar: root (0 to 11, -1 without notes), index into QUALITIES, share of sounding time inside."""

    root: IndexArray
    quality: IndexArray
    inside: float

    def names(self) -> list[str]:
        """One name a bar, such as "C:maj", "N" for a silent bar."""
        qualities = list(QUALITIES)
        return [
            NO_CHORD if root < 0 else f"{ROOT_NAMES[root]}:{qualities[quality]}"
            for root, quality in zip(self.root.tolist(), self.quality.tolist(), strict=True)
        ]


class LoopHarmony:
    """Pitch classes over the bars of a loop."""

    def __init__(self, voices: Voices, bars: int, bar_tick: int) -> None:
        self._voices, self._bars, self._bar_tick = voices, bars, bar_tick

    @cached_property
    def _pieces(self) -> tuple[IndexArray, IndexArray, FloatArray]:
        """Notes cut at the bar lines: note, bar and ticks of each piece."""
        start = self._voices.start % self._voices.length_tick
        end = start + self._voices.sounding_tick
        first = np.floor(start / self._bar_tick).astype(np.int64)
        count = np.maximum(np.ceil(end / self._bar_tick).astype(np.int64) - first, 1)
        note = np.repeat(np.arange(len(start)), count)
        bar = first[note] + np.arange(len(note)) - np.repeat(np.cumsum(count) - count, count)
        ticks = np.minimum(end[note], (bar + 1) * self._bar_tick) - np.maximum(start[note], bar * self._bar_tick)
        return note, bar % self._bars, ticks

    @cached_property
    def bar_chroma(self) -> FloatArray:
        """Ticks each pitch class sounds in each bar. Shape (bars, 12)."""
        note, bar, ticks = self._pieces
        code = bar * 12 + self._voices.pitch[note] % 12
        counted = np.bincount(code, weights=ticks, minlength=12 * self._bars)
        return np.asarray(counted, dtype=np.float64).reshape(self._bars, 12)

    @cached_property
    def chroma(self) -> FloatArray:
        """Ticks each pitch class sounds in the loop. Shape (12,)."""
        chroma: FloatArray = self.bar_chroma.sum(axis=0)
        return chroma

    @cached_property
    def bass(self) -> IndexArray:
        """Lowest pitch of each bar that sounds longer than a 32nd part of it; 128 without notes."""
        note, bar, ticks = self._pieces
        lowest = np.full(self._bars, 128, dtype=np.int64)
        long = ticks > _SLIVER * self._bar_tick
        np.minimum.at(lowest, bar[long], self._voices.pitch[note[long]])
        short = lowest[bar] == 128
        np.minimum.at(lowest, bar[short], self._voices.pitch[note[short]])
        return lowest

    @cached_property
    def chords(self) -> Chords:
        """The template with the best score in each bar.

        A pitch class is present by its time over half that of the longest, at most 1. Score:
        present inside - present outside - 1.5 x missing + 0.4 for a root in the bass.
        """
        bass = self.bass
        longest = self.bar_chroma.max(axis=1)
        silent = longest <= 0
        turned = self.bar_chroma[np.arange(self._bars)[:, None], (bass[:, None] + np.arange(12)) % 12]
        present = np.minimum(1.0, turned / np.where(silent, 1.0, _FULL_SHARE * longest)[:, None])
        score = np.round((2.0 + _MISSING) * (present @ _TEMPLATES.T) - _CONSTANT, 9)
        best = score.argmax(axis=1)
        inside = float((turned * _TEMPLATES[best]).sum())
        root = np.where(silent, -1, (best // len(QUALITIES) + bass) % 12)
        total = float(self.chroma.sum())
        return Chords(root, np.where(silent, 0, best % len(QUALITIES)), inside / total if total > 0 else float("nan"))
