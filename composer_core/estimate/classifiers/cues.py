"""Group features into cues that a musician has a word for, and give reasons in these words.

A model of a hundred features has a hundred small reasons. Added up by cue, they become few
enough for a person to check by ear.
"""

from __future__ import annotations

from collections.abc import Mapping

N_REASONS = 3
_MEMBERS: dict[str, tuple[str, ...]] = {
    "density": ("note_rate", "onset_rate", "low_rate", "high_rate", "gap_median", "gap_mean", "gap_p10", "gap_p90"),
    "evenness": (
        *("gap_sd", "gap_entropy", "gap_variability", "rate_change", "rate_trend", "pulse_clarity", "pulse_period"),
    ),
    "loudness": (
        *("velocity_mean", "velocity_p10", "velocity_p90", "velocity_max", "velocity_low_hand", "velocity_high_hand"),
    ),
    "loudness_change": ("velocity_sd", "velocity_step", "velocity_trend", "velocity_accent"),
    "register": (
        *("register", "register_p5", "register_p95", "low_share", "high_share", "melody_register", "bass_register"),
    ),
    "pitch_range": ("register_sd", "pitch_range", "register_trend", "n_pitches", "hand_distance"),
    "note_length": (
        *("articulation", "articulation_sd", "duration_mean", "duration_sd", "duration_median", "short_share"),
        *("long_share", "silence_share"),
    ),
    "texture": (
        *("polyphony", "polyphony_sd", "polyphony_max", "chord_size", "chord_share", "single_share", "octave_share"),
    ),
    "mode": (
        *("mode_lean", "mode_lean_local", "mode_lean_sd", "minor_key", "chord_lean", "chord_major", "chord_minor"),
        *("share_major", "share_minor", "degree_3", "degree_4"),
    ),
    "key_clarity": ("key_fit", "key_margin", "pitch_class_entropy", "scale_share", "tonal_spread"),
    "harmony": ("chord_changes", "harmonic_flux", "chroma_tones", "chord_fit"),
    "consonance": ("consonance", *(f"interval_class_{i}" for i in range(1, 7))),
    "melody": (
        *("melody_interval", "melody_step_share", "melody_leap_share", "melody_repeat_share", "melody_up_share"),
        *("melody_turn_share", "melody_entropy", "bass_interval"),
    ),
    "repetition": ("fast_repeat_share", "fast_turn_share", "period_"),
}
CUES = (*_MEMBERS, "scale_degrees", "chords")
_CUE_OF = {feature: cue for cue, features in _MEMBERS.items() for feature in features}
_PREFIXES = {"degree_": "scale_degrees", "chord_": "chords", "share_": "chords", "period_": "repetition"}


def cue_of(feature: str) -> str:
    """The cue a feature belongs to; the feature itself where none is named."""
    known = _CUE_OF.get(feature)
    return known or next((cue for prefix, cue in _PREFIXES.items() if feature.startswith(prefix)), feature)


def cue_reasons(parts: Mapping[str, float], count: int = N_REASONS) -> tuple[str, ...]:
    """The cues that add most, as "cue:NAME:+" (raises the value, or speaks for it) or "cue:NAME:-"."""
    total: dict[str, float] = {}
    for feature, part in parts.items():
        total[cue_of(feature)] = total.get(cue_of(feature), 0.0) + part
    strongest = sorted((cue for cue in total if total[cue]), key=lambda cue: -abs(total[cue]))[:count]
    return tuple(f"cue:{cue}:{'+' if total[cue] > 0 else '-'}" for cue in strongest)
