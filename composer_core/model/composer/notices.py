"""What a person has to know of a condition and a model: fields it never learnt, metres it hardly saw.

Without torch, because the Generate page says so before anything is sampled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from composer_core.model.config import ModelConfig
from composer_core.music.condition import Condition

UNLEARNT = "unlearnt_"
"""`unlearnt_FIELD`: asked for, but the model has no embedding for it, so it did not act."""
UNLEARNT_TECHNIQUE = f"{UNLEARNT}technique"
RARE_METER = "rare_meter"
"""The metre is kept, but less than RARE_SHARE of the training windows had it."""
MODE_BY_SCALE = "mode_by_scale"
"""A mode other than major and minor: the nearer of the two is asked for and notes outside the scale are left out."""
RARE_SHARE = 0.01
LEARNT_MODES = ("major", "minor")
"""What training data are told apart by; the other modes follow the one with their third."""


def notices_of(config: ModelConfig, facts: Mapping[str, object], condition: Condition) -> tuple[str, ...]:
    """Notice codes for a request to a model; `facts` are those saved with it."""
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
        return str(condition.meter) != "4/4"  # nothing is known of the data: only common time is sure
    return bool(windows.get(str(condition.meter), 0) < RARE_SHARE * sum(windows.values()))
