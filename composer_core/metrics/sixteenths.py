"""What drummers usually do on each 16th of a 4/4 bar: which pieces they strike, and which strokes are the loud ones.

Both tables were counted on the training takes of the Groove MIDI Dataset (Gillick et al. 2019), each
take weighted by one over the square root of its number of notes. Values are rounded, because more digits
would be noise.
"""

from __future__ import annotations

import math

import numpy as np

from composer_core.metrics.analysis import Analysis
from composer_core.metrics.cells import correlation
from composer_core.metrics.grid import SIXTEENTH_TICK, IndexArray
from composer_core.metrics.metric import Metric
from composer_core.music.drums import ROLES
from composer_core.music.timing import Meter

NAN = math.nan
_COUNTED_METER = Meter(4, 4)
_SIXTEENTHS = 16
SIXTEENTH_BITS = np.array([
    [0.86, -0.94, -0.38, 0.57, -0.45, -0.53, -0.04, -0.11, 0.42, -0.5, -0.04, 0.14, -0.51, -0.48, -0.25, -0.11],
    [-1.05, 0.67, -0.27, 0.1, 0.14, 0.53, -0.37, 0.48, -0.49, 0.56, -0.35, 0.26, 0.05, 0.45, -0.34, 0.4],
    [0.05, -0.18, 0.4, -0.31, 0.25, -0.34, 0.3, -0.51, 0.16, -0.44, 0.22, -0.46, 0.17, -0.63, 0.09, -0.82],
    [-0.2, -0.52, 0.51, -0.07, -0.45, -0.16, 0.17, -0.38, -0.31, -0.59, 0.7, -0.35, 0.06, -0.29, 0.6, 0.07],
    [-0.61, -0.12, -0.12, -0.67, -0.3, -0.37, -0.18, -0.86, -0.24, -0.4, -0.15, -0.12, 0.35, 0.71, 1.01, 0.81],
    [-0.77, -0.53, -0.22, -0.65, -0.65, -0.24, -0.01, 0.2, -0.26, 0.14, 0.45, 0.35, 0.12, 0.72, 0.62, 0.23],
    [-0.77, 0.08, -0.3, -0.1, -0.76, 0.44, -0.17, 0.32, -0.15, 0.74, 0.26, 0.77, -0.26, 0.73, -0.31, 0.01],
    [1.73, -0.47, -0.53, -0.78, -0.14, -1.05, -0.21, -0.84, 0.07, -1, -0.61, -0.95, -0.25, -0.63, -0.24, 0.3],
    [0.24, -0.86, 0.32, -0.4, 0.23, -0.36, 0.36, -0.25, 0.3, -0.62, 0.07, -0.62, 0.09, -0.79, 0.16, -0.54],
])  # fmt: skip
"""By role (ROLES) and 16th: log2 of observed over expected by chance."""
SIXTEENTH_LOUDNESS = np.array([
    [-0.04, -0.8, -0.39, -0.59, -0.3, -0.61, -0.6, -0.57, -0.17, -0.71, -0.3, -0.56, -0.18, -0.54, -0.6, -0.54],
    [0.11, -0.59, -0.13, -0.25, 0.58, -0.44, 0.08, -0.34, 0.13, -0.25, 0, -0.05, 0.76, -0.04, 0.31, -0.29],
    [0.04, -0.75, -0.11, -0.33, 0.23, -0.61, -0.13, -0.39, -0.01, -0.44, -0.06, -0.36, 0.24, -0.54, -0.08, -0.34],
    [0.4, -0.22, 0.45, -0.16, 0.56, -0.32, 0.2, -0.09, 0.38, -0.14, 0.56, -0.09, 0.6, -0.21, 0.69, -0.06],
    [0.36, 0.02, -0.08, 0.15, 0.36, 0.15, 0.3, 0.29, 0.46, 0.24, 0.38, 0.49, 0.89, 0.46, 0.68, 0.52],
    [0.46, -0.04, 0.07, -0.06, 0.61, 0.38, 0.25, 0.23, 0.54, 0.03, 0.37, 0.29, 0.7, 0.28, 0.31, 0.21],
    [0.49, -0.05, 0.01, 0.07, 0.53, 0.12, 0.44, 0.18, 0.51, 0.37, 0.43, 0.4, 0.66, 0.64, 0.61, 0.3],
    [0.46, 0.26, -0.21, 0.17, 0.43, -0.04, 0.2, -0.19, 0.21, -0.18, 0.07, -0.07, 0.38, -0.1, 0.31, 0.21],
    [0.44, -0.33, -0.15, -0.03, 0.54, -0.19, -0.06, 0.02, 0.24, -0.06, 0.09, -0.2, 0.59, -0.12, 0.05, -0.04],
])  # fmt: skip
"""By role and 16th: mean velocity of the strokes in standard deviations of their loop's, from its mean."""


def _sixteenth(a: Analysis) -> IndexArray:
    """The 16th of the bar each note is nearest to, of two equally near the later."""
    return (a.slot_in_bar * a.step_tick + SIXTEENTH_TICK // 2) // SIXTEENTH_TICK % _SIXTEENTHS


def sixteenth_fit(a: Analysis) -> float:
    """Mean over the notes of log2 of how much likelier their role is on their 16th of the bar than elsewhere.

    By SIXTEENTH_BITS; hand percussion is left out. Positive where kick, snare and cymbals lie
    where drummers strike them. NaN without any of the nine roles and in metres other than 4/4.
    """
    known = a.role < len(ROLES)
    count = np.count_nonzero(known)
    if not count or a.meter != _COUNTED_METER:
        return NAN
    return float(SIXTEENTH_BITS[a.role[known], _sixteenth(a)[known]].sum()) / count


def velocity_fit(a: Analysis) -> float:
    """Correlation of the velocities with how loud drummers play the same role on the same 16th of the bar.

    By SIXTEENTH_LOUDNESS; hand percussion is left out. 1: loud and soft are where they
    usually are, 0: anywhere, -1: the other way round. NaN without variance and in metres other than 4/4.
    """
    known = a.role < len(ROLES)
    if not known.any() or a.meter != _COUNTED_METER:
        return NAN
    return correlation(a.velocity[known], SIXTEENTH_LOUDNESS[a.role[known], _sixteenth(a)[known]])


_SOURCE = "counted on Groove MIDI (Gillick et al. 2019)"
_DRUMS = ("drums",)
METRICS: tuple[Metric, ...] = (
    Metric("sixteenth_fit", "drums", sixteenth_fit, "bits", -1.2, 1.9, _SOURCE,
           "Pieces on their 16th", "16分位置での楽器の自然さ",
           "Whether each piece of the kit is struck on the 16ths of the bar where drummers strike it.",
           "各楽器が、ドラマーがふつう叩く16分の位置で鳴っているか。", _DRUMS),
    Metric("velocity_fit", "dynamics", velocity_fit, "", -1.0, 1.0, _SOURCE,
           "Loud and soft in their places", "強弱の配置の自然さ",
           "Whether loud and soft strokes lie where in the bar drummers put them (+) or the other way round (-).",
           "強い音と弱い音が、ドラマーがふつう置く位置にあるか（＋）、逆か（−）。", _DRUMS),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
