"""Rules change a loop into another one, without files or torch: the cheap controls, which never sample again."""

from composer_core.rules.groove import GrooveTemplate, apply_groove, extract_groove
from composer_core.rules.harmony import SUBSTITUTIONS, reharmonise, substitute, substitute_chords
from composer_core.rules.humanise import humanise_ticks
from composer_core.rules.perform import RULE_CODES, Performed, perform
from composer_core.rules.pitch import change_key, fit_range, snap_to_key, transpose
from composer_core.rules.playability import make_playable, violations
from composer_core.rules.quantise import quantise
from composer_core.rules.registry import RULES, Rule
from composer_core.rules.seam import seal_seam
from composer_core.rules.straighten import remove_swing, set_swing
from composer_core.rules.swing import SHORT_NOTE_FLOOR_MS, apply_swing, floored_ratio, swing_ticks
from composer_core.rules.technique import render_technique, with_techniques
from composer_core.rules.tempo import set_tempo
from composer_core.rules.velocity import accent_beats, set_velocity, velocity_curve

__all__ = [
    "RULES",
    "RULE_CODES",
    "SHORT_NOTE_FLOOR_MS",
    "SUBSTITUTIONS",
    "GrooveTemplate",
    "Performed",
    "Rule",
    "accent_beats",
    "apply_groove",
    "apply_swing",
    "change_key",
    "extract_groove",
    "fit_range",
    "floored_ratio",
    "humanise_ticks",
    "make_playable",
    "perform",
    "quantise",
    "reharmonise",
    "remove_swing",
    "render_technique",
    "seal_seam",
    "set_swing",
    "set_tempo",
    "set_velocity",
    "snap_to_key",
    "substitute",
    "substitute_chords",
    "swing_ticks",
    "transpose",
    "velocity_curve",
    "violations",
    "with_techniques",
]
