"""Root and mode of pitched notes as suggestions, with the pitch classes that speak for them."""

from __future__ import annotations

import numpy as np

from composer_core.estimate.note_features import KEY_PROFILES, pitch_class_weights, standard
from composer_core.estimate.note_list import NoteList
from composer_core.estimate.suggestion import Suggestion
from composer_core.music.key import ROOT_NAMES

SOURCE = "model:key-profiles@1"
_SHARPNESS = 9.0
"""How fast the odds of a key fall with its correlation; the softmax over 24 keys gives the confidence."""
_LEAST_PITCH_CLASSES = 3


def suggest_key(notes: NoteList) -> dict[str, Suggestion]:
    """`key_root` and `key_mode` (major or minor); empty where fewer than three pitch classes sound."""
    if len(notes) == 0 or len(np.unique(notes.pitch % 12)) < _LEAST_PITCH_CLASSES:
        return {}
    weight = pitch_class_weights(notes)
    if weight.std() == 0:
        return {}
    odds = np.exp(_SHARPNESS * (KEY_PROFILES @ standard(weight)))
    shares = (odds / odds.sum()).reshape(2, 12)
    mode, root = divmod(int(shares.argmax()), 12)
    reasons = ("cue:scale_degrees:+", "cue:mode:+")
    name = ("major", "minor")[mode]
    return {
        "key_root": Suggestion(ROOT_NAMES[root], round(float(shares[:, root].sum()), 3), reasons, SOURCE),
        "key_mode": Suggestion(name, round(float(shares[mode].sum()), 3), reasons, SOURCE),
    }
