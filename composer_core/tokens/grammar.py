"""Mask the tokens that may not come next, so that every sample decodes to the requested bars.

The mask follows the base tokens through every merged piece: positions rise inside a bar and
stay below the metre's length, pitches rise on a position, every pitch of a pitched
instrument has a duration, no bar is empty, and the end comes exactly after the last bar.
Pitches stay in the instrument's range and, where requested, in a scale, and never more are
struck together than can be played.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from composer_core.music.instruments import PITCH_RANGE, POLYPHONY
from composer_core.music.loop import Notes
from composer_core.music.timing import TICKS_PER_STEP, Meter
from composer_core.tokens.vocab import Piece, Vocabulary

BoolArray = NDArray[np.bool_]
_NONE = -1
_ALL_CLASSES = (1 << 12) - 1
_AFTER = {
    True: {"Bar": {"Position"}, "Position": {"Pitch"}, "Pitch": {"Pitch", "Position"}},
    False: {
        "Bar": {"Position"},
        "Position": {"Pitch"},
        "Pitch": {"Duration"},
        "Duration": {"Pitch", "Position"},
    },
}
ONE_LINE = ("bass",)
"""Instruments whose notes end where the next begins."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an instrument can play, in pitches as they are written (with the tonic on C).

    `classes` is a bit set of the pitch classes allowed, `polyphony` how many notes are struck
    together.
    """

    low: int = 0
    high: int = 127
    classes: int = _ALL_CLASSES
    polyphony: int = 128

    @classmethod
    def of(cls, instrument: str, shift: int = 0, steps: tuple[int, ...] | None = None) -> Limits:
        """Limits of an instrument whose notes will be transposed by `shift`; `steps` are a scale above the tonic."""
        if instrument == "drums":
            return cls()
        low, high = PITCH_RANGE[instrument]
        classes = sum(1 << step for step in steps) if steps is not None else _ALL_CLASSES
        return cls(low - shift, high - shift, classes, POLYPHONY[instrument])


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class GrammarState:
    """Where a sequence stands: last kind of token, bars begun, position and pitch last heard, notes struck there."""

    kind: str = "Start"
    bars: int = 0
    position: int = _NONE
    pitch: int = _NONE
    struck: int = 0


class Grammar:
    """The masks of one vocabulary for the drum kit or for pitched instruments."""

    def __init__(self, vocabulary: Vocabulary, drums: bool) -> None:
        self.vocabulary, self.drums = vocabulary, drums
        facts = [_facts(piece, names, drums) for piece, names in zip(vocabulary.pieces, vocabulary.names, strict=True)]
        self.valid = np.array([fact.valid for fact in facts])
        self.first_kind = np.array([fact.first_kind for fact in facts])
        self.first_position = np.array([fact.first_position for fact in facts])
        self.first_pitch = np.array([fact.first_pitch for fact in facts])
        self.highest_position = np.array([fact.highest_position for fact in facts])
        self.lowest_pitch = np.array([fact.lowest_pitch for fact in facts])
        self.highest_pitch = np.array([fact.highest_pitch for fact in facts])
        self.classes = np.array([fact.classes for fact in facts])
        self.n_leading = np.array([fact.n_leading for fact in facts])
        self.n_together = np.array([fact.n_together for fact in facts])
        self.starts_bar = self.first_kind == "Bar"
        self.ends = self.first_kind == "EOS"
        self.n_onsets = np.array([fact.n_onsets for fact in facts])
        self.n_notes = np.array([fact.n_notes for fact in facts])
        self.pitch_sum = np.array([fact.pitch_sum for fact in facts])
        self.class_counts = np.array([fact.class_counts for fact in facts])
        self.class_sets, self.class_set = np.unique(self.class_counts, axis=0, return_inverse=True)
        self._by_kind = {kind: self.first_kind == kind for kind in ("Bar", "Position", "Pitch", "Duration", "EOS")}
        self._within: dict[Limits, BoolArray] = {}

    def within(self, limits: Limits) -> BoolArray:
        """True for every piece whose own notes keep to the limits."""
        if limits not in self._within:
            no_pitch = self.lowest_pitch == _NONE
            in_range = (self.lowest_pitch >= limits.low) & (self.highest_pitch <= limits.high)
            in_scale = (self.classes & ~limits.classes) == 0
            self._within[limits] = no_pitch | (in_range & in_scale & (self.n_together <= limits.polyphony))
        return self._within[limits]

    def mask(self, state: GrammarState, meter: Meter, bars: int, limits: Limits = NO_LIMITS) -> BoolArray:
        """True for every id that may follow `state` in a loop of `bars` bars of `meter`."""
        steps = meter.bar_tick // TICKS_PER_STEP
        whole = state.kind in ("Start", "Pitch" if self.drums else "Duration")
        allowed = np.zeros(len(self.vocabulary), dtype=bool)
        if whole and state.bars < bars:
            allowed |= self._by_kind["Bar"]
        if whole and state.bars == bars:
            allowed |= self._by_kind["EOS"]
        if state.kind == "Bar" or (whole and state.bars):
            allowed |= self._by_kind["Position"]
        if state.kind == "Position":
            allowed |= self._by_kind["Pitch"]
        elif whole and state.bars:
            allowed |= self._by_kind["Pitch"] & (self.first_pitch > state.pitch)
        if state.kind == "Pitch" and not self.drums:
            allowed |= self._by_kind["Duration"] & ((self.first_pitch == _NONE) | (self.first_pitch > state.pitch))
        rises = self.starts_bar | (self.first_position == _NONE) | (self.first_position > state.position)
        playable = self.within(limits) & (self.n_leading + state.struck <= limits.polyphony)
        open_tokens: BoolArray = allowed & self.valid & rises & (self.highest_position < steps) & playable
        return open_tokens

    def advance(self, state: GrammarState, token: int) -> GrammarState:
        """The state after an allowed token."""
        kind, bars, position, pitch, struck = state.kind, state.bars, state.position, state.pitch, state.struck
        for kind, value in self.vocabulary.pieces[token].tokens:
            if kind == "Bar":
                bars, position, pitch, struck = bars + 1, _NONE, _NONE, 0
            elif kind == "Position":
                position, pitch, struck = value, _NONE, 0
            elif kind == "Pitch":
                pitch, struck = value, struck + 1
        return GrammarState(kind, bars, position, pitch, struck)


@dataclass(frozen=True, slots=True)
class _Facts:
    valid: bool
    first_kind: str
    first_position: int
    first_pitch: int
    highest_position: int
    lowest_pitch: int
    highest_pitch: int
    classes: int
    n_leading: int
    n_together: int
    n_onsets: int
    n_notes: int
    pitch_sum: int
    class_counts: tuple[int, ...]


def _facts(piece: Piece, names: tuple[str, ...], drums: bool) -> _Facts:
    """What the mask must know of a piece; first_pitch only counts while no Position came before it."""
    kinds = [kind for kind, _ in piece.tokens]
    positions = [value for kind, value in piece.tokens if kind == "Position"]
    before_position = kinds.index("Position") if "Position" in kinds else len(kinds)
    leading = [value for kind, value in piece.tokens[:before_position] if kind == "Pitch"]
    pitches = [value for kind, value in piece.tokens if kind == "Pitch"]
    together = struck = 0
    for kind in kinds:
        struck = struck + 1 if kind == "Pitch" else 0 if kind == "Position" else struck
        together = max(together, struck)
    own = not any(name.startswith(("Pitch_", "Duration_") if drums else "PitchDrum_") for name in names)
    return _Facts(
        valid=own and kinds[0] in ("Bar", "Position", "Pitch", "Duration", "EOS") and _follows(piece.tokens, drums),
        first_kind=kinds[0],
        first_position=positions[0] if positions else _NONE,
        first_pitch=leading[0] if leading else _NONE,
        highest_position=max(positions, default=_NONE),
        lowest_pitch=min(pitches, default=_NONE),
        highest_pitch=max(pitches, default=_NONE),
        classes=sum({1 << (pitch % 12) for pitch in pitches}),
        n_leading=len(leading),
        n_together=together,
        n_onsets=len(positions),
        n_notes=len(pitches),
        pitch_sum=sum(pitches),
        class_counts=tuple(sum(pitch % 12 == number for pitch in pitches) for number in range(12)),
    )


def _follows(tokens: tuple[tuple[str, int], ...], drums: bool) -> bool:
    """True when the base tokens of one piece may follow each other."""
    position = pitch = _NONE
    for index, (kind, value) in enumerate(tokens):
        if index and kind not in _AFTER[drums].get(tokens[index - 1][0], set()):
            return False
        if kind == "Position":
            if value <= position:
                return False
            position, pitch = value, _NONE
        elif kind == "Pitch":
            if value <= pitch:
                return False
            pitch = value
    return True


def playable(notes: Notes, instrument: str, length_tick: int) -> Notes:
    """Notes cut at the loop's end, where their pitch is struck again, and on one line where the instrument has one."""
    if not len(notes) or instrument == "drums":
        return notes
    end = np.minimum(notes.onset_tick + notes.duration_tick, length_tick)
    for pitch in np.unique(notes.pitch):
        own = np.flatnonzero(notes.pitch == pitch)
        end[own[:-1]] = np.minimum(end[own[:-1]], notes.onset_tick[own[1:]])
    if instrument in ONE_LINE:
        onsets = np.append(np.unique(notes.onset_tick), length_tick)
        following = onsets[np.searchsorted(onsets, notes.onset_tick, side="right")]
        end = np.minimum(end, following)
    return notes.with_columns(duration_tick=end - notes.onset_tick)
