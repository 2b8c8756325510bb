"""What drummers usually do: where each piece of the kit is struck, and how hard it is struck there.

Both tables were counted on the training takes of the Groove MIDI Dataset (Gillick et al. 2019),
each take weighted by one over the square root of its number of notes. Values are logarithms to
base 2 of observed over expected by chance, rounded because more digits would be noise.
"""

from __future__ import annotations

import math

import numpy as np

from composer_core.metrics.analysis import Analysis
from composer_core.metrics.drums import on_backbeat
from composer_core.metrics.grid import IndexArray
from composer_core.metrics.metric import Metric
from composer_core.music.drums import ROLES
from composer_core.music.timing import TICKS_PER_QUARTER

NAN = math.nan
_BAND_EDGES = (40, 75, 105)
PLACE_BITS = np.array([
    [0.87, 0.4, -0.48, -0.18, -0.13], [-1.05, -0.44, 0.08, -0.34, 0.43], [0.04, 0.16, 0.22, 0.26, -0.48],
    [-0.2, -0.35, -0.18, 0.56, -0.34], [-0.66, -0.28, 0.06, 0.27, -0.04], [-0.92, -0.33, -0.24, 0.31, 0.14],
    [-0.85, -0.14, -0.5, -0.11, 0.46], [1.89, 0.05, -0.25, -0.54, -1.07], [0.25, 0.24, 0.19, 0.25, -0.57],
])  # fmt: skip
"""Bits by role (ROLES) and place: downbeat, other beat, backbeat, off-beat 8th, anything finer."""
VELOCITY_BITS = np.array([
    [[-0.35, 0.29, -0.33, 0.02], [-0.17, 0.37, -0.15, -0.45], [-0.03, 0.46, -0.33, -0.7],
     [0.3, 0.61, -1.03, -1.3], [0.51, 0.65, -1.27, -2.13]],
    [[0.48, -0.64, -0.22, 0.39], [0.39, -0.51, -0.32, 0.42], [-0.78, -1.23, -0.2, 1.23],
     [0.37, -0.49, -0.23, 0.37], [0.84, -0.23, -0.59, -0.34]],
    [[-0.29, 0.08, 0.39, -0.28], [-0.26, 0.19, 0.37, -0.51], [-1.04, 0.05, 0.72, -0.19],
     [-0.01, 0.18, 0.42, -0.9], [0.73, 0.18, -0.46, -1.22]],
    [[-1.01, -0.61, -0.06, 1.0], [-1.37, -0.48, 0.12, 0.92], [-1.24, -1.38, -0.05, 1.3],
     [-0.99, -0.93, 0.28, 0.99], [0.32, 0.04, -0.2, -0.25]],
    [[-1.86, -0.25, 0.21, 0.81], [-2.61, -0.4, 0.81, 0.59], [-3.68, -0.51, 0.53, 0.93],
     [-2.01, -0.37, 0.55, 0.71], [-2.61, -0.19, 0.58, 0.61]],
    [[-2.5, -1.2, 0.87, 0.94], [-3.02, -1.28, 0.25, 1.33], [-3.97, -1.3, 0.41, 1.3],
     [-3.22, -0.3, 0.6, 0.73], [-2.63, -0.33, 0.96, 0.36]],
    [[-3.5, -0.03, 0.44, 0.63], [-3.41, -0.44, 0.54, 0.88], [-3.43, -0.75, 0.6, 1.0],
     [-2.81, -0.36, 0.54, 0.79], [-2.14, -0.18, 0.63, 0.51]],
    [[-1.74, -1.0, 0.95, 0.7], [-0.32, -0.79, 0.37, 0.66], [-1.21, -1.08, 0.6, 0.91],
     [-0.33, -0.25, 0.28, 0.32], [-0.38, -0.51, 0.45, 0.45]],
    [[-1.79, 0.12, 0.33, 0.37], [-1.38, 0.27, 0.51, -0.16], [-2.01, -0.04, 0.5, 0.46],
     [-0.59, 0.47, 0.15, -0.68], [-0.19, 0.52, 0.06, -1.27]],
])  # fmt: skip
"""Bits by role, place and velocity (below 40, 75, 105, above)."""


def _metrical_positions(a: Analysis) -> IndexArray:
    """0 downbeat, 1 other beat, 2 backbeat, 3 off-beat 8th, 4 finer, one entry a note."""
    eighth = a.slot_in_bar * a.step_tick % (TICKS_PER_QUARTER // 2) == 0
    beat = np.where(on_backbeat(a), 2, np.where(a.on_beat, 1, np.where(eighth, 3, 4)))
    return np.where(a.slot_in_bar == 0, 0, beat)


def role_fit(a: Analysis) -> float:
    """Mean over the notes of log2 of how much likelier their role is at their place of the bar than elsewhere.

    By PLACE_BITS; hand percussion is left out. Positive where each piece lies where drummers
    strike it. NaN without any of the nine roles.
    """
    known = a.role < len(ROLES)
    count = np.count_nonzero(known)
    return float(PLACE_BITS[a.role[known], _metrical_positions(a)[known]].sum()) / count if count else NAN


def touch_fit(a: Analysis) -> float:
    """Mean over the notes of log2 of how much likelier their velocity is for their role and place than at large.

    By VELOCITY_BITS; hand percussion is left out. Positive where each piece is as loud as
    drummers play it there. NaN without any of the nine roles.
    """
    known = a.role < len(ROLES)
    count = np.count_nonzero(known)
    if not count:
        return NAN
    band = np.searchsorted(_BAND_EDGES, a.velocity[known], side="right")
    return float(VELOCITY_BITS[a.role[known], _metrical_positions(a)[known], band].sum()) / count


_SOURCE = "counted on Groove MIDI (Gillick et al. 2019)"
_DRUMS = ("drums",)
METRICS: tuple[Metric, ...] = (
    Metric("role_fit", "drums", role_fit, "bits", -1.1, 1.9, _SOURCE,
           "Pieces in their place", "楽器の位置の自然さ",
           "Whether each piece of the kit is struck where in the bar drummers strike it.",
           "各楽器が、ドラマーがふつう叩く拍の位置で鳴っているか。", _DRUMS),
    Metric("touch_fit", "dynamics", touch_fit, "bits", -4.0, 1.4, _SOURCE,
           "Loud where drummers are loud", "強弱の自然さ",
           "Whether each piece of the kit is as loud as drummers play it at that place of the bar.",
           "各楽器が、その拍の位置でドラマーがふつう叩く強さになっているか。", _DRUMS),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
