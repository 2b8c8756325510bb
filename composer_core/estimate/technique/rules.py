"""Suggest playing techniques by rules, instrument by instrument."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

from composer_core.errors import StoreError
from composer_core.estimate.suggestion import Suggestion
from composer_core.estimate.technique import drums, pitched
from composer_core.estimate.technique.evidence import Evidence, Rule
from composer_core.music.loop import Loop
from composer_core.workspace import ASSETS

FIGURES = ASSETS / "models" / "technique-rules.json"
"""F1 of each rule on planted techniques, written by `composer estimate train technique-rules`."""
MIN_F1 = 0.35
SOURCE = "rule:technique@1"
RULES: dict[str, dict[str, Rule]] = {"drums": drums.RULES, **pitched.RULES}
"""Rule of each technique code that notes can show, by instrument."""


def suggest_technique(loop: Loop, metrics: Mapping[str, float], known: Mapping[str, object]) -> Suggestion | None:
    """The techniques (codes in `known`) seen in the loop; None when there are none.

    The confidence is that of the least sure of them; the reasons are "rule:CODE".
    """
    if not len(loop.notes):
        return None
    evidence = Evidence(loop, metrics)
    rules = RULES.get(loop.instrument, {})
    seen = {code: rule(evidence) for code, rule in rules.items() if code in known}
    seen = {code: confidence for code, confidence in seen.items() if confidence > 0}
    if not seen:
        return None
    return Suggestion(sorted(seen), min(seen.values()), tuple(f"rule:{code}" for code in sorted(seen)), SOURCE)


@cache
def measured_rules(instrument: str) -> frozenset[str]:
    """Codes whose rule has a figure of at least MIN_F1: what is shown to people. StoreError for a damaged file."""
    try:
        figures = json.loads(FIGURES.read_text(encoding="utf-8"))["figures"].get(instrument, {})
        return frozenset(code for code, row in figures.items() if float(row["f1"]) >= MIN_F1)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError("damaged_store", path=str(FIGURES), reason=str(error)) from error
