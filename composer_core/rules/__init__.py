"""Rules: Loop to Loop, pure, no file, no torch; the cheap controls that never sample again."""

from composer_core.rules.humanise import humanise_ticks
from composer_core.rules.perform import RULE_CODES, Performed, perform
from composer_core.rules.quantise import quantise
from composer_core.rules.straighten import remove_swing, set_swing
from composer_core.rules.swing import SHORT_NOTE_FLOOR_MS, apply_swing, floored_ratio, swing_ticks
from composer_core.rules.tempo import set_tempo
from composer_core.rules.velocity import accent_beats, set_velocity, velocity_curve

__all__ = [
    "RULE_CODES",
    "SHORT_NOTE_FLOOR_MS",
    "Performed",
    "accent_beats",
    "apply_swing",
    "floored_ratio",
    "humanise_ticks",
    "perform",
    "quantise",
    "remove_swing",
    "set_swing",
    "set_tempo",
    "set_velocity",
    "swing_ticks",
    "velocity_curve",
]
