"""The features of the genre estimator for a drum loop: its metrics, tempo, and the folded pattern of the kit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from composer_core.music.drums import ROLES, role_index
from composer_core.music.loop import Loop

STEPS = 16
METRIC_NAMES = (
    "swing_ratio_8", "swing_ratio_16", "onset_density", "onset_rate", "notes_per_bar", "syncopation", "offbeat_rate",
    "ioi_entropy", "microtiming_mean_ms", "microtiming_sd_ms", "microtiming_kick_ms", "microtiming_snare_ms",
    "microtiming_hat_ms", "groove_consistency", "velocity_mean", "velocity_sd", "velocity_range", "accent_contrast",
    "velocity_entropy", "ghost_rate", "drum_collision_rate", "role_separation", "role_balance", "fill_rate",
    "kick_on_beat_rate", "backbeat_rate", "hat_openness", "cymbal_rate",
)  # fmt: skip
_PATTERNED = {"kick": ("kick",), "snare": ("snare",), "hat": ("closed_hat", "open_hat"), "ride": ("ride",)}
_SHARED = {"toms": ("low_tom", "mid_tom", "high_tom"), "crash": ("crash",)}
_GROUPS = {**_PATTERNED, **_SHARED}
_GROUP_OF_ROLE = np.array(
    [next((i for i, roles in enumerate(_GROUPS.values()) if role in roles), -1) for role in (*ROLES, "")]
)
FEATURE_NAMES = (
    *(f"metric:{name}" for name in METRIC_NAMES),
    "metric:tempo_bpm",
    *(f"share:{name}" for name in _GROUPS),
    *(f"pattern:{name}:{step}" for name in _PATTERNED for step in range(STEPS)),
)
SHARED_WITH_PATTERNS = frozenset(
    name
    for name in FEATURE_NAMES
    if not name.startswith("metric:")
    or name.removeprefix("metric:")
    in {
        *("syncopation", "offbeat_rate", "onset_density", "swing_ratio_8", "backbeat_rate", "kick_on_beat_rate"),
        *("hat_openness", "cymbal_rate"),
    }
)
"""What a one-bar machine pattern shows as well as a played take does."""


def features_of(loop: Loop, metrics: Mapping[str, float]) -> NDArray[np.float64]:
    """One row of FEATURE_NAMES: metrics (tempo as its logarithm), shares of the notes, and
    the share of bars in which each group plays at each 16th of the bar. NaN where undefined."""
    group = _GROUP_OF_ROLE[role_index(loop.notes.pitch, loop.drum_map)]
    known = group >= 0
    place = loop.notes.onset_tick[known] % loop.length_tick * STEPS / loop.meter.bar_tick
    step = np.floor(place + 0.5).astype(np.int64) % (STEPS * loop.bars)
    played = np.zeros((len(_GROUPS), loop.bars * STEPS))
    played[group[known], step] = 1.0
    folded = played.reshape(len(_GROUPS), loop.bars, STEPS).mean(axis=1)[: len(_PATTERNED)]
    shares = np.bincount(group[known], minlength=len(_GROUPS)) / max(1, int(known.sum()))
    measured = [metrics.get(name, math.nan) for name in METRIC_NAMES]
    return np.concatenate((measured, [math.log(loop.tempo_bpm)], shares, folded.ravel()))


def reasons_from(contributions: Sequence[float], count: int) -> tuple[str, ...]:
    """The metrics that speak most for a class, as "metric:NAME:+"."""
    ranked = sorted(range(len(FEATURE_NAMES)), key=lambda index: -contributions[index])
    chosen = [i for i in ranked if FEATURE_NAMES[i].startswith("metric:") and contributions[i] > 0][:count]
    return tuple(f"{FEATURE_NAMES[index]}:+" for index in chosen)
