"""How playing follows the bar rather than the beat, and what the halves of a bar have in common.

Playing is organised by the bar: a stroke returns a bar later rather than a beat later, as loud as
before, and timing drifts slowly from beat to beat. If beats are shuffled, or bars of another
performance mixed in, every detail remains human and only this order is lost. A voice is a drum role,
or a third of a pitched loop's own range. Everything is counted around the circle, so that repeating a
loop changes nothing.
"""

from __future__ import annotations

import math

import numpy as np

from composer_core.metrics.analysis import SYMBOLS, Analysis
from composer_core.metrics.grid import FloatArray, IndexArray
from composer_core.metrics.metric import Metric
from composer_core.metrics.spread import explained_share

NAN = math.nan
_EPSILON = 1e-9
_MOST_BARS = 16


def _beat_slots(a: Analysis) -> int:
    """Grid slots a beat; the whole bar where beats do not fill it."""
    slots = max(1, a.meter.beat_tick // a.step_tick)
    return slots if a.slots_a_bar % slots == 0 else a.slots_a_bar


def bar_gain(a: Analysis) -> float:
    """How much more surely a note comes back at its place of the bar than at its place of the beat.

    The chance that another bar has the note at the same place, minus the chance that another
    beat has it at the same place of the beat; both are means over the notes, sum of c (c - 1) /
    ((n - 1) sum of c), with c the bars (beats) of n that have a note, over the bars until the loop
    repeats itself; a bar or beat that is alone comes back surely. 0 and below: the order of
    the beats means nothing. NaN without notes.
    """
    if not a.n_notes:
        return NAN
    bar, beat = a.slots_a_bar * SYMBOLS, _beat_slots(a) * SYMBOLS
    codes = a.bar_notes[a.bar_notes < a.period_bars * bar]
    return _comes_back(codes % bar, a.period_bars) - _comes_back(codes % beat, a.period_bars * bar // beat)


def _comes_back(note: IndexArray, n_places: int) -> float:
    if n_places == 1:
        return 1.0
    count = np.unique(note, return_counts=True)[1]
    return float((count * (count - 1)).sum()) / ((n_places - 1) * len(note))


def velocity_bar_gain(a: Analysis) -> float:
    """Share of the variance of velocity within places of the beat that the place in the bar explains.

    1 - v_bar / v_beat, each the variance within piece of the kit (none on pitched loops) and place
    (squares over n - number of places) over the bars until the loop repeats itself. 0: accents
    go by the beat alone, 1: every bar has the same ones. Cut to -1 to 1; NaN without notes, where
    nothing comes back and without variance within places of the beat.
    """
    if not a.n_notes:
        return NAN
    first = a.slot < a.period_bars * a.slots_a_bar
    velocity, place = a.velocity[first], a.place[first]
    beat_place = place // a.slots_a_bar * _beat_slots(a) + place % a.slots_a_bar % _beat_slots(a)
    by_bar, by_beat = _variance_within(velocity, place), _variance_within(velocity, beat_place)
    if math.isnan(by_bar) or by_beat <= _EPSILON:
        return NAN
    return min(1.0, max(-1.0, 1.0 - by_bar / by_beat))


def _variance_within(values: FloatArray, group: IndexArray) -> float:
    """Squares of the distances from the groups' means over n - number of groups; NaN when each has one value."""
    count = np.bincount(group)
    free = len(values) - np.count_nonzero(count)
    mean = np.bincount(group, weights=values) / np.maximum(count, 1)
    return float(np.square(values - mean[group]).sum()) / free if free else NAN


def timing_beat_memory(a: Analysis) -> float:
    """Does timing change slowly? 1 - mean squared change of the offset to the next beat / twice its variance.

    A stroke's offset against that of the same voice and place a beat later (von Neumann's ratio,
    1941); the variance is that within voice and place of the beat. 1: it never changes, 0: the
    next beat is like any other, below: it alternates. Cut to -1 to 1. NaN without such a pair or variance.
    """
    if not a.n_notes:
        return NAN
    shape = (a.cells.count.shape[0], -1, _beat_slots(a))
    played, offset = a.cells.played.reshape(shape), a.cells.deviation_centred_ms.reshape(shape)
    both = played & np.concatenate((played[:, 1:], played[:, :1]), axis=1)
    n_pairs, n_played = np.count_nonzero(both), played.sum(axis=1, keepdims=True)
    residual = np.where(played, offset - offset.sum(axis=1, keepdims=True) / np.maximum(n_played, 1), 0.0)
    variance = float(np.square(residual).sum()) / float(n_played.sum())
    if not n_pairs or variance <= _EPSILON * a.ms_a_tick**2:
        return NAN
    change = np.square(np.concatenate((offset[:, 1:], offset[:, :1]), axis=1) - offset)[both].sum() / n_pairs
    return min(1.0, max(-1.0, 1.0 - float(change) / (2.0 * variance)))


def microtiming_of_voices(a: Analysis) -> float:
    """Share of the variance of the distances to the swing-warped grid that the voice explains.

    Near 1: one voice is ahead or behind as a whole, more than anyone wavers; 0: all sit alike.
    NaN without notes and without any deviation.
    """
    return explained_share(a.deviation_tick, a.voice) if a.n_notes else NAN


def half_bar_gap(a: Analysis) -> float:
    """How much more alike the two most alike half bars are than half bars are on average.

    First halves are compared with first halves, second with second (Jaccard; empty halves are
    alike), over the first 16 bars at most until the loop repeats itself. 0 when all are equally
    alike or one bar repeats; high when some come back exactly and others are strangers to them.
    NaN without notes and where the grid does not halve the bar.
    """
    if not a.n_notes or a.slots_a_bar % 2:
        return NAN
    bars = min(a.period_bars, _MOST_BARS)
    if bars == 1:
        return 0.0
    likeness = np.concatenate([_likeness(half) for half in _halves(a, bars)])
    return float(likeness.max() - likeness.sum() / len(likeness))


def _halves(a: Analysis, bars: int) -> FloatArray:
    """1 where a note is: (2 halves, bars, distinct notes of a half)."""
    width = a.slots_a_bar // 2 * SYMBOLS
    codes = a.bar_notes[a.bar_notes < bars * 2 * width]
    note: IndexArray = np.unique(codes % width, return_inverse=True)[1]
    table = np.zeros((2, bars, int(note.max(initial=0)) + 1))
    table[codes // width % 2, codes // width // 2, note] = 1.0
    return table


def _likeness(table: FloatArray) -> FloatArray:
    """Jaccard of every two rows."""
    shared, count = table @ table.T, table.sum(axis=1)
    union = count[:, None] + count[None, :] - shared
    return np.where(union > 0, shared / np.maximum(union, 1.0), 1.0)[np.triu_indices(len(table), 1)]


_DESIGN = "definition of this project"
METRICS: tuple[Metric, ...] = (
    Metric("bar_gain", "structure", bar_gain, "share", -1.0, 1.0, _DESIGN,
           "Order of the beats", "小節の中の順序",
           "How much more a note belongs to its place in the bar than to its place in the beat.",
           "音が拍内の位置よりも小節内の位置で決まっている度合い。"),
    Metric("half_bar_gap", "structure", half_bar_gap, "share", 0.0, 1.0, "Jaccard 1912",
           "Foreign half bars", "異質な半小節",
           "How much more alike the closest half bars are than all of them on average.",
           "いちばん似た半小節どうしが、全体の平均よりどれだけ似ているか。"),
    Metric("velocity_bar_gain", "dynamics", velocity_bar_gain, "share", -1.0, 1.0, _DESIGN,
           "Accents of the bar", "小節単位のアクセント",
           "How far accents follow the place in the bar beyond the place in the beat.",
           "アクセントが拍内の位置だけでなく小節内の位置で決まっている割合。"),
    Metric("timing_beat_memory", "groove", timing_beat_memory, "", -1.0, 1.0, "von Neumann 1941",
           "Slow timing", "タイミングの滑らかさ",
           "Whether timing wanders slowly from beat to beat (+) or jumps (0 and below).",
           "タイミングが拍から拍へゆっくり移ろうか（＋）、跳ぶか（0以下）。"),
    Metric("microtiming_of_voices", "groove", microtiming_of_voices, "share", 0.0, 1.0, _DESIGN,
           "Timing by voice", "声部ごとのタイミング差",
           "How far timing is decided by which voice plays.",
           "タイミングのずれが、どの声部かで決まっている割合。"),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
