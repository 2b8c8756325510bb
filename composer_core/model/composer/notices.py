"""Find the notices of a request to a model: fields it never learnt, metres that were rare in its training.

This module does not import torch, because the Generate page shows the notices before anything is sampled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from composer_core.model.config import ModelConfig
from composer_core.music.condition import Condition

UNLEARNT = "unlearnt_"
"""`unlearnt_FIELD`: the field was requested but had no effect, because the model has no embedding for it."""
UNLEARNT_TECHNIQUE = f"{UNLEARNT}technique"
RARE_METER = "rare_meter"
"""The loop has the requested metre, but less than RARE_SHARE of the training windows had it."""
MODE_BY_SCALE = "mode_by_scale"
"""The mode is neither major nor minor: the model gets the nearer one, and notes outside the scale are masked."""
RARE_SHARE = 0.01
LEARNT_MODES = ("major", "minor")
"""The modes that training data distinguish; any other mode counts as the one with the same third."""


def notices_of(config: ModelConfig, facts: Mapping[str, object], condition: Condition) -> tuple[str, ...]:
    """The notices of a request to a model; `facts` are those saved with the model."""
    unlearnt = [field for field in condition.given if field not in config.conditions]
    if condition.technique and "technique" in config.conditions:
        known = {f"{condition.instrument}:{code}" for code in condition.technique}
        unlearnt += [] if known <= set(config.techniques) else ["technique"]
    codes = [UNLEARNT + field for field in unlearnt]
    if _is_rare(facts, condition):
        codes.append(RARE_METER)
    if condition.key is not None and condition.key.mode not in LEARNT_MODES:
        codes.append(MODE_BY_SCALE)
    return tuple(codes)


def _is_rare(facts: Mapping[str, Any], condition: Condition) -> bool:
    windows = facts.get("meters", {}).get(condition.instrument)
    if not windows:
        return str(condition.meter) != "4/4"  # without counts of the training data only 4/4 is certain to be common
    return bool(windows.get(str(condition.meter), 0) < RARE_SHARE * sum(windows.values()))
