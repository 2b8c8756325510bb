"""Estimate the metre from the notes alone: after how many eighths do onsets, long notes and low notes return?

The features are autocorrelations of three accent signals on a grid of 16ths (onsets, durations, bass), as
in Brown (1993) and Toiviainen and Eerola (2006), and comb strengths from the first downbeat. The written
metre is not an input. Notes are in quarters from a bar line; music without a beat grid gets low
probabilities, because its quarters mean nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import numpy as np

from composer_core.estimate.classifiers.questions import QuestionSet
from composer_core.estimate.note_list import FloatArray
from composer_core.estimate.suggestion import Suggestion
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import TICKS_PER_QUARTER, Meter
from composer_core.workspace import ASSETS

FOLDER = ASSETS / "models" / "meter"
CLASSES = {"4/4": ("4/4", "2/2"), "2/4": ("2/4",), "3/4": ("3/4",), "3/8": ("3/8",), "6/8": ("6/8",), "9/8": ("9/8",),
           "12/8": ("12/8",)}  # fmt: skip
"""The metres told apart, with the written ones each stands for. Odd metres are too rare in the data to learn."""
LAGS_EIGHTH = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 18, 24)
_COMBS_EIGHTH = (2, 3, 4, 6, 8, 9, 12)
_SIGNALS = ("onset", "duration", "bass")
_FAMILY = {
    "2/2": ("4/4", "2/4"),
    "4/4": ("4/4", "2/4"),
    "2/4": ("4/4", "2/4"),
    "3/4": ("3/4", "3/8"),
    "3/8": ("3/4", "3/8", "6/8"),
    "6/8": ("6/8", "12/8", "9/8", "3/8"),
    "9/8": ("6/8", "12/8", "9/8"),
    "12/8": ("6/8", "12/8", "9/8"),
}
"""The metres that are hard to tell from each: how many beats a bar has is often taste, how a beat divides is not."""
_LEAST_METER_SHARE = 0.35
METER_UNSURE = 0.8
"""Below this share of the likeliest metre the declared one counts."""
_SIXTEENTH_TICK = TICKS_PER_QUARTER // 4
_MOST_QUARTERS = 64
_LEAST_NOTES = 6
METER_FEATURES = (
    *(f"period_{signal}_{lag}" for signal in _SIGNALS for lag in LAGS_EIGHTH),
    *(f"period_comb_{signal}_{lag}" for signal in _SIGNALS for lag in _COMBS_EIGHTH),
    "period_triplet_share",
    "period_eighth_share",
    "period_sixteenth_share",
)


def question_name(meter: str) -> str:
    """A metre as a file name: 6/8 is 6_8."""
    return meter.replace("/", "_")


def meter_row(notes: Notes) -> FloatArray:
    """One row of METER_FEATURES; all NaN for fewer than six notes. Early notes count for the first downbeat."""
    if len(notes) < _LEAST_NOTES:
        return np.full(len(METER_FEATURES), np.nan)
    onset = np.maximum(notes.onset_tick.astype(np.int64), 0)
    signals = _signals(notes, onset)
    lags = [_autocorrelation(signal) for signal in signals]
    combs = [_combs(signal) for signal in signals]
    place = onset % TICKS_PER_QUARTER
    shares = [
        np.mean([abs(place - at) <= 20 for at in places]) * len(places) for places in ((160, 320), (240,), (120, 360))
    ]
    return np.concatenate((*lags, *combs, shares))


def _signals(notes: Notes, onset: np.ndarray) -> list[FloatArray]:
    step = (onset + _SIXTEENTH_TICK // 2) // _SIXTEENTH_TICK
    keep = step < 4 * _MOST_QUARTERS
    step, pitch = step[keep], notes.pitch[keep]
    length = np.minimum(notes.duration_tick[keep] / TICKS_PER_QUARTER, 2.0)
    n = int(step.max()) + 1 if len(step) else 1
    count = np.minimum(np.bincount(step, minlength=n), 4).astype(np.float64)
    held = np.asarray(np.bincount(step, weights=length, minlength=n), dtype=np.float64)
    bass = np.zeros(n)
    low = pitch <= np.percentile(pitch, 30) if len(pitch) else np.zeros(0, np.bool_)
    np.maximum.at(bass, step[low], 1.0)
    return [count, held, bass]


def _autocorrelation(signal: FloatArray) -> FloatArray:
    """Normalised autocorrelation at LAGS_EIGHTH; NaN where the music is shorter than twice the lag."""
    centred = signal - signal.mean()
    energy = float((centred**2).mean())
    found = np.full(len(LAGS_EIGHTH), np.nan)
    for i, lag in enumerate(LAGS_EIGHTH):
        steps = 2 * lag
        if energy > 0 and len(signal) >= 2 * steps:
            found[i] = float((centred[steps:] * centred[:-steps]).mean()) / energy
    return found


def _combs(signal: FloatArray) -> FloatArray:
    """Mean of the signal on every multiple of each period from the start, over its mean."""
    mean = float(signal.mean())
    return np.array([float(signal[:: 2 * lag].mean()) / mean if mean > 0 else np.nan for lag in _COMBS_EIGHTH])


def suggest_meter(model: QuestionSet, notes: Notes, drums_alone: bool = False) -> Suggestion | None:
    """The likeliest metre with its share of the probabilities; None for fewer than six notes.

    Of drums alone 2/4 counts towards 4/4: a kit repeats after half a bar of 4/4, and nobody writes its part in 2/4.
    """
    shares = song_meter_shares(model, notes)
    if shares is None:
        return None
    if drums_alone:
        shares["4/4"] += shares.pop("2/4")
    best = max(shares, key=lambda meter: shares[meter])
    return Suggestion(best, round(shares[best], 3), ("cue:repetition:+",), model.source)


def song_meter_shares(model: QuestionSet, notes: Notes) -> dict[str, float] | None:
    """The share of each metre's probability; None for fewer than six notes."""
    row = meter_row(notes)
    if not np.isfinite(row).any():
        return None
    return meter_shares({name: float(p[0]) for name, p in model.probabilities(row).items()})


def meter_shares(probability: dict[str, float]) -> dict[str, float]:
    """Probabilities of the questions as shares by metre that add up to 1."""
    total = sum(probability.values()) or 1.0
    return {meter: probability.get(question_name(meter), 0.0) / total for meter in CLASSES}


class DeclaredMeter(TypedDict):
    """A declared metre in plain values."""

    meter: str
    doubtful: bool


def declared_meter_json(meter: Meter, doubtful: bool) -> DeclaredMeter:
    """What a loop's `extra` and reports hold of a declared metre; `suggest_loop_meter` reads it."""
    return {"meter": str(meter), "doubtful": doubtful}


def suggest_loop_meter(model: QuestionSet, loop: Loop) -> Suggestion | None:
    """The metre of a pitched loop; where the notes leave it unsure, the one that the loop's file declares.

    That one is as sure as the notes are of its family, or, where the estimator does not know it, as they leave room
    for a metre they do not know. None for fewer than six notes.
    """
    made = suggest_meter(model, loop.notes)
    said = loop.extra.get("declared_meter")
    if made is None or not isinstance(said, dict) or said["doubtful"] or made.confidence >= METER_UNSURE:
        return made
    shares = song_meter_shares(model, loop.notes) or {}
    meter = Meter.parse(str(said["meter"]))
    if meter_is_doubtful(meter, shares):
        return made
    family = _FAMILY.get(str(meter))
    room = sum(shares.get(one, 0.0) for one in family) if family else 1.0 - max(shares.values())
    return Suggestion(str(meter), round(room, 3), ("cue:declared:+",), model.source)


def meter_is_doubtful(meter: Meter, shares: Mapping[str, float] | None = None) -> bool:
    """Whether a declared metre is no music's, a bar of one beat, or belied by the metres the notes suggest.

    `shares` are probabilities by metre that add up to 1. Measured on the files that did not teach the estimator, 464
    tunes of Ryan's Mammoth Collection and 619 of OpenScore's Lieder: 0.9 and 2.6 % of the right ones are doubted, and
    96 and 95 % found of those planted from another family (4/4, 3/4 or 6/8).
    """
    if meter.numerator == 1:
        return True
    family = _FAMILY.get(str(meter))
    return bool(shares and family) and sum((shares or {}).get(one, 0.0) for one in family or ()) < _LEAST_METER_SHARE
