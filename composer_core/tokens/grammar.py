"""Which tokens may come next: a mask over all pieces, so that every sample decodes to the asked bars.

The mask follows the base tokens through every merged piece: positions rise inside a bar and
stay below the metre's length, pitches rise on a position, every pitch of a pitched
instrument has a duration, no bar is empty, and the end comes exactly after the last bar.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from composer_core.music.timing import TICKS_PER_STEP, Meter
from composer_core.tokens.vocab import Piece, Vocabulary

BoolArray = NDArray[np.bool_]
_NONE = -1


@dataclass(frozen=True, slots=True)
class GrammarState:
    """Where a sequence stands: last kind of token, bars begun, position and pitch last heard."""

    kind: str = "Start"
    bars: int = 0
    position: int = _NONE
    pitch: int = _NONE


class Grammar:
    """The masks of one vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        facts = [_facts(piece, vocabulary.drums) for piece in vocabulary.pieces]
        self.valid = np.array([fact.valid for fact in facts])
        self.first_kind = np.array([fact.first_kind for fact in facts])
        self.first_position = np.array([fact.first_position for fact in facts])
        self.first_pitch = np.array([fact.first_pitch for fact in facts])
        self.highest_position = np.array([fact.highest_position for fact in facts])
        self.starts_bar = self.first_kind == "Bar"
        self._by_kind = {kind: self.first_kind == kind for kind in ("Bar", "Position", "Pitch", "Duration", "EOS")}

    def mask(self, state: GrammarState, meter: Meter, bars: int) -> BoolArray:
        """True for every id that may follow `state` in a loop of `bars` bars of `meter`."""
        steps = meter.bar_tick // TICKS_PER_STEP
        whole = state.kind in ("Start", "Pitch" if self.vocabulary.drums else "Duration")
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
        if state.kind == "Pitch" and not self.vocabulary.drums:
            allowed |= self._by_kind["Duration"] & ((self.first_pitch == _NONE) | (self.first_pitch > state.pitch))
        rises = self.starts_bar | (self.first_position == _NONE) | (self.first_position > state.position)
        return allowed & self.valid & rises & (self.highest_position < steps)

    def advance(self, state: GrammarState, token: int) -> GrammarState:
        """The state after an allowed token."""
        kind, bars, position, pitch = state.kind, state.bars, state.position, state.pitch
        for kind, value in self.vocabulary.pieces[token].tokens:
            if kind == "Bar":
                bars, position, pitch = bars + 1, _NONE, _NONE
            elif kind == "Position":
                position, pitch = value, _NONE
            elif kind == "Pitch":
                pitch = value
        return GrammarState(kind, bars, position, pitch)


@dataclass(frozen=True, slots=True)
class _Facts:
    valid: bool
    first_kind: str
    first_position: int
    first_pitch: int
    highest_position: int


def _facts(piece: Piece, drums: bool) -> _Facts:
    """What the mask must know of a piece; first_pitch only counts while no Position came before it."""
    kinds = [kind for kind, _ in piece.tokens]
    positions = [value for kind, value in piece.tokens if kind == "Position"]
    before_position = kinds.index("Position") if "Position" in kinds else len(kinds)
    leading = [value for kind, value in piece.tokens[:before_position] if kind == "Pitch"]
    return _Facts(
        valid=kinds[0] in ("Bar", "Position", "Pitch", "Duration", "EOS") and _follows(piece.tokens, drums),
        first_kind=kinds[0],
        first_position=positions[0] if positions else _NONE,
        first_pitch=leading[0] if leading else _NONE,
        highest_position=max(positions, default=_NONE),
    )


_AFTER = {
    True: {"Bar": {"Position"}, "Position": {"Pitch"}, "Pitch": {"Pitch", "Position"}},
    False: {
        "Bar": {"Position"},
        "Position": {"Pitch"},
        "Pitch": {"Duration"},
        "Duration": {"Pitch", "Position"},
    },
}


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
