"""Rhythm: grid, swing, how many onsets, where they fall, how long the gaps are."""

from __future__ import annotations

import math

import numpy as np

from composer_core.metrics.analysis import Analysis
from composer_core.metrics.grid import EIGHTH_TICK, SIXTEENTH_TICK, IndexArray, metrical_weights
from composer_core.metrics.metric import PITCHED, Metric
from composer_core.metrics.spread import entropy_bits
from composer_core.music.drums import ROLES
from composer_core.music.timing import TICKS_PER_QUARTER

NAN = math.nan
_DESIGN = "definition of this project"
_TRIPLET_WIDTH = 0.06
_PULSE_ROLES = [ROLES.index("kick"), ROLES.index("snare")]


def grid(a: Analysis) -> float:
    """Slots a quarter of the grid followed: 2 eighths, 3 8th triplets, 4 sixteenths, 6 16th triplets.

    The candidate with the least mean absolute deviation relative to chance (grid.choose_grid);
    ties go to the coarser. NaN without notes.
    """
    return TICKS_PER_QUARTER / a.grid_tick if a.n_notes else NAN


def swing_ratio_8(a: Analysis) -> float:
    """Long : short of swung 8ths: o / (1 - o), o the median place of the second note of a pair.

    Pairs: an onset near the beat and one 0.40 to 0.80 of a quarter later; timekeepers (hats,
    ride) first; beats that carry straight 16ths are left out (swing.pair_positions). 1
    straight, 2 triplet. NaN without pairs and in compound metres.
    """
    return a.swing_8.ratio


def swing_ratio_16(a: Analysis) -> float:
    """Long : short of swung 16ths, read as swing_ratio_8 within each 8th. NaN without pairs."""
    return a.swing_16.ratio


def swing_confidence(a: Analysis) -> float:
    """n / (n + 1) / (1 + (s / 0.05)^2), n pairs of 8ths a bar and s their robust spread.

    0 when there are no pairs; NaN without notes.
    """
    return a.swing_8.confidence if a.n_notes else NAN


def swing_confidence_16(a: Analysis) -> float:
    """swing_confidence for pairs of 16ths. 0 when there are no pairs; NaN without notes."""
    return a.swing_16.confidence if a.n_notes else NAN


def onset_density(a: Analysis) -> float:
    """Distinct onsets (notes less than a 12th of a quarter apart are one) a quarter. 0 without notes."""
    return len(a.onset) * TICKS_PER_QUARTER / a.length_tick


def onset_rate(a: Analysis) -> float:
    """Distinct onsets a second at the loop's tempo. 0 without notes."""
    return len(a.onset) / a.loop.length_sec


def notes_per_bar(a: Analysis) -> float:
    """Notes, layered ones counted singly, a bar. 0 without notes."""
    return a.n_notes / a.loop.bars


def pulse_slots(a: Analysis) -> IndexArray:
    """Slots of the rhythm that is heard against the metre: kick and snare of a kit, else all.

    Timekeeping cymbals fill every rest, so that with them no kit is ever syncopated (Witek
    et al. 2014 weight them lowest for the same reason).
    """
    if not a.loop.is_drums:
        return a.used_slots
    strokes = a.slot[(a.role == _PULSE_ROLES[0]) | (a.role == _PULSE_ROLES[1])]
    return np.unique(strokes) if len(strokes) else a.used_slots


def syncopation(a: Analysis) -> float:
    """Sum over onsets of (weight of the strongest rest before the next onset - own weight), a bar.

    Only positive differences count; weights are those of grid.metrical_weights, the loop is
    a circle. On drums kick and snare are read. 0 when nothing is syncopated; NaN without notes.
    """
    if not a.n_notes:
        return NAN
    used = pulse_slots(a)
    weights = np.tile(metrical_weights(a.meter, a.step_tick), a.loop.bars + 1)[: a.n_slots + a.slots_a_bar]
    circle = np.concatenate((weights[: a.n_slots], weights[: a.n_slots], weights[:1]))
    following = np.empty_like(used)
    following[:-1] = used[1:]
    following[-1] = used[0] + a.n_slots
    bounds = np.empty(2 * len(used), dtype=np.int64)
    bounds[0::2] = used + 1
    bounds[1::2] = following
    strongest = np.maximum.reduceat(circle, bounds)[0::2]
    gain = np.where(following > used + 1, strongest - circle[used], 0)
    return float(np.maximum(gain, 0).sum()) / a.loop.bars


def offbeat_rate(a: Analysis) -> float:
    """Share of the used grid slots that are not on a beat of the metre. NaN without notes."""
    if not a.n_notes:
        return NAN
    beats = a.used_slots % a.slots_a_bar * a.step_tick % a.meter.beat_tick == 0
    return 1.0 - np.count_nonzero(beats) / len(beats)


def ioi_entropy(a: Analysis) -> float:
    """Shannon entropy of the gaps between neighbouring onsets in grid slots, longest one bar.

    The gap across the loop's seam counts. 0 when all gaps are equal; NaN without notes.
    """
    if not a.n_notes:
        return NAN
    return entropy_bits(np.bincount(np.minimum(a.ioi_step, a.slots_a_bar)))


def grid_fit(a: Analysis) -> float:
    """1 - mean absolute distance of the onsets from the grid followed / what random onsets would have, at least 0.

    A common lag of at most 30 ticks is taken off first. 1 exactly on the grid. NaN without notes.
    """
    return max(0.0, 1.0 - a.grid_distance) if a.n_notes else NAN


def downbeat_rate(a: Analysis) -> float:
    """Share of the bars in which something begins on the first slot. NaN without notes."""
    return np.count_nonzero(a.pattern[:: a.slots_a_bar]) / a.loop.bars if a.n_notes else NAN


def sixteenth_rate(a: Analysis) -> float:
    """Share of the used grid slots that are not on a straight 8th of the bar. NaN without notes."""
    if not a.n_notes:
        return NAN
    return np.count_nonzero(a.used_slots % a.slots_a_bar * a.step_tick % EIGHTH_TICK) / len(a.used_slots)


def triplet_rate(a: Analysis) -> float:
    """Share of the onsets within 0.06 of a quarter of a triplet place (1/3 or 2/3 of it) and off the straight 8th.

    NaN without notes.
    """
    if not a.n_notes:
        return NAN
    share = a.onset % a.bar_tick % TICKS_PER_QUARTER / TICKS_PER_QUARTER
    return np.count_nonzero(np.abs(np.abs(share - 0.5) - 1 / 6) < _TRIPLET_WIDTH) / len(share)


def ioi_variability(a: Analysis) -> float:
    """nPVI: 100 x mean over neighbouring gaps of their difference / their mean, in grid slots around the circle.

    0 when all gaps are equal, below 200. NaN without notes.
    """
    if not a.n_notes:
        return NAN
    gap = a.ioi_step.astype(np.float64)
    following = np.concatenate((gap[1:], gap[:1]))
    return 200.0 * float((np.abs(gap - following) / (gap + following)).sum()) / len(gap)


def longest_gap(a: Analysis) -> float:
    """Longest gap between neighbouring onsets in quarters, around the circle. NaN without notes."""
    return float(a.ioi_step.max()) * a.step_tick / TICKS_PER_QUARTER if a.n_notes else NAN


def anticipation_rate(a: Analysis) -> float:
    """Share of the beats on which nothing begins but a note begun less than a beat before rings on.

    A pushed chord or a syncopated bass note. It must sound half a 16th past the beat. NaN without notes.
    """
    if not a.n_notes:
        return NAN
    beat = a.meter.beat_tick
    n_beats = a.length_tick // beat
    ahead = np.ceil((a.slot * a.step_tick + 1) / beat) * beat
    off = a.slot * a.step_tick % a.bar_tick % beat > 0
    held = off & (a.position % a.length_tick + a.duration > ahead + SIXTEENTH_TICK / 2)
    pushed = np.zeros(n_beats, dtype=np.bool_)
    pushed[(ahead[held] / beat).astype(np.int64) % n_beats] = True
    struck = np.zeros(n_beats, dtype=np.bool_)
    struck[(a.used_slots * a.step_tick)[a.used_slots * a.step_tick % beat == 0] // beat] = True
    return np.count_nonzero(pushed & ~struck) / n_beats


METRICS: tuple[Metric, ...] = (
    Metric("grid", "rhythm", grid, "slots a quarter", 2.0, 16.0, _DESIGN, "Grid", "グリッド",
           "The finest subdivision the loop really follows.",
           "ループが実際に従っている最小の音価（1拍の分割数）。"),
    Metric("swing_ratio_8", "rhythm", swing_ratio_8, "long : short", 2 / 3, 4.0, "Friberg and Sundström 2002",
           "Swing of 8ths", "8分スウィング比",
           "How much longer the first of two 8ths is than the second: 1 straight, 2 triplet.",
           "8分音符の表と裏の長さの比。1でイーブン、2で3連のスウィング。"),
    Metric("swing_ratio_16", "rhythm", swing_ratio_16, "long : short", 2 / 3, 4.0, "Friberg and Sundström 2002",
           "Swing of 16ths", "16分スウィング比",
           "How much longer the first of two 16ths is than the second: 1 straight, 2 triplet.",
           "16分音符の表と裏の長さの比。1でイーブン、2で3連のスウィング。"),
    Metric("swing_confidence", "rhythm", swing_confidence, "", 0.0, 1.0, _DESIGN,
           "Swing confidence", "スウィングの確度",
           "How many pairs of 8ths the swing was read from, and how steady they are.",
           "8分スウィング比の確かさ。読み取れた組の数とばらつきから求める。"),
    Metric("swing_confidence_16", "rhythm", swing_confidence_16, "", 0.0, 1.0, _DESIGN,
           "Swing confidence (16ths)", "スウィングの確度（16分）",
           "How many pairs of 16ths the swing was read from, and how steady they are.",
           "16分スウィング比の確かさ。読み取れた組の数とばらつきから求める。"),
    Metric("onset_density", "rhythm", onset_density, "onsets a quarter", 0.0, 12.0, _DESIGN,
           "Onset density", "音の密度",
           "How many distinct onsets there are in a quarter note.",
           "4分音符1つあたりの発音回数（同時の音は1回と数える）。"),
    Metric("onset_rate", "rhythm", onset_rate, "onsets a second", 0.0, math.inf, "Gabrielsson and Lindström 2010",
           "Onsets a second", "毎秒の発音数",
           "How many distinct onsets are heard in a second at the loop's tempo.",
           "そのテンポで1秒間に聞こえる発音回数。"),
    Metric("notes_per_bar", "rhythm", notes_per_bar, "notes a bar", 0.0, math.inf, _DESIGN,
           "Notes a bar", "小節あたりの音数",
           "How many notes a bar holds, layered ones counted singly.",
           "1小節あたりのノート数（重なった音も別々に数える）。"),
    Metric("syncopation", "rhythm", syncopation, "levels a bar", 0.0, math.inf, "Longuet-Higgins and Lee 1984",
           "Syncopation", "シンコペーション",
           "How strongly onsets fall before accents of the metre that stay empty (kick and snare on drums).",
           "強拍を空けてその前の弱い位置で鳴る度合い（ドラムはキックとスネアで測る）。"),
    Metric("offbeat_rate", "rhythm", offbeat_rate, "share", 0.0, 1.0, _DESIGN, "Off-beat share", "裏拍の割合",
           "The share of onsets that are not on a beat.",
           "拍の頭以外で鳴る音の割合。"),
    Metric("ioi_entropy", "rhythm", ioi_entropy, "bits", 0.0, 12.0, "Shannon 1948",
           "Variety of gaps", "音間隔の多様さ",
           "How varied the gaps between neighbouring onsets are.",
           "隣り合う発音の間隔がどれだけ多様か。"),
    Metric("ioi_variability", "rhythm", ioi_variability, "nPVI", 0.0, 200.0, "Grabe and Low 2002",
           "Contrast of gaps", "音間隔の対比",
           "How much each gap differs from the next: 0 even, higher long-short.",
           "隣り合う音間隔の長短の差。0で均等、大きいほど長短がはっきりする。"),
    Metric("longest_gap", "rhythm", longest_gap, "quarters", 0.0, math.inf, _DESIGN, "Longest gap", "最長の空白",
           "The longest time in which nothing begins.",
           "次の音が始まるまでのいちばん長い間。"),
    Metric("grid_fit", "rhythm", grid_fit, "", 0.0, 1.0, _DESIGN, "Fit to the grid", "グリッドとの一致度",
           "How closely the onsets follow the grid: 1 exactly, 0 no better than chance.",
           "発音がグリッドにどれだけ沿うか。1で完全一致、0で偶然と同じ。"),
    Metric("downbeat_rate", "rhythm", downbeat_rate, "share", 0.0, 1.0, _DESIGN, "Downbeats", "小節頭の発音率",
           "The share of bars that begin with an onset.",
           "1拍目の頭で音が鳴る小節の割合。"),
    Metric("sixteenth_rate", "rhythm", sixteenth_rate, "share", 0.0, 1.0, _DESIGN,
           "Between the 8ths", "8分の間の音の割合",
           "The share of onsets that lie between the straight 8ths.",
           "8分音符の位置より細かいところで鳴る音の割合。"),
    Metric("triplet_rate", "rhythm", triplet_rate, "share", 0.0, 1.0, _DESIGN, "Triplet places", "3連位置の割合",
           "The share of onsets that lie on a third of the quarter.",
           "4分音符の3等分の位置で鳴る音の割合。"),
    Metric("anticipation_rate", "rhythm", anticipation_rate, "share", 0.0, 1.0, "Temperley 1999",
           "Pushes", "食い（アンティシペーション）",
           "The share of beats that are taken early and held over.",
           "拍の手前で鳴って拍をまたいで伸びる「食い」の割合。", PITCHED),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
