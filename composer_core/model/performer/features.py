"""The performer's features of each note: its drum or voice, its place in the bar, its neighbours. Numpy only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from composer_core.music.drums import OTHER_ROLE, ROLES, role_index, to_general_midi
from composer_core.music.genre import FAMILIES, family_weights
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import STEPS_PER_QUARTER, TICKS_PER_STEP

N_ROLES = len((*ROLES, OTHER_ROLE))
MAX_QUARTER = 8
"""Quarters of a bar told apart; later ones share the last."""
CATEGORY_SIZES = (128, N_ROLES, STEPS_PER_QUARTER, MAX_QUARTER)
"""Values of each column of `categories`: pitch, role, step in the quarter, quarter in the bar."""
N_NUMBERS = 2 * N_ROLES + 4
"""Columns of `numbers`: roles struck together, roles one 16th before; log gaps in steps to the
onset before and after, and to the note before and after of the same role."""
VOICES = ("alone", "lowest", "highest", "inner")
"""Roles of a pitched note among those struck together; they take the first places of the drum roles."""
N_PITCHED_NUMBERS = N_NUMBERS + 4
"""Columns of `numbers` for pitched loops: those of drums by voice, and log length in steps, share of the gap
to the next onset that sounds, distance from the loop's mean pitch and from the voice's note before, in octaves."""
N_PLACES = STEPS_PER_QUARTER * MAX_QUARTER
"""Places in the bar that `place_in_bar` tells apart."""
AROUSAL_PLACE = 2
"""Where a context vector holds the arousal, -1 to 1."""
N_CONTEXT = 2 + 2 + len(FAMILIES) + 1
"""Length of a context vector: tempo, half bars, arousal and its flag, family weights and their flag."""
_FAR_STEPS = 8 * STEPS_PER_QUARTER
_STEPS_PER_16TH = STEPS_PER_QUARTER // 4


@dataclass(frozen=True, slots=True)
class NoteFeatures:
    """Features of n notes: `categories` (n, 4), `numbers` (n, N_NUMBERS or N_PITCHED_NUMBERS), `step` (n,) from
    the start."""

    categories: NDArray[np.int64]
    numbers: NDArray[np.float32]
    step: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.step)

    def rows(self, index: NDArray[np.int64]) -> NoteFeatures:
        """The notes an index array picks, steps counted from the quarter of the first."""
        step = self.step[index]
        start = step[0] // STEPS_PER_QUARTER * STEPS_PER_QUARTER if len(step) else 0
        return NoteFeatures(self.categories[index], self.numbers[index], step - start)


def note_features(grid_loop: Loop, *, circular: bool) -> NoteFeatures:
    """Features of a loop on the straight 12-step grid.

    `circular` takes the loop round, as it will be played; a whole take is not circular.
    """
    notes = grid_loop.notes
    step = np.rint(notes.onset_tick / TICKS_PER_STEP).astype(np.int64)
    bar_steps = max(1, grid_loop.meter.bar_tick // TICKS_PER_STEP)
    length = grid_loop.bars * bar_steps if circular else 0
    pitch = to_general_midi(notes.pitch) if grid_loop.is_drums else notes.pitch
    role = role_index(pitch) if grid_loop.is_drums else _voice(step)
    in_bar = step % bar_steps
    quarter = np.minimum(in_bar // STEPS_PER_QUARTER, MAX_QUARTER - 1)
    categories = np.stack([pitch, role, in_bar % STEPS_PER_QUARTER, quarter], axis=1).astype(np.int64)
    together = _roles_at(step, role, step, length)
    before = _roles_at(step, role, step - _STEPS_PER_16TH, length)
    gaps = np.concatenate([_gaps(step, length), _gaps_by_role(step, role, length)], axis=1)
    columns = [together, before, gaps] if grid_loop.is_drums else [together, before, gaps, _of_pitch(notes, step, role)]
    numbers = np.concatenate(columns, axis=1).astype(np.float32)
    return NoteFeatures(categories.reshape(-1, 4), numbers, step)


def position_in_bar(features: NoteFeatures) -> NDArray[np.int64]:
    """Place of each note in its bar, in steps; beyond MAX_QUARTER quarters those of the last are counted again."""
    return features.categories[:, 3] * STEPS_PER_QUARTER + features.categories[:, 2]


def _voice(step: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index into VOICES of each note, notes sorted by step, then pitch."""
    if not len(step):
        return np.zeros(0, dtype=np.int64)
    _, inverse, count = np.unique(step, return_inverse=True, return_counts=True)
    rank = np.arange(len(step)) - np.concatenate(([0], np.cumsum(count)))[inverse]
    size = count[inverse]
    return np.where(size == 1, 0, np.where(rank == 0, 1, np.where(rank == size - 1, 2, 3)))


def _of_pitch(notes: Notes, step: NDArray[np.int64], voice: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n, 4) the last columns of N_PITCHED_NUMBERS."""
    n = len(step)
    if not n:
        return np.zeros((0, 4))
    length = notes.duration_tick / TICKS_PER_STEP
    slots, inverse = np.unique(step, return_inverse=True)
    ahead = np.concatenate((np.diff(slots), [_FAR_STEPS]))[inverse]
    interval = np.zeros(n)
    for index in np.unique(voice):
        mine = np.flatnonzero(voice == index)
        interval[mine[1:]] = np.diff(notes.pitch[mine]) / 12.0
    log_length = np.log1p(np.minimum(length, _FAR_STEPS)) / math.log1p(_FAR_STEPS)
    centred = (notes.pitch - notes.pitch.mean()) / 12.0
    return np.stack([log_length, np.minimum(length / ahead, 2.0), centred, np.clip(interval, -3.0, 3.0)], axis=1)


def _roles_at(
    step: NDArray[np.int64], role: NDArray[np.int64], wanted: NDArray[np.int64], length: int
) -> NDArray[np.float32]:
    """(n, N_ROLES) which roles strike at each wanted step."""
    if not len(step):
        return np.zeros((0, N_ROLES), dtype=np.float32)
    if length:
        step, wanted = step % length, wanted % length
    size = int(max(step.max(), wanted.max())) + 1
    table = np.zeros((size + 1, N_ROLES), dtype=np.float32)
    table[step, role] = 1.0
    return table[np.where(wanted < 0, size, wanted)]


def _gaps(step: NDArray[np.int64], length: int) -> NDArray[np.float64]:
    """(n, 2) log gap in steps from each note to the onset before and after it, 0 to 1."""
    if not len(step):
        return np.zeros((0, 2))
    slots, inverse = np.unique(step, return_inverse=True)
    before = np.full(len(slots), _FAR_STEPS, dtype=np.float64)
    after = before.copy()
    before[1:] = after[:-1] = np.diff(slots)
    if length:
        before[0] = after[-1] = slots[0] + length - slots[-1]
    gaps = np.stack([before, after], axis=1)[inverse]
    return np.log1p(np.minimum(gaps, _FAR_STEPS)) / math.log1p(_FAR_STEPS)


def _gaps_by_role(step: NDArray[np.int64], role: NDArray[np.int64], length: int) -> NDArray[np.float64]:
    gaps = np.zeros((len(step), 2))
    for index in np.unique(role):
        mine = np.flatnonzero(role == index)
        gaps[mine] = _gaps(step[mine], length)
    return gaps


def context_vector(
    tempo_bpm: float, bar_quarters: float, genre: Mapping[str, float], arousal: float | None
) -> NDArray[np.float32]:
    """(N_CONTEXT,) what holds for the whole loop. An empty genre and an arousal of None are 'not given'."""
    vector = np.zeros(N_CONTEXT, dtype=np.float32)
    vector[0] = math.log2(tempo_bpm / 110.0)
    vector[1] = bar_quarters / 4.0 - 1.0
    if arousal is not None:
        vector[AROUSAL_PLACE], vector[AROUSAL_PLACE + 1] = 2.0 * arousal - 1.0, 1.0
    for family, weight in family_weights(genre).items():
        vector[4 + FAMILIES.index(family)] = weight
    vector[-1] = 1.0 if genre else 0.0
    return vector


def hide_context(context: NDArray[np.float32], hide_arousal: bool, hide_genre: bool) -> NDArray[np.float32]:
    """A copy with arousal or genre 'not given'."""
    hidden = context.copy()
    if hide_arousal:
        hidden[2:4] = 0.0
    if hide_genre:
        hidden[4:] = 0.0
    return hidden


def blur_context(context: NDArray[np.float32], noise: NDArray[np.float64]) -> NDArray[np.float32]:
    """A copy with noise (2,) added to tempo and to an arousal that was given."""
    blurred = context.copy()
    blurred[0] += noise[0]
    blurred[2] = np.clip(blurred[2] + noise[1], -1.0, 1.0) * blurred[3]
    return blurred
