"""Structure: what repeats, what changes, how the loop builds up and leads back to its start.

A bar is the set of what sounds where: (grid slot, piece of the kit) on drums, (slot, pitch)
elsewhere; timing and velocity do not matter. The similarity of two bars is the share of their union
that they have in common (Jaccard); two empty bars are alike. The loop is a circle, and arcs are
measured over the bars until it repeats itself exactly, so that repeating a loop changes nothing.
"""

from __future__ import annotations

import math

import numpy as np

from composer_core.metrics.analysis import SYMBOLS, Analysis
from composer_core.metrics.grid import IndexArray
from composer_core.metrics.metric import Metric
from composer_core.music.timing import EARLY_TICK

NAN = math.nan
_SEAM_GAPS, _SEAM_LEAPS, _FREE_LEAP = 2.0, 2.0, 7.0


def bar_repetition(a: Analysis) -> float:
    """Mean over the distinct notes of the share of bars that have the same note at the same place.

    1 when all bars are the same, 1 / bars when nothing ever comes back; around 0.6 for
    three equal bars and a different fourth. NaN without notes.
    """
    if not a.n_notes:
        return NAN
    _, bars_with = np.unique(a.bar_notes % (a.slots_a_bar * SYMBOLS), return_counts=True)
    return float(np.square(bars_with).sum()) / (a.loop.bars * float(bars_with.sum()))


def variation_factor(a: Analysis) -> float:
    """1 - mean likeness of neighbouring bars: 0 all the same, 1 nothing in common. NaN without notes."""
    return 1.0 - float(a.next_bar_likeness.sum()) / a.loop.bars if a.n_notes else NAN


def period_bars(a: Analysis) -> float:
    """Bars until the loop repeats itself exactly, in notes, timing and velocity. NaN without notes."""
    return float(a.period_bars) if a.n_notes else NAN


def _bar_counts(a: Analysis) -> IndexArray:
    """Used slots of each bar until the loop repeats itself."""
    counts: IndexArray = np.count_nonzero(a.pattern.reshape(a.loop.bars, a.slots_a_bar), axis=1)[: a.period_bars]
    return counts


def density_arc(a: Analysis) -> float:
    """Where the onsets lie over the bars: their centre of gravity from -1 (first bar) to 1 (last bar).

    Sum of w_k n_k / sum of n_k, w_k evenly spaced from -1 to 1 over the bars until the loop
    repeats itself, n_k the used slots of bar k. Positive: it builds up; 0 even, and when one
    bar repeats. NaN without notes.
    """
    if not a.n_notes:
        return NAN
    count = _bar_counts(a)
    if len(count) == 1:
        return 0.0
    return float((np.linspace(-1.0, 1.0, len(count)) * count).sum()) / float(count.sum())


def density_contrast(a: Analysis) -> float:
    """(Used slots of the fullest bar - those of the emptiest) / those of the fullest: 0 even, 1 a bar is empty.

    NaN without notes.
    """
    if not a.n_notes:
        return NAN
    count = _bar_counts(a)
    return 1.0 - float(count.min()) / float(count.max())


def last_bar_change(a: Analysis) -> float:
    """1 - likeness of the last bar to the one before it: high where a fill or turnaround ends the loop.

    0 when one bar repeats. NaN without notes.
    """
    if not a.n_notes:
        return NAN
    return 1.0 - float(a.next_bar_likeness[a.loop.bars - 2]) if a.period_bars > 1 else 0.0


def seam_repetition(a: Analysis) -> float:
    """Likeness of the last bar to the first, which follows it. NaN without notes."""
    return float(a.next_bar_likeness[-1]) if a.n_notes else NAN


def loop_seam(a: Analysis) -> float:
    """Does the end lead back to the start? Continuity of rhythm x continuity of pitch across the seam, 0 to 1.

    Rhythm: min(1, 2 mean gap / gap), the gap being that from the last onset to the first.
    Pitch (not on drums): min(1, max(7, 2 mean leap) / leap), the leap in semitones between the
    tops of the last and the first onset: a fifth is always fine. NaN without notes.
    """
    if not a.n_notes:
        return NAN
    gap = float(a.ioi_step[-1])
    rhythm = min(1.0, _SEAM_GAPS * a.n_slots / len(a.ioi_step) / gap)
    if a.loop.is_drums:
        return rhythm
    leap = np.abs(a.voices.move_high)
    allowed = max(_FREE_LEAP, _SEAM_LEAPS * float(leap.sum()) / len(leap))
    # An early downbeat alone lies at the very end of the circle: the seam is then before it.
    early = a.loop.notes.onset_tick[0] < 0 and a.voices.begin[-1] >= a.length_tick - EARLY_TICK
    seam = -2 if early and len(leap) > 1 else -1
    return rhythm * min(1.0, allowed / max(1.0, float(leap[seam])))


_DESIGN = "definition of this project"
METRICS: tuple[Metric, ...] = (
    Metric("bar_repetition", "structure", bar_repetition, "share", 0.0, 1.0, _DESIGN, "Repetition", "小節の反復度",
           "In how many of the bars a note comes back at the same place.",
           "同じ位置の同じ音が何割の小節に現れるか。"),
    Metric("variation_factor", "structure", variation_factor, "share", 0.0, 1.0, "Jaccard 1912",
           "Variation", "小節ごとの変化",
           "How much changes from one bar to the next.",
           "小節から次の小節へどれだけ変わるか。"),
    Metric("period_bars", "structure", period_bars, "bars", 1.0, 100_000.0, _DESIGN,
           "Bars until it repeats", "反復の周期",
           "After how many bars the loop repeats itself note for note.",
           "何小節でまったく同じ演奏に戻るか。"),
    Metric("density_arc", "structure", density_arc, "", -1.0, 1.0, _DESIGN, "Density arc", "密度の起伏",
           "Whether the loop fills up towards its end (+) or thins out (-).",
           "終わりに向かって音が増えるか（＋）減るか（−）。"),
    Metric("density_contrast", "structure", density_contrast, "share", 0.0, 1.0, _DESIGN,
           "Density contrast", "密度の差",
           "How much emptier the emptiest bar is than the fullest.",
           "いちばん音の少ない小節と多い小節の差。"),
    Metric("last_bar_change", "structure", last_bar_change, "share", 0.0, 1.0, "Jaccard 1912",
           "Turnaround", "終わりの小節の変化",
           "How much the last bar differs from the one before, as with a fill.",
           "最後の小節がその前とどれだけ違うか（フィルや締め）。"),
    Metric("seam_repetition", "structure", seam_repetition, "share", 0.0, 1.0, "Jaccard 1912",
           "Likeness across the seam", "つなぎ目の小節の類似",
           "How much of the last bar comes back in the first.",
           "最後の小節と最初の小節がどれだけ似ているか。"),
    Metric("loop_seam", "structure", loop_seam, "", 0.0, 1.0, _DESIGN, "Loop seam", "ループのつながり",
           "How smoothly the end leads back to the start, in rhythm and pitch.",
           "終わりから頭へリズムと音程がどれだけ自然につながるか。"),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
