"""Tonality: register, scale and chords, how the line moves, how many notes sound together and how long."""

from __future__ import annotations

import math

import numpy as np

from composer_core.metrics.analysis import Analysis
from composer_core.metrics.grid import CLUSTER_TICK
from composer_core.metrics.key_profiles import key_correlations
from composer_core.metrics.metric import PITCHED, Metric
from composer_core.metrics.spread import entropy_bits
from composer_core.metrics.swing import median
from composer_core.music.timing import TICKS_PER_QUARTER

NAN = math.nan
_MIN_PITCH_CLASSES = 3
_SCALES = np.zeros((36, 12))
for _index, _degrees in enumerate(((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 11), (0, 2, 3, 5, 7, 9, 11))):
    for _root in range(12):
        _SCALES[12 * _index + _root, [(_root + degree) % 12 for degree in _degrees]] = 1.0
"""Major (and its modes, natural minor among them), harmonic and melodic minor on every root."""


def register(a: Analysis) -> float:
    """Mean pitch (MIDI note number), notes weighted alike. NaN without notes."""
    return float(a.pitch.sum()) / a.n_notes if a.n_notes else NAN


def mode_lean(a: Analysis) -> float:
    """Best correlation with a major key minus best with a minor key; positive is major.

    Durations summed over the twelve pitch classes against the profiles of all 24 keys
    (Krumhansl and Schmuckler). NaN with fewer than three pitch classes.
    """
    weight = np.asarray(np.bincount(a.pitch % 12, weights=a.duration, minlength=12), dtype=np.float64)
    if np.count_nonzero(weight) < _MIN_PITCH_CLASSES or weight.std() == 0:
        return NAN
    found = key_correlations(weight[None, :], "krumhansl")[0]
    return float(found[:12].max() - found[12:].max())


def articulation(a: Analysis) -> float:
    """Median of duration / gap to the next distinct onset: near 0 staccato, 1 legato, at most 4.

    The gap after the last onset reaches to the first. NaN without notes.
    """
    if not a.n_notes:
        return NAN
    later = np.concatenate((a.onset, a.onset + a.length_tick, a.onset[:1] + 2 * a.length_tick))
    ahead = later[np.searchsorted(later, a.position + CLUSTER_TICK)]
    gap = np.maximum(ahead - a.position, 1.0)
    return min(4.0, median(a.duration / gap))


def pitch_range(a: Analysis) -> float:
    """Highest minus lowest pitch in semitones. NaN without notes."""
    return float(a.pitch.max() - a.pitch.min()) if a.n_notes else NAN


def top_line_range(a: Analysis) -> float:
    """Range in semitones of the upper line: the highest pitch of each onset. NaN without notes."""
    return float(a.voices.high.max() - a.voices.high.min()) if a.n_notes else NAN


def n_pitch_classes(a: Analysis) -> float:
    """Number of different pitch classes, 1 to 12. NaN without notes."""
    return float(np.count_nonzero(np.bincount(a.pitch % 12, minlength=12))) if a.n_notes else NAN


def pitch_class_entropy(a: Analysis) -> float:
    """Shannon entropy in bits of the time each pitch class sounds; 3.58 when all are alike. NaN without notes."""
    return entropy_bits(a.harmony.chroma) if a.n_notes and a.harmony.chroma.any() else NAN


def scale_consistency(a: Analysis) -> float:
    """Largest share of the sounding time inside one scale: major (or a mode of it), harmonic or melodic minor.

    The best of the 36 on all roots; at least 7/12. NaN without notes.
    """
    if not a.n_notes or not a.harmony.chroma.any():
        return NAN
    return float((_SCALES @ a.harmony.chroma).max()) / float(a.harmony.chroma.sum())


def key_clarity(a: Analysis) -> float:
    """Best correlation of the time each pitch class sounds with a key's profile (Krumhansl and Kessler), -1 to 1.

    NaN with fewer than three pitch classes.
    """
    weight = a.harmony.chroma if a.n_notes else np.zeros(12)
    if np.count_nonzero(weight) < _MIN_PITCH_CLASSES or weight.std() == 0:
        return NAN
    return float(key_correlations(weight[None, :], "krumhansl").max())


def chord_tone_rate(a: Analysis) -> float:
    """Share of the sounding time that belongs to the chord of its bar (harmony.Harmony.chords). NaN without notes."""
    return a.harmony.chords.inside if a.n_notes else NAN


def chord_change_rate(a: Analysis) -> float:
    """Share of the bar lines, the seam included, at which root or quality of the chord changes.

    Silent bars count as a chord of their own. NaN without notes.
    """
    if not a.n_notes:
        return NAN
    chords = a.harmony.chords
    code = chords.root * 64 + chords.quality
    return np.count_nonzero(code != np.concatenate((code[1:], code[:1]))) / len(code)


def clash_rate(a: Analysis) -> float:
    """Of neighbouring pitches struck together, the share a semitone, tritone or major seventh apart (octaves off).

    NaN when no two different pitches are struck together.
    """
    step = a.voices.neighbour_interval
    step = step[step > 0] % 12
    return np.count_nonzero((step == 1) | (step == 6) | (step == 11)) / len(step) if len(step) else NAN


def polyphony_rate(a: Analysis) -> float:
    """Share of the sounding time in which two notes or more sound: a held chord 1, a line 0. NaN without notes."""
    if not a.n_notes:
        return NAN
    one, two, _ = a.voices.texture
    return min(1.0, two / one) if one > 0 else NAN


def polyphony_mean(a: Analysis) -> float:
    """Mean number of notes sounding while any does. NaN without notes."""
    if not a.n_notes:
        return NAN
    one, _, total = a.voices.texture
    return total / one if one > 0 else NAN


def rest_rate(a: Analysis) -> float:
    """Share of the loop's time in which nothing sounds. NaN without notes."""
    return max(0.0, 1.0 - a.voices.texture[0]) if a.n_notes else NAN


def chord_size(a: Analysis) -> float:
    """Mean number of notes struck together. NaN without notes."""
    return a.n_notes / len(a.voices.first) if a.n_notes else NAN


def _move_rate(a: Analysis, low: int, high: int) -> float:
    """Share of the moves of the line of `low` to `high` semitones."""
    if not a.n_notes:
        return NAN
    size = np.abs(a.line_move)
    return np.count_nonzero((size >= low) & (size <= high)) / len(size)


def repeated_note_rate(a: Analysis) -> float:
    """Share of the moves of the line that stay on the same pitch, around the circle. NaN without notes.

    The line is the lowest note of each onset on bass, the highest elsewhere.
    """
    return _move_rate(a, 0, 0)


def step_rate(a: Analysis) -> float:
    """Share of the moves of the line of one or two semitones, around the circle. NaN without notes."""
    return _move_rate(a, 1, 2)


def leap_rate(a: Analysis) -> float:
    """Share of the moves of the line of more than four semitones, around the circle. NaN without notes."""
    return _move_rate(a, 5, 127)


def mean_interval(a: Analysis) -> float:
    """Mean size of the moves of the line in semitones, repeated notes included. NaN without notes."""
    return float(np.abs(a.line_move).sum()) / len(a.line_move) if a.n_notes else NAN


def contour_turn_rate(a: Analysis) -> float:
    """Of the moves of the line that are no repeats, the share that turn against the one before. NaN without any."""
    move = a.line_move[a.line_move != 0] if a.n_notes else np.empty(0)
    if not len(move):
        return NAN
    rising = move > 0
    return np.count_nonzero(rising != np.concatenate((rising[1:], rising[:1]))) / len(move)


def overlap_rate(a: Analysis) -> float:
    """Share of the notes that still sound a 12th of a quarter after the next onset has begun. NaN without notes."""
    return np.count_nonzero(a.voices.rings_over) / a.n_notes if a.n_notes else NAN


def staccato_rate(a: Analysis) -> float:
    """Share of the notes that last less than half of the gap to the next onset. NaN without notes."""
    if not a.n_notes:
        return NAN
    return np.count_nonzero(a.voices.duration < 0.5 * a.voices.gap_tick[a.voices.onset]) / a.n_notes


def note_length(a: Analysis) -> float:
    """Median duration of the notes in quarters. NaN without notes."""
    return median(a.duration.astype(np.float64)) / TICKS_PER_QUARTER if a.n_notes else NAN


_DESIGN = "definition of this project"
METRICS: tuple[Metric, ...] = (
    Metric("register", "tonality", register, "MIDI note", 0.0, 127.0, "MIDI 1.0", "Register", "音域",
           "How high the notes lie on average.",
           "音の平均の高さ。", PITCHED),
    Metric("mode_lean", "tonality", mode_lean, "", -2.0, 2.0, "Krumhansl and Kessler 1982",
           "Major or minor", "長調・短調の傾き",
           "Whether the pitches fit a major key (+) better or a minor one (-).",
           "長調（＋）と短調（−）のどちらに近いか。", PITCHED),
    Metric("articulation", "tonality", articulation, "share of the gap", 0.0, 4.0, "Gabrielsson and Lindström 2010",
           "Articulation", "アーティキュレーション",
           "How much of the time to the next note is held: small staccato, 1 legato.",
           "次の音までどれだけ伸ばすか。小さいほどスタッカート、1でレガート。", PITCHED),
    Metric("pitch_range", "tonality", pitch_range, "semitones", 0.0, 127.0, "muspy 0.5", "Pitch range", "音域の広さ",
           "The distance between the lowest and the highest note.",
           "いちばん低い音と高い音の隔たり。", PITCHED),
    Metric("top_line_range", "tonality", top_line_range, "semitones", 0.0, 127.0, _DESIGN,
           "Range of the top line", "トップラインの音域",
           "How far the highest notes range.",
           "各和音のいちばん高い音がどれだけ動くか。", PITCHED),
    Metric("n_pitch_classes", "tonality", n_pitch_classes, "pitch classes", 1.0, 12.0, "muspy 0.5",
           "Pitch classes", "使われる音名の数",
           "How many of the twelve pitch classes are used.",
           "12音のうち使われている音名の数。", PITCHED),
    Metric("pitch_class_entropy", "tonality", pitch_class_entropy, "bits", 0.0, 3.6, "Wu and Yang 2020",
           "Variety of pitch classes", "音名の多様さ",
           "How many pitch classes are used and how evenly.",
           "音名がどれだけ多様に、均等に使われているか。", PITCHED),
    Metric("scale_consistency", "tonality", scale_consistency, "share", 0.0, 1.0, "Mogren 2016",
           "In one scale", "スケール一致率",
           "The share of sounding time inside the one scale that fits best.",
           "もっとも合う音階（スケール）に含まれる音の割合。", PITCHED),
    Metric("key_clarity", "tonality", key_clarity, "", -1.0, 1.0, "Krumhansl and Kessler 1982",
           "Key clarity", "調の明確さ",
           "How clearly the pitches point to one key.",
           "音の使い方がひとつの調をどれだけはっきり示すか。", PITCHED),
    Metric("chord_tone_rate", "tonality", chord_tone_rate, "share", 0.0, 1.0, "Yeh et al. 2021",
           "Chord tones", "コードトーンの割合",
           "The share of sounding time that belongs to the chord of the bar.",
           "各小節のコードの構成音が占める割合。", PITCHED),
    Metric("chord_change_rate", "tonality", chord_change_rate, "share", 0.0, 1.0, _DESIGN,
           "Chord changes", "コードチェンジの割合",
           "At how many bar lines the chord changes.",
           "小節の変わり目でコードが変わる割合。", PITCHED),
    Metric("clash_rate", "tonality", clash_rate, "share", 0.0, 1.0, "Huron 1994",
           "Clashing intervals", "不協和音程の割合",
           "How many intervals struck together are semitones, tritones or major sevenths.",
           "同時に鳴る音程のうち短2度・三全音・長7度の割合。", PITCHED),
    Metric("polyphony_rate", "tonality", polyphony_rate, "share", 0.0, 1.0, "muspy 0.5, corrected",
           "Polyphony", "複音の割合",
           "How much of the sounding time holds two notes or more.",
           "音が鳴っている時間のうち2音以上が重なる割合。", PITCHED),
    Metric("polyphony_mean", "tonality", polyphony_mean, "notes", 1.0, 128.0, "muspy 0.5",
           "Voices sounding", "同時発音数",
           "How many notes sound together on average.",
           "平均して同時に鳴っている音の数。", PITCHED),
    Metric("rest_rate", "tonality", rest_rate, "share", 0.0, 1.0, _DESIGN, "Rests", "休符の割合",
           "The share of the time in which nothing sounds.",
           "何も鳴っていない時間の割合。", PITCHED),
    Metric("chord_size", "tonality", chord_size, "notes", 1.0, math.inf, _DESIGN,
           "Notes struck together", "一度に弾く音数",
           "How many notes are struck at an onset on average.",
           "1回の打鍵・ストロークで鳴る音の平均数。", PITCHED),
    Metric("repeated_note_rate", "tonality", repeated_note_rate, "share", 0.0, 1.0, "Huron 2006",
           "Repeated notes", "同音反復の割合",
           "How often the line stays on the same pitch.",
           "ラインが同じ高さの音を繰り返す割合。", PITCHED),
    Metric("step_rate", "tonality", step_rate, "share", 0.0, 1.0, "Huron 2006", "Steps", "順次進行の割合",
           "How often the line moves by a semitone or tone.",
           "ラインが半音または全音で動く割合。", PITCHED),
    Metric("leap_rate", "tonality", leap_rate, "share", 0.0, 1.0, "Huron 2006", "Leaps", "跳躍進行の割合",
           "How often the line moves by a fourth or more.",
           "ラインが完全4度以上跳ぶ割合。", PITCHED),
    Metric("mean_interval", "tonality", mean_interval, "semitones", 0.0, 127.0, "Huron 2006",
           "Mean interval", "平均音程",
           "How far the line moves from note to note on average.",
           "ラインが1音ごとに動く平均の幅。", PITCHED),
    Metric("contour_turn_rate", "tonality", contour_turn_rate, "share", 0.0, 1.0, _DESIGN,
           "Turns of the line", "旋律の折り返し",
           "How often the line changes direction.",
           "ラインの上行・下行が入れ替わる割合。", PITCHED),
    Metric("overlap_rate", "tonality", overlap_rate, "share", 0.0, 1.0, _DESIGN, "Notes ringing over", "響きの重なり",
           "How many notes ring on into the next onset.",
           "次の音が鳴っても伸び続ける音の割合。", PITCHED),
    Metric("staccato_rate", "tonality", staccato_rate, "share", 0.0, 1.0, _DESIGN, "Short notes", "短く切る音の割合",
           "How many notes last less than half the time to the next.",
           "次の音までの半分も伸ばさない音の割合。", PITCHED),
    Metric("note_length", "tonality", note_length, "quarters", 0.0, math.inf, "muspy 0.5", "Note length", "音の長さ",
           "How long the notes are held, in quarters (median).",
           "音の長さの中央値（4分音符単位）。", PITCHED),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
