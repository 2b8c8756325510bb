"""Suggest the root and mode of a loop with the key model trained on POP909."""

from __future__ import annotations

from composer_core.estimate.key.estimator import estimate_key
from composer_core.estimate.suggestion import Suggestion
from composer_core.music.key import ROOT_NAMES
from composer_core.music.loop import Loop

SOURCE = "model:key@1"
_REASONS = ("cue:scale_degrees:+", "cue:mode:+")


def suggest_key(loop: Loop) -> dict[str, Suggestion]:
    """`key_root` and `key_mode`, each as sure as the key they make; empty for drums and loops without notes."""
    found = estimate_key(loop)
    if found is None:
        return {}
    confidence = round(float(found.confidence), 3)
    return {
        "key_root": Suggestion(ROOT_NAMES[found.key.root], confidence, _REASONS, SOURCE),
        "key_mode": Suggestion(found.key.mode, confidence, _REASONS, SOURCE),
    }
