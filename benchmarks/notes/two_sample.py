"""The two-sample test: can boosted trees tell written windows from human ones by plain features of the notes?

Both sides are snapped by one rule first. Folds are by song: a written window belongs to the song
of the human window whose request it answers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from composer_core.music.drums import ROLES, role_index
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import TICKS_PER_STEP, Meter
from composer_core.tokens.snap import snap_loop

FloatArray = NDArray[np.float64]
FOLDS, SEEDS, RESAMPLES = 5, 3, 400
_TREES = {
    "objective": "binary", "num_leaves": 8, "learning_rate": 0.05, "min_data_in_leaf": 8, "feature_fraction": 0.5,
    "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 1.0, "verbosity": -1, "num_threads": 1,
}  # fmt: skip
_ROUNDS = 150


@dataclass(frozen=True, slots=True)
class Window:
    """Notes of one window in steps of a 12th of a quarter, and the song it belongs to."""

    onset: NDArray[np.int64]
    pitch: NDArray[np.int64]
    length: NDArray[np.int64]
    bar_steps: int
    bars: int
    meter: str
    drums: bool
    song: str


def snapped(window: Window) -> Window:
    """The window through the product's own snap, as both sides of the test go."""
    notes = Notes.of(
        window.onset * TICKS_PER_STEP, window.length * TICKS_PER_STEP, window.pitch, np.full(len(window.pitch), 80)
    )
    loop = Loop("drums" if window.drums else "piano", notes, window.bars, 120.0, Meter.parse(window.meter))
    found = snap_loop(loop).loop.notes
    return Window(
        found.onset_tick.astype(np.int64) // TICKS_PER_STEP, found.pitch.astype(np.int64),
        found.duration_tick.astype(np.int64) // TICKS_PER_STEP, window.bar_steps, window.bars, window.meter,
        window.drums, window.song,
    )  # fmt: skip


def _entropy(values: NDArray[np.int64]) -> float:
    if not len(values):
        return 0.0
    share = np.unique(values, return_counts=True)[1] / len(values)
    return float(-(share * np.log2(share)).sum())


def _jaccard(a: set[object], b: set[object]) -> float:
    return len(a & b) / len(a | b) if a | b else math.nan


def _line(name: str, pitch: NDArray[np.int64]) -> dict[str, float]:
    """Motion of one line."""
    move = np.diff(pitch)
    n = max(1, len(move))
    size = np.abs(move)
    turned = np.sign(move[move != 0])
    return {
        f"{name}.repeat": float((size == 0).sum() / n),
        f"{name}.semitone": float((size == 1).sum() / n),
        f"{name}.tone": float((size == 2).sum() / n),
        f"{name}.third": float(np.isin(size, (3, 4)).sum() / n),
        f"{name}.fourth": float((size == 5).sum() / n),
        f"{name}.fifth": float((size == 7).sum() / n),
        f"{name}.octave": float((size == 12).sum() / n),
        f"{name}.far": float((size > 12).sum() / n),
        f"{name}.up": float((move > 0).sum() / max(1, (move != 0).sum())),
        f"{name}.mean_move": float(size.mean()) if len(move) else 0.0,
        f"{name}.turns": float((turned[1:] != turned[:-1]).mean()) if len(turned) > 1 else 0.0,
        f"{name}.range": float(np.ptp(pitch)) if len(pitch) else 0.0,
    }


def _rhythm(w: Window) -> dict[str, float]:
    onset, first = np.unique(w.onset, return_index=True)
    place = onset % w.bar_steps
    size = np.diff(np.append(first, len(w.onset)))
    gap = np.diff(onset)
    found = {
        "notes": float(len(w.onset)), "onsets": float(len(onset)),
        "one_note": float((size == 1).mean()), "two_notes": float((size == 2).mean()),
        "three_notes": float((size == 3).mean()), "four_notes": float((size >= 4).mean()),
        "most_notes": float(size.max()), "size_spread": float(size.std()),
        "on_beat": float((place % 12 == 0).mean()), "on_eighth": float((place % 12 == 6).mean()),
        "on_16th": float(np.isin(place % 12, (3, 9)).mean()), "on_triplet": float(np.isin(place % 12, (4, 8)).mean()),
        "on_fine": float(np.isin(place % 3 + place % 4 * 3, [a + b * 3 for a in (1, 2) for b in (1, 2, 3)]).mean()),
        "downbeats": float((place == 0).sum()), "last_onset": float(onset[-1] / (w.bar_steps * w.bars)),
        "gap_mean": float(gap.mean()) if len(gap) else 0.0, "gap_spread": float(gap.std()) if len(gap) else 0.0,
        "gap_entropy": _entropy(gap), "gap_same": float((gap[1:] == gap[:-1]).mean()) if len(gap) > 1 else 0.0,
    }  # fmt: skip
    for part in range(8):
        found[f"place_{part}"] = float((place * 8 // w.bar_steps == part).mean())
    bar = w.onset // w.bar_steps
    counts = np.bincount(bar, minlength=w.bars)[: w.bars]
    for number in range(w.bars):
        found[f"bar_{number}"] = float(counts[number] / counts.mean())
    return found


def _likeness(w: Window) -> dict[str, float]:
    bar, place = w.onset // w.bar_steps, w.onset % w.bar_steps
    voices = role_index(w.pitch.astype(np.int32)) if w.drums else w.pitch
    notes = [set(zip(place[bar == b].tolist(), voices[bar == b].tolist(), strict=True)) for b in range(w.bars)]
    rhythm = [set(place[bar == b].tolist()) for b in range(w.bars)]
    found = {}
    for a in range(min(w.bars, 4)):
        for b in range(a + 1, min(w.bars, 4)):
            found[f"alike_{a + 1}{b + 1}"] = _jaccard(notes[a], notes[b])
            found[f"rhythm_{a + 1}{b + 1}"] = _jaccard(rhythm[a], rhythm[b])
    return found


_SCALES = np.array([[(d - r) % 12 in (0, 2, 4, 5, 7, 9, 11) for d in range(12)] for r in range(12)], float)


def _pitched(w: Window) -> dict[str, float]:
    first = np.unique(w.onset, return_index=True)[1]
    last = np.append(first[1:], len(w.onset)) - 1
    share = np.bincount(w.pitch % 12, minlength=12) / len(w.pitch)
    onset = w.onset[first]
    gap = np.append(np.diff(onset), w.bar_steps * w.bars - onset[-1])
    longest = np.maximum.reduceat(w.length, first)
    chords = np.diff(w.pitch)[np.diff(w.onset) == 0]
    n_chords = max(1, len(chords))
    return {
        **_line("top", w.pitch[last]), **_line("low", w.pitch[first]),
        "pitch_mean": float(w.pitch.mean()), "pitch_spread": float(w.pitch.std()),
        "pitches": float(len(np.unique(w.pitch))), "classes": float((share > 0).sum()),
        "class_entropy": _entropy(w.pitch % 12), "commonest": float(share.max()),
        "in_scale": float((_SCALES @ share).max()),
        "length_mean": float(w.length.mean()), "length_spread": float(w.length.std()),
        "length_entropy": _entropy(w.length), "short": float((w.length <= 3).mean()),
        "long": float((w.length >= 24).mean()), "legato": float((longest >= gap).mean()),
        "fill": float(np.clip(longest / np.maximum(gap, 1), 0, 4).mean()),
        "rest": float((longest < gap * 0.7).mean()), "overlap": float((longest > gap).mean()),
        "chord_second": float((chords <= 2).sum() / n_chords),
        "chord_third": float(np.isin(chords, (3, 4)).sum() / n_chords),
        "chord_fifth": float(np.isin(chords, (5, 7)).sum() / n_chords),
        "chord_octave": float((chords >= 12).sum() / n_chords),
        "end_pitch": float(w.pitch[-1] - w.pitch[0]),
    }  # fmt: skip


def _drums(w: Window) -> dict[str, float]:
    role = role_index(w.pitch.astype(np.int32))
    place = w.onset % w.bar_steps
    found = {f"share.{name}": float((role == number).mean()) for number, name in enumerate(ROLES)}
    found["voices"] = float(len(np.unique(role)))
    found["pieces"] = float(len(np.unique(w.pitch)))
    found["voice_entropy"] = _entropy(role)
    for name in ("kick", "snare", "closed_hat", "ride"):
        own = place[role == ROLES.index(name)]
        n = max(1, len(own))
        found[f"{name}.on_beat"] = float((own % 12 == 0).sum() / n)
        found[f"{name}.on_eighth"] = float((own % 12 == 6).sum() / n)
        found[f"{name}.back"] = float((own % 24 == 12).sum() / n)
        found[f"{name}.down"] = float((own == 0).sum() / n)
        gap = np.diff(np.sort(w.onset[role == ROLES.index(name)]))
        found[f"{name}.gap"] = float(gap.mean()) if len(gap) else -1.0
        found[f"{name}.gap_entropy"] = _entropy(gap)
    return found


def features(window: Window) -> dict[str, float]:
    """About 80 plain features of one window's notes."""
    own = _drums(window) if window.drums else _pitched(window)
    return {**_rhythm(window), **_likeness(window), **own}


def table(windows: Sequence[Window]) -> tuple[FloatArray, list[str]]:
    """(n, n_features) and their names."""
    rows = [features(snapped(window)) for window in windows]
    names = list(rows[0])
    return np.array([[row.get(name, math.nan) for name in names] for row in rows]), names


def auc(score: FloatArray, label: NDArray[np.bool_]) -> float:
    """Chance that a true one scores above a false one; ties count half."""
    order = np.argsort(score, kind="stable")
    rank = np.empty(len(score))
    rank[order] = np.arange(1, len(score) + 1)
    _, inverse = np.unique(score, return_inverse=True)
    mean = np.bincount(inverse, rank) / np.bincount(inverse)
    rank = mean[inverse]
    n = int(label.sum())
    return float((rank[label].sum() - n * (n + 1) / 2) / (n * (len(label) - n)))


def folds_of(song: NDArray[np.str_], rng: np.random.Generator) -> NDArray[np.int64]:
    """A fold for each window, songs whole and folds about as large as each other."""
    names, count = np.unique(song, return_counts=True)
    order = rng.permutation(len(names))
    order = order[np.argsort(-count[order], kind="stable")]
    size, chosen = np.zeros(FOLDS), {}
    for name in order:
        fold = int(size.argmin())
        chosen[str(names[name])] = fold
        size[fold] += count[name]
    return np.array([chosen[str(name)] for name in song])


def two_sample(human: Sequence[Window], written: Sequence[Window]) -> dict[str, object]:
    """AUC (mean over seeds), its interval over songs, and the features that tell most with both medians."""
    both = [*human, *written]
    values, names = table(both)
    label = np.arange(len(both)) >= len(human)
    song = np.array([window.song for window in both])
    scores, per_seed = np.zeros(len(both)), []
    gain = np.zeros(len(names))
    for seed in range(SEEDS):
        fold = folds_of(song, np.random.default_rng([seed, 0xF01D]))
        own = np.zeros(len(both))
        for number in range(FOLDS):
            held = fold == number
            data = lgb.Dataset(values[~held], label[~held].astype(int), params={"verbosity": -1})
            trees = lgb.train({**_TREES, "seed": seed}, data, _ROUNDS)
            own[held] = trees.predict(values[held], raw_score=True)
            gain += trees.feature_importance("gain")
        per_seed.append(auc(own, label))
        scores += own
    low, high = _interval(scores, label, song)
    best = np.argsort(-gain)[:10]
    tells = [
        {"name": names[i], "human": round(float(np.nanmean(values[~label, i])), 3),
         "written": round(float(np.nanmean(values[label, i])), 3), "gain": round(float(gain[i] / gain.sum()), 3)}
        for i in best
    ]  # fmt: skip
    return {"auc": round(float(np.mean(per_seed)), 3), "low": round(low, 3), "high": round(high, 3), "tells": tells,
            "songs": len(set(song.tolist())), "human": len(human), "written": len(written)}  # fmt: skip


def _interval(score: FloatArray, label: NDArray[np.bool_], song: NDArray[np.str_]) -> tuple[float, float]:
    """2.5 and 97.5 percentiles of the AUC over songs drawn with replacement."""
    rng = np.random.default_rng(0xB007)
    names = np.unique(song)
    rows = [np.flatnonzero(song == name) for name in names]
    found = []
    for _ in range(RESAMPLES):
        index = np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])
        if 0 < label[index].sum() < len(index):
            found.append(auc(score[index], label[index]))
    return float(np.percentile(found, 2.5)), float(np.percentile(found, 97.5))


def figures(windows: Sequence[Window]) -> dict[str, float]:
    """What a row of the log says of a set of windows: means of a few features."""
    names = {"step": ("top.semitone", "top.tone"), "repeat": ("top.repeat",), "octave": ("low.octave",),
             "bars_13": ("alike_13",), "bars_12": ("alike_12",), "one_note": ("one_note",), "range": ("top.range",),
             "classes": ("classes",), "notes": ("notes",), "legato": ("legato",)}  # fmt: skip
    rows = [features(snapped(window)) for window in windows]
    found = {}
    for name, parts in names.items():
        values = [sum(row[part] for part in parts) for row in rows if all(part in row for part in parts)]
        if values:
            found[name] = round(float(np.nanmean(values)), 3)
    return found
