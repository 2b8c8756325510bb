"""Compute about a hundred features of pitched notes in seconds: rate, dynamics, register, touch, harmony, melody.

No beat is needed, so performed music without a grid and notated music are read in the same way. Values
are NaN where the notes do not suffice (too few notes, silence). Sources: the cues of emotional
expression collected by Gabrielsson and Lindström (2010) and Eerola, Friberg and Bresin (2013);
key profiles by Krumhansl and Kessler (1982); interval dissonance after Huron (1994); nPVI after
Grabe and Low (2002).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from composer_core.estimate.note_list import FloatArray, IntArray, NoteList

CLUSTER_SEC = 0.035
"""Onsets closer than this belong to one chord."""
WINDOW_SEC = 4.0
FRAME_SEC = 0.25
_MIDDLE_C = 60
_MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
_CONSONANCE = np.array([0.0, -1.428, -0.582, 0.594, 0.386, 1.240, -0.453])
"""Consonance of interval classes 0 to 6: Huron's standardised index (1994), unisons neutral."""
_CHORDS = {
    "major": (0, 4, 7), "minor": (0, 3, 7), "diminished": (0, 3, 6), "augmented": (0, 4, 8), "suspended": (0, 5, 7),
    "dominant_seventh": (0, 4, 7, 10), "major_seventh": (0, 4, 7, 11), "minor_seventh": (0, 3, 7, 10),
}  # fmt: skip
_LEAST_NOTES = 4


def standard(profile: NDArray[np.number]) -> FloatArray:
    """Twelve weights with mean 0 and length 1."""
    centred = profile - profile.mean()
    return np.asarray(centred / np.sqrt((centred**2).sum()))


KEY_PROFILES = np.stack([np.roll(standard(profile), root) for profile in (_MAJOR, _MINOR) for root in range(12)])
"""(24, 12): the profiles of the 12 major and the 12 minor keys, standardised."""
_TEMPLATES = np.stack(
    [np.roll(standard(np.isin(np.arange(12), tones) * 1.0), root) for tones in _CHORDS.values() for root in range(12)]
)


FEATURE_NAMES = (
    "note_rate", "onset_rate", "gap_median", "gap_mean", "gap_sd", "gap_p10", "gap_p90", "gap_entropy",
    "gap_variability", "rate_change", "rate_trend", "low_rate", "high_rate", "pulse_clarity", "pulse_period",
    "velocity_mean", "velocity_sd", "velocity_p10", "velocity_p90", "velocity_max", "velocity_step",
    "velocity_trend", "velocity_low_hand", "velocity_high_hand", "velocity_accent", "register", "register_sd",
    "register_p5", "register_p95", "pitch_range", "low_share", "high_share", "register_trend", "n_pitches",
    "articulation", "articulation_sd", "duration_mean", "duration_sd", "duration_median", "short_share",
    "long_share", "polyphony", "polyphony_sd", "polyphony_max", "silence_share", "chord_size", "chord_share",
    "single_share", "mode_lean", "mode_lean_local", "mode_lean_sd", "minor_key", "key_fit", "key_margin",
    "pitch_class_entropy", "scale_share", "tonal_spread", "degree_0", "degree_1", "degree_2", "degree_3",
    "degree_4", "degree_5", "degree_6", "degree_7", "degree_8", "degree_9", "degree_10", "degree_11",
    "chord_major", "chord_minor", "chord_diminished", "chord_augmented", "chord_suspended",
    "chord_dominant_seventh", "chord_major_seventh", "chord_minor_seventh", "share_major", "share_minor",
    "share_diminished", "share_augmented", "chord_lean", "chord_fit", "chord_changes", "harmonic_flux",
    "chroma_tones", "consonance", "interval_class_1", "interval_class_2", "interval_class_3", "interval_class_4",
    "interval_class_5", "interval_class_6", "melody_register", "bass_register", "hand_distance",
    "melody_interval", "melody_step_share", "melody_leap_share", "melody_repeat_share", "melody_up_share",
    "melody_turn_share", "melody_entropy", "bass_interval", "octave_share",
)  # fmt: skip
"""Every feature in the order of a row."""


def note_features(notes: NoteList) -> dict[str, float]:
    """Every feature by name; all NaN for fewer than four notes."""
    if len(notes) < _LEAST_NOTES or notes.length_sec <= 0:
        return dict.fromkeys(FEATURE_NAMES, math.nan)
    starts = cluster_starts(notes.onset_sec)
    return {
        **_rate(notes, starts),
        **_dynamics(notes),
        **_register(notes),
        **_touch(notes, starts),
        **_tonality(notes),
        **_harmony(notes),
        **_melody(notes, starts),
    }


def feature_row(notes: NoteList) -> FloatArray:
    """`note_features` as one row in the order of FEATURE_NAMES."""
    return np.array(list(note_features(notes).values()))


def cluster_starts(onset_sec: FloatArray) -> IntArray:
    """Index of the first note of each chord: onsets at least CLUSTER_SEC after the note before."""
    return np.flatnonzero(np.concatenate(([True], np.diff(onset_sec) >= CLUSTER_SEC)))


def mean(values: FloatArray) -> float:
    """Mean, NaN of nothing."""
    return float(values.mean()) if len(values) else math.nan


def _rate(notes: NoteList, starts: IntArray) -> dict[str, float]:
    onset = notes.onset_sec[starts]
    span = max(notes.length_sec, 1.0)
    gap = np.diff(onset)
    gap = gap[gap > 0]
    log_gap = np.log2(np.clip(gap, 0.02, 8.0))
    local = np.histogram(onset, bins=max(2, round(span / WINDOW_SEC)))[0]
    shares = np.histogram(log_gap, bins=np.linspace(-5.0, 3.0, 17))[0] / max(1, len(gap))
    low, high = onset_counts(notes)
    return {
        "note_rate": math.log2(len(notes) / span),
        "onset_rate": math.log2(len(onset) / span),
        "gap_median": float(np.median(log_gap)) if len(gap) else math.nan,
        "gap_mean": mean(log_gap),
        "gap_sd": float(log_gap.std()) if len(gap) else math.nan,
        "gap_p10": float(np.percentile(log_gap, 10)) if len(gap) else math.nan,
        "gap_p90": float(np.percentile(log_gap, 90)) if len(gap) else math.nan,
        "gap_entropy": entropy(shares),
        "gap_variability": mean(np.abs(np.diff(gap)) / (gap[1:] + gap[:-1]) * 2) if len(gap) > 1 else math.nan,
        "rate_change": float(local.std() / max(local.mean(), 1e-9)),
        "rate_trend": slope(np.arange(len(local)) / len(local), local / max(local.mean(), 1e-9)),
        "low_rate": low / span,
        "high_rate": high / span,
        **_pulse(notes),
    }


def onset_counts(notes: NoteList) -> tuple[int, int]:
    """Distinct onsets below middle C and from it on."""
    hands = (notes.onset_sec[notes.pitch < _MIDDLE_C], notes.onset_sec[notes.pitch >= _MIDDLE_C])
    low, high = (len(cluster_starts(hand)) if len(hand) else 0 for hand in hands)
    return low, high


def _pulse(notes: NoteList) -> dict[str, float]:
    """How regular the onsets are: highest autocorrelation of the velocity-weighted onsets at 0.25 to 1.2 s."""
    step = 0.02
    n = int(notes.length_sec / step) + 2
    strength = np.bincount(
        ((notes.onset_sec - notes.onset_sec[0]) / step).astype(np.int64), weights=notes.velocity, minlength=n
    )[:n]
    strength = np.convolve(strength, np.array([0.25, 0.5, 1.0, 0.5, 0.25]), mode="same")
    strength = strength - strength.mean()
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(strength, size)) ** 2
    correlation = np.fft.irfft(spectrum, size)[:n]
    first, last = int(0.25 / step), min(int(1.2 / step), n)
    if last <= first + 1 or correlation[0] <= 0:
        return {"pulse_clarity": math.nan, "pulse_period": math.nan}
    lags = correlation[first:last] / correlation[0]
    best = int(lags.argmax())
    return {"pulse_clarity": float(lags[best]), "pulse_period": math.log2((best + first) * step)}


def _dynamics(notes: NoteList) -> dict[str, float]:
    velocity = notes.velocity
    low, high = velocity[notes.pitch < _MIDDLE_C], velocity[notes.pitch >= _MIDDLE_C]
    return {
        "velocity_mean": float(velocity.mean()),
        "velocity_sd": float(velocity.std()),
        "velocity_p10": float(np.percentile(velocity, 10)),
        "velocity_p90": float(np.percentile(velocity, 90)),
        "velocity_max": float(velocity.max()),
        "velocity_step": mean(np.abs(np.diff(velocity))),
        "velocity_trend": slope(notes.onset_sec / notes.length_sec, velocity),
        "velocity_low_hand": mean(low),
        "velocity_high_hand": mean(high),
        "velocity_accent": float(np.percentile(velocity, 95) - np.median(velocity)),
    }


def _register(notes: NoteList) -> dict[str, float]:
    pitch = notes.pitch.astype(np.float64)
    return {
        "register": float(pitch.mean()),
        "register_sd": float(pitch.std()),
        "register_p5": float(np.percentile(pitch, 5)),
        "register_p95": float(np.percentile(pitch, 95)),
        "pitch_range": float(pitch.max() - pitch.min()),
        "low_share": float((pitch < 48).mean()),
        "high_share": float((pitch >= 72).mean()),
        "register_trend": slope(notes.onset_sec / notes.length_sec, pitch),
        "n_pitches": float(len(np.unique(notes.pitch))),
    }


def _touch(notes: NoteList, starts: IntArray) -> dict[str, float]:
    duration = notes.end_sec - notes.onset_sec
    onset = notes.onset_sec[starts]
    following = np.append(onset, notes.end_sec.max())
    gap = np.maximum(following[np.searchsorted(onset, notes.onset_sec, side="right")] - notes.onset_sec, 0.02)
    size = np.diff(np.append(starts, len(notes)))
    sounding = _sounding(notes)
    log_duration = np.log2(np.clip(duration, 0.02, 16.0))
    return {
        "articulation": float(np.median(np.minimum(duration / gap, 8.0))),
        "articulation_sd": float(np.minimum(duration / gap, 8.0).std()),
        "duration_mean": float(log_duration.mean()),
        "duration_sd": float(log_duration.std()),
        "duration_median": float(np.median(log_duration)),
        "short_share": float((duration < 0.15).mean()),
        "long_share": float((duration > 1.0).mean()),
        "polyphony": float(sounding.mean()),
        "polyphony_sd": float(sounding.std()),
        "polyphony_max": float(sounding.max()),
        "silence_share": float((sounding == 0).mean()),
        "chord_size": float(size.mean()),
        "chord_share": float((size >= 3).mean()),
        "single_share": float((size == 1).mean()),
    }


def _sounding(notes: NoteList) -> FloatArray:
    """Number of notes that sound in the middle of each frame."""
    at = np.arange(notes.onset_sec[0] + FRAME_SEC / 2, notes.end_sec.max(), FRAME_SEC)
    if not len(at):
        at = notes.onset_sec[:1]
    begun = np.searchsorted(notes.onset_sec, at, side="right")
    ended = np.searchsorted(np.sort(notes.end_sec), at, side="right")
    return np.asarray(begun - ended, dtype=np.float64)


def pitch_class_weights(notes: NoteList) -> FloatArray:
    """Seconds (at most 2 a note) summed over the twelve pitch classes."""
    weight = np.minimum(notes.end_sec - notes.onset_sec, 2.0)
    return np.asarray(np.bincount(notes.pitch % 12, weights=weight, minlength=12), dtype=np.float64)


def _tonality(notes: NoteList) -> dict[str, float]:
    weight = pitch_class_weights(notes)
    fit = KEY_PROFILES @ standard(weight) if weight.std() > 0 else np.zeros(24)
    best = int(fit.argmax())
    relative = np.roll(weight, -(best % 12)) / weight.sum()
    lean = float(fit[:12].max() - fit[12:].max())
    windows = _window_leans(notes)
    fifths = np.roll(weight, -(best % 12)) @ np.exp(2j * np.pi * 7 * np.arange(12) / 12) / weight.sum()
    scale = relative[[0, 2, 4, 5, 7, 9, 11]] if best < 12 else relative[[0, 2, 3, 5, 7, 8, 10]]
    return {
        "mode_lean": lean,
        "mode_lean_local": mean(windows),
        "mode_lean_sd": float(windows.std()) if len(windows) else math.nan,
        "minor_key": float(best >= 12),
        "key_fit": float(fit[best]),
        "key_margin": float(fit[best] - np.partition(fit, -2)[-2]),
        "pitch_class_entropy": entropy(weight / weight.sum()),
        "scale_share": float(scale.sum()),
        "tonal_spread": float(abs(fifths)),
        **{f"degree_{degree}": float(share) for degree, share in enumerate(relative)},
    }


def _window_leans(notes: NoteList) -> FloatArray:
    leans = []
    for chosen in windows_of(notes, WINDOW_SEC):
        weight = np.bincount(
            notes.pitch[chosen] % 12, weights=notes.end_sec[chosen] - notes.onset_sec[chosen], minlength=12
        )
        if np.count_nonzero(weight) > 2:
            fit = KEY_PROFILES @ standard(weight)
            leans.append(float(fit[:12].max() - fit[12:].max()))
    return np.array(leans)


def windows_of(notes: NoteList, size_sec: float) -> list[slice]:
    """Slices of the notes that begin in each stretch of `size_sec`; empty stretches are left out."""
    edges = np.arange(notes.onset_sec[0], notes.onset_sec[-1] + size_sec, size_sec)
    bounds = np.searchsorted(notes.onset_sec, edges).tolist()
    return [slice(a, b) for a, b in zip(bounds, [*bounds[1:], len(notes)], strict=True) if b > a]


def frame_chroma(notes: NoteList, frame_sec: float) -> FloatArray:
    """(frames, 12): seconds each pitch class sounds in each frame, loud notes counting more."""
    first = notes.onset_sec[0]
    n = max(1, math.ceil((notes.end_sec.max() - first) / frame_sec))
    edges = np.arange(n) * frame_sec
    start, stop = notes.onset_sec - first, np.minimum(notes.end_sec, notes.onset_sec + 4.0) - first
    held = np.minimum(stop[None, :], edges[:, None] + frame_sec) - np.maximum(start[None, :], edges[:, None])
    held = np.maximum(held, 0.0) * notes.velocity / 64.0
    return np.asarray(held @ np.eye(12)[notes.pitch % 12])


def _harmony(notes: NoteList) -> dict[str, float]:
    chroma = frame_chroma(notes, 4 * FRAME_SEC)
    chroma = chroma[chroma.sum(axis=1) > 0]
    centred = chroma - chroma.mean(axis=1, keepdims=True)
    norm = np.maximum(np.sqrt((centred**2).sum(axis=1, keepdims=True)), 1e-9)
    fit = (centred / norm) @ _TEMPLATES.T
    by_chord = fit.reshape(len(fit), len(_CHORDS), 12).max(axis=2)
    share = np.bincount(by_chord[:, :4].argmax(axis=1), minlength=4) / len(fit)
    shape = chroma / chroma.sum(axis=1, keepdims=True)
    root = fit[:, :24].argmax(axis=1)
    classes = _interval_classes(notes)
    names = list(_CHORDS)
    return {
        **{f"chord_{name}": float(by_chord[:, i].mean()) for i, name in enumerate(names)},
        **{f"share_{name}": float(share[i]) for i, name in enumerate(names[:4])},
        "chord_lean": float((by_chord[:, 0] - by_chord[:, 1]).mean()),
        "chord_fit": float(fit.max(axis=1).mean()),
        "chord_changes": float((np.diff(root) != 0).mean()) if len(root) > 1 else math.nan,
        "harmonic_flux": mean(np.abs(np.diff(shape, axis=0)).sum(axis=1)) if len(shape) > 1 else math.nan,
        "chroma_tones": float((shape > 0.05).sum(axis=1).mean()),
        "consonance": float((classes * _CONSONANCE).sum()),
        **{f"interval_class_{i}": float(classes[i]) for i in range(1, 7)},
    }


def _interval_classes(notes: NoteList) -> FloatArray:
    """Shares of the interval classes 0 to 6 between each note and those sounding at its onset."""
    count = np.zeros(7)
    for index in range(1, len(notes)):
        first = max(0, index - 12)
        held = notes.end_sec[first:index] > notes.onset_sec[index] + 0.01
        interval = np.abs(notes.pitch[first:index][held] - notes.pitch[index]) % 12
        count += np.bincount(np.minimum(interval, 12 - interval), minlength=7)
    shares: FloatArray = count / max(1.0, count.sum())
    return shares


def _melody(notes: NoteList, starts: IntArray) -> dict[str, float]:
    top = np.maximum.reduceat(notes.pitch, starts)
    bottom = np.minimum.reduceat(notes.pitch, starts)
    melody = top[top >= np.percentile(top, 40)]
    bass = bottom[bottom <= np.percentile(bottom, 40)]
    step = np.diff(melody)
    size = np.abs(step)
    moving = step[step != 0]
    return {
        "melody_register": mean(melody.astype(np.float64)),
        "bass_register": mean(bass.astype(np.float64)),
        "hand_distance": float(melody.mean() - bass.mean()) if len(bass) else math.nan,
        "melody_interval": mean(size.astype(np.float64)),
        "melody_step_share": mean((size <= 2) * 1.0),
        "melody_leap_share": mean((size >= 5) * 1.0),
        "melody_repeat_share": mean((size == 0) * 1.0),
        "melody_up_share": mean((moving > 0) * 1.0),
        "melody_turn_share": mean((moving[1:] * moving[:-1] < 0) * 1.0) if len(moving) > 1 else math.nan,
        "melody_entropy": entropy(np.bincount(np.minimum(size, 12), minlength=13) / max(1, len(size))),
        "bass_interval": mean(np.abs(np.diff(bass)).astype(np.float64)),
        "octave_share": _octave_share(notes, starts),
    }


def _octave_share(notes: NoteList, starts: IntArray) -> float:
    """Chords that hold an octave, as a share of the chords of two notes or more."""
    groups = [group for group in np.split(notes.pitch, starts[1:]) if len(group) > 1]
    if not groups:
        return 0.0
    return float(np.mean([np.isin(group + 12, group).any() for group in groups]))


def entropy(shares: FloatArray) -> float:
    """Entropy in bits of shares that add up to 1."""
    known = shares[shares > 0]
    return float(-(known * np.log2(known)).sum())


def slope(x: FloatArray, y: FloatArray) -> float:
    """Slope of the least-squares line."""
    centred = np.asarray(x) - np.mean(x)
    spread = float((centred**2).sum())
    return float((centred * (y - np.mean(y))).sum() / spread) if spread > 0 else 0.0
